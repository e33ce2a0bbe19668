"""The picture sheets, a row a case: scan, true counterfactual, counterfactual and change."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..errors import MissingExtraError
from ..setting_table import SettingTable
from ..storage.atomic import whole_file
from .case_result import CaseResult
from .layout import BenchCase
from .volumes import CaseVolumes

# As in a result's figure: wide enough to tell fluid from lung and from bone.
WINDOW_HU, LEVEL_HU = 1600.0, -500.0
# Colours of a change end here.
CHANGE_HU = 600.0
PANELS = ("scan", "true counterfactual", "counterfactual", "change, HU")
ROWS_A_SHEET = 12
PANEL_INCHES, HEAD_INCHES, DPI = 1.9, 0.35, 110
BACKGROUND, INK, OUTLINE = "#111418", "#e8eaed", "#ffd54a"


@dataclass(frozen=True)
class Plane:
    """One slice of a case: (rows, columns), HU, float32; `mask` the finding, bool.

    `changed` is None, and `change` a map of any unit, of a method that gives only a heatmap.
    """

    scan: np.ndarray
    clean: np.ndarray
    changed: np.ndarray | None
    change: np.ndarray
    mask: np.ndarray
    aspect: float


@dataclass(frozen=True)
class Pictures:
    """A row of a sheet: the axial and the coronal slice with most of the finding."""

    title: str
    axial: Plane
    coronal: Plane


def take_pictures(case: BenchCase, volumes: CaseVolumes, result: CaseResult) -> Pictures:
    """Cut the slices of a case's row out of its volumes."""
    i, j, k = volumes.scan.spacing
    change = result.heatmap
    if change is None:
        assert result.changed is not None  # one of both is there
        change = result.changed - volumes.scan.array
    at_k = int(volumes.finding.sum(axis=(1, 2)).argmax())
    at_j = int(volumes.finding.sum(axis=(0, 2)).argmax())

    def plane(pick, aspect: float) -> Plane:
        changed = None if result.changed is None else pick(result.changed)
        return Plane(
            pick(volumes.scan.array).astype(np.float32),
            pick(volumes.clean).astype(np.float32),
            changed,
            pick(change),
            pick(volumes.finding),
            aspect,
        )

    return Pictures(
        f"{case.case}: {case.finding}, {case.ml:.3g} mL, {case.place}",
        plane(lambda volume: volume[at_k].copy(), j / i),
        plane(lambda volume: volume[::-1, at_j].copy(), k / i),  # pictures grow down
    )


def draw_sheets(rows: list[Pictures], folder: Path) -> list[Path]:
    """Draw all rows and write `sheet_01.png`, `sheet_02.png` ...; return the files.

    Raises
    ------
    MissingExtraError
        If matplotlib isn't installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "figures", "draw the picture sheet") from error
    written = []
    for number, start in enumerate(range(0, len(rows), ROWS_A_SHEET), start=1):
        part = rows[start : start + ROWS_A_SHEET]
        columns = 2 * len(PANELS)
        height = len(part) * (PANEL_INCHES + HEAD_INCHES) + HEAD_INCHES
        figure = Figure(figsize=(columns * PANEL_INCHES, height), facecolor=BACKGROUND)
        grid = figure.subplots(len(part), columns, squeeze=False)
        figure.subplots_adjust(
            left=0.005,
            right=0.995,
            top=1 - 1.2 * HEAD_INCHES / height,
            bottom=0.005,
            wspace=0.03,
            hspace=HEAD_INCHES / PANEL_INCHES,
        )
        for axes, row in zip(grid, part, strict=True):
            _draw_row(axes, row)
        path = folder / f"sheet_{number:02d}.png"
        with whole_file(path, parents=True) as partial:
            figure.savefig(partial, dpi=DPI, facecolor=BACKGROUND, format="png")
        written.append(path)
    return written


def _draw_row(axes, row: Pictures) -> None:
    half = len(PANELS)
    for part, plane in ((axes[:half], row.axial), (axes[half:], row.coronal)):
        for panel, title, picture in zip(
            part, PANELS, (plane.scan, plane.clean, plane.changed, plane.scan), strict=True
        ):
            panel.set_axis_off()
            panel.set_title(title, color=INK, fontsize=7, pad=2)
            if picture is None:
                continue
            panel.imshow(
                picture,
                cmap="gray",
                vmin=LEVEL_HU - WINDOW_HU / 2,
                vmax=LEVEL_HU + WINDOW_HU / 2,
                aspect=plane.aspect,
                interpolation="bilinear",
            )
        _draw_change(part[-1], plane)
        part[0].contour(plane.mask, levels=[0.5], colors=[OUTLINE], linewidths=0.6)
    axes[0].text(
        0.0, 1.17, row.title, transform=axes[0].transAxes, color=INK, fontsize=9, weight="bold"
    )


def _draw_change(panel, plane: Plane) -> None:
    """Lay the change over the scan: invisible below the lowest level of a heatmap."""
    values = plane.change
    limit, least = CHANGE_HU, SettingTable().level_edges[0]
    if plane.changed is None:  # a map of any unit: by its own range
        limit = max(float(np.abs(values).max()), float(np.finfo(np.float32).tiny))
        least = limit / 20
    opacity = np.clip((np.abs(values) - least) / (limit / 3), 0, 1)
    panel.imshow(
        values,
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        alpha=opacity,
        aspect=plane.aspect,
        interpolation="nearest",
    )
