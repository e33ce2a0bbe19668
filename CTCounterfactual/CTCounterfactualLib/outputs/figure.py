"""`figure.png`: scan, counterfactual and change in three planes, with scores and evidence."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ..counterfactual.result import DISCLAIMER, Explanation
from ..counterfactual.scale import has_logit
from ..counterfactual.search.logit import logit
from ..errors import MissingExtraError
from ..scans.greys import greys_of
from . import plots
from .texts import PLAIN, cleaned
from .views import EDGE_LETTERS, PLANES, Oriented, busiest

# A change is drawn more solid the larger it is, up to this opacity.
FULL_OPACITY = 0.9
DPI = 130
BACKGROUND, INK, MUTED = "#111418", "#e8eaed", "#9aa0a6"
WIDTH_INCHES = 15.0
PICTURE_COLUMNS, PLOT_SHARE = 3, 0.34
# What margins and gaps leave of the pictures' width; room above and below the pictures, and the
# least that the plots beside them need.
MARGIN_SHARE, HEAD_INCHES, FOOT_INCHES, MIN_BODY_INCHES = 0.88, 1.05, 0.45, 6.5


def write_figure(explanation: Explanation, path: Path) -> None:
    """Draw the figure of an explanation and write it as a PNG.

    Raises
    ------
    MissingExtraError
        If matplotlib isn't installed.
    """
    figure = draw_figure(explanation)
    figure.savefig(path, dpi=DPI, facecolor=BACKGROUND)


def draw_figure(explanation: Explanation):
    """Return the figure as a `matplotlib.figure.Figure`; touches no global matplotlib state."""
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "figures", "draw figure.png") from error

    explanation = cleaned(explanation)
    scan = explanation.scan
    volumes = [
        Oriented.on_grid(scan.image, voxels)
        for voxels in (scan.array, explanation.counterfactual, explanation.difference)
    ]
    heights = [_row_height(volumes[0], plane) for plane in PLANES]
    picture_width = WIDTH_INCHES * (1 - PLOT_SHARE) / PICTURE_COLUMNS * MARGIN_SHARE
    height = max(sum(heights) * picture_width, MIN_BODY_INCHES) + HEAD_INCHES + FOOT_INCHES
    figure = Figure(figsize=(WIDTH_INCHES, height), facecolor=BACKGROUND)
    grid = figure.add_gridspec(
        1,
        2,
        width_ratios=(1 - PLOT_SHARE, PLOT_SHARE),
        left=0.015,
        right=0.98,
        top=1 - HEAD_INCHES / height,
        bottom=FOOT_INCHES / height,
        wspace=0.22,
    )
    left, right = grid[0], grid[1]
    _draw_pictures(figure, left, volumes, heights, explanation)
    plots.draw_plots(figure, right, explanation, INK, MUTED, BACKGROUND)
    figure.text(
        0.015,
        1 - 0.3 / height,
        _headline(explanation),
        color=INK,
        fontsize=15,
        weight="bold",
        va="center",
        **PLAIN,
    )
    figure.text(
        0.015,
        1 - 0.62 / height,
        _score_line(explanation),
        color=INK,
        fontsize=11.5,
        va="center",
        **PLAIN,
    )
    figure.text(
        0.015, 0.2 / height, _footer(explanation), color=MUTED, fontsize=8.5, va="center", **PLAIN
    )
    return figure


def _row_height(volume: Oriented, plane: str) -> float:
    """Return a plane's height over its width, kept between flat slabs and tall scans."""
    height, width = volume.extent_mm(plane)
    return float(np.clip(height / width, 0.3, 1.3))


def _draw_pictures(figure, cell, volumes: list[Oriented], heights, explanation) -> None:
    grid = cell.subgridspec(3, PICTURE_COLUMNS, height_ratios=heights, wspace=0.02, hspace=0.03)
    scan, counterfactual, change = volumes
    edges = explanation.settings.level_edges
    black, white = greys_of(explanation.scan)
    for row, plane in enumerate(PLANES):
        index = busiest(change, plane)
        base = scan.plane(plane, index)
        pictures = (base, counterfactual.plane(plane, index), base)
        for column, picture in enumerate(pictures):
            axes = figure.add_subplot(grid[row, column])
            axes.imshow(
                picture,
                cmap="gray",
                vmin=black,
                vmax=white,
                aspect=scan.aspect(plane),
                interpolation="bilinear",
            )
            axes.set_axis_off()
            draw_letters(axes, plane)
            if column == 2:
                shown = _draw_change(axes, change, plane, index, edges)
            if row == 0:
                title = ("Scan", "Counterfactual", f"Change in {explanation.scan.unit}")[column]
                axes.set_title(title, color=INK, fontsize=11)
        if row == 0:
            top = axes
        axes.text(
            0.98,
            0.03,
            f"{plane} {index + 1}/{scan.count(plane)}",
            color=MUTED,
            fontsize=8,
            ha="right",
            transform=axes.transAxes,
        )
    bar = top.inset_axes((1.02, 0.12, 0.03, 0.76))
    figure.colorbar(shown, cax=bar)
    bar.tick_params(colors=MUTED, labelsize=7.5)


def _draw_change(axes, change: Oriented, plane: str, index: int, edges: tuple[float, ...]):
    """Lay the change over the scan: invisible below the first level, solid from the last on."""
    values = change.plane(plane, index).astype(np.float32)
    span = max(edges[-1] - edges[0], float(np.finfo(np.float32).tiny))
    alpha = np.clip((np.abs(values) - edges[0]) / span, 0, 1) * FULL_OPACITY
    return axes.imshow(
        values,
        cmap="RdBu_r",
        vmin=-edges[-1] * 2,
        vmax=edges[-1] * 2,
        alpha=alpha,
        aspect=change.aspect(plane),
        interpolation="nearest",
    )


def draw_letters(axes, plane: str) -> None:
    """Write the letters of the patient's sides on the edges of a plane's picture."""
    left, right, top, bottom = EDGE_LETTERS[plane]
    places = ((left, 0.02, 0.5), (right, 0.98, 0.5), (top, 0.5, 0.97), (bottom, 0.5, 0.03))
    for letter, x, y in places:
        axes.text(
            x,
            y,
            letter,
            color=MUTED,
            fontsize=8,
            ha="center",
            va="center",
            transform=axes.transAxes,
        )


def _headline(explanation: Explanation) -> str:
    verb = explanation.settings.direction
    return (
        f"{explanation.scan.name}: what would {verb} "
        f"{explanation.target.name} ({explanation.classifier.name})?"
    )


def _score_line(explanation: Explanation) -> str:
    scores, unit = explanation.scores, explanation.target.unit
    moved = scores.counterfactual - scores.original
    share = f" ({moved / scores.original:+.1%})" if scores.original else ""
    if has_logit(unit):
        share = f" (logit {logit(scores.original):.3g} to {logit(scores.counterfactual):.3g})"
    return (
        f"Scan {scores.original:.4g} {unit}   \N{RIGHTWARDS ARROW}   counterfactual "
        f"{scores.counterfactual:.4g} {unit}{share}        reconstruction "
        f"{scores.reconstruction:.4g} {unit}"
    )


def _footer(explanation: Explanation) -> str:
    settings = explanation.settings
    black, white = greys_of(explanation.scan)
    within = f" only within {explanation.region_name}," if explanation.region_name else ""
    return (
        f"{DISCLAIMER}.   Autoencoder {explanation.autoencoder.name}, search {settings.search}, "
        f"baseline {settings.baseline},{within} change limit {settings.max_change:.0%} of the "
        f"{settings.scope}, window {white - black:.4g}/{(white + black) / 2:.4g} "
        f"{explanation.scan.unit}."
    )
