"""The picture sheet, a row a distractor: where each trial changed most, and what the score did."""

from __future__ import annotations

from pathlib import Path

from ..errors import MissingExtraError
from ..storage.atomic import whole_file
from .run import StressReport
from .trial import Trial

SHEET_FILE = "stress.png"
# Soft tissue, lung, bone and the air around in one window.
LOW_HU, HIGH_HU = -1200.0, 600.0
PANEL_INCHES, HEAD_INCHES, DPI = 2.2, 0.42, 100
BACKGROUND, INK, OUTLINE = "#111418", "#e8eaed", "#ffd54a"
# What covers less of a voxel than this isn't outlined; more than half of a picture neither.
OUTLINED, MOST_OUTLINED = 0.1, 0.5
TITLE_LETTERS = 38


def draw_sheet(report: StressReport, path: Path, force: bool = False) -> None:
    """Draw all trials and write them as a PNG.

    Raises
    ------
    MissingExtraError
        If matplotlib isn't installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "figures", "draw the picture sheet") from error
    rows: dict[tuple[str, str], list[Trial]] = {}
    for trial in report.trials:
        rows.setdefault((trial.group, trial.kind), []).append(trial)
    columns = report.settings.draws
    height = len(rows) * (PANEL_INCHES + HEAD_INCHES) + 0.2
    figure = Figure(figsize=(columns * PANEL_INCHES, height), facecolor=BACKGROUND)
    grid = figure.subplots(len(rows), columns, squeeze=False)
    figure.subplots_adjust(
        left=0.005,
        right=0.995,
        top=1 - HEAD_INCHES / height,
        bottom=0.005,
        wspace=0.03,
        hspace=HEAD_INCHES / PANEL_INCHES,
    )
    for axes, trials in zip(grid, rows.values(), strict=True):
        for panel, trial in zip(axes, trials, strict=True):
            _draw(panel, trial, report.scale)
    with whole_file(path, force, parents=True) as partial:
        figure.savefig(partial, dpi=DPI, facecolor=BACKGROUND, format="png")


def _draw(panel, trial: Trial, unit: str) -> None:
    panel.set_axis_off()
    moved = trial.problem if trial.delta is None else f"{trial.delta:+.3g} {unit}".rstrip()
    panel.set_title(
        f"{trial.kind}: {moved}"[:TITLE_LETTERS] + f"\n{trial.place[:TITLE_LETTERS]}",
        color=INK,
        fontsize=6.5,
        pad=2,
    )
    picture = trial.picture
    if picture is None:
        return
    panel.imshow(picture.hu, cmap="gray", vmin=LOW_HU, vmax=HIGH_HU, aspect=picture.aspect)
    if picture.cover is None:
        return
    share = float((picture.cover > OUTLINED).mean())
    if 0 < share < MOST_OUTLINED:
        panel.contour(picture.cover, levels=[OUTLINED], colors=[OUTLINE], linewidths=0.5)
