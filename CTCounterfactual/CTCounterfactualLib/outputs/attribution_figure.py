"""`figure.png` of a method's map: the scan, and the map over it, in three planes."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np

from ..counterfactual.result import DISCLAIMER
from ..methods.attribution import Attribution
from ..methods.levels import EDGES, strongest
from ..scans.greys import greys_of
from .failed import failed_tests
from .figure import BACKGROUND, DPI, FULL_OPACITY, INK, MUTED, draw_letters
from .texts import PLAIN
from .views import PLANES, Oriented, busiest

INCHES_A_PICTURE = 4.2
HEAD_INCHES, FOOT_INCHES = 1.0, 0.75
WARNING = "#ff8a65"  # on the dark ground
LINE_LETTERS = 120


def write_attribution_figure(attribution: Attribution, path: Path) -> None:
    """Draw the figure of a map and write it as a PNG; touches no global matplotlib state."""
    from matplotlib.figure import Figure

    scan = attribution.scan
    base = Oriented.on_grid(scan.image, scan.array)
    values = Oriented.on_grid(scan.image, attribution.values)
    top = strongest(attribution.values)
    ratios = [np.divide(*base.extent_mm(plane)) for plane in PLANES]
    heights = [float(np.clip(ratio, 0.3, 1.3)) for ratio in ratios]
    height = sum(heights) * INCHES_A_PICTURE + HEAD_INCHES + FOOT_INCHES
    figure = Figure(figsize=(2 * INCHES_A_PICTURE, height), facecolor=BACKGROUND)
    grid = figure.add_gridspec(
        len(PLANES),
        2,
        height_ratios=heights,
        left=0.02,
        right=0.9,
        wspace=0.02,
        hspace=0.03,
        top=1 - HEAD_INCHES / height,
        bottom=FOOT_INCHES / height,
    )
    black, white = greys_of(scan)
    for row, plane in enumerate(PLANES):
        index = busiest(values, plane)
        for column in range(2):
            axes = figure.add_subplot(grid[row, column])
            axes.imshow(
                base.plane(plane, index),
                cmap="gray",
                vmin=black,
                vmax=white,
                aspect=base.aspect(plane),
            )
            axes.set_axis_off()
            draw_letters(axes, plane)
        shown = _draw_values(axes, values, plane, index, top)
        if row == 0:
            bar = figure.colorbar(shown, cax=axes.inset_axes((1.03, 0.1, 0.04, 0.8)))
            bar.ax.tick_params(colors=MUTED, labelsize=7.5)
    _write_words(figure, attribution, height)
    figure.savefig(path, dpi=DPI, facecolor=BACKGROUND)


def _draw_values(axes, values: Oriented, plane: str, index: int, top: float):
    """Lay the map over the scan: invisible below the first level, solid from the last on."""
    picture = values.plane(plane, index).astype(np.float32)
    limit = top if top > 0 else 1.0
    share = (np.abs(picture) / limit - EDGES[0]) / (EDGES[-1] - EDGES[0])
    return axes.imshow(
        picture,
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        interpolation="nearest",
        alpha=np.clip(share, 0, 1) * FULL_OPACITY,
        aspect=values.aspect(plane),
    )


def _write_words(figure, attribution: Attribution, height: float) -> None:
    target, method = attribution.target, attribution.method
    figure.text(
        0.02,
        1 - 0.3 / height,
        f"{attribution.scan.name}: {target.name} ({attribution.classifier.name}) by {method.name}",
        color=INK,
        fontsize=13,
        weight="bold",
        va="center",
        **PLAIN,
    )
    stopped = "   (cancelled: what was there)" if attribution.partial else ""
    figure.text(
        0.02,
        1 - 0.62 / height,
        f"Score {attribution.score:.4g} {target.unit}{stopped}",
        color=INK,
        fontsize=11,
        va="center",
        **PLAIN,
    )
    failed = failed_tests(attribution.flags)
    if failed:
        figure.text(
            0.02,
            1 - 0.88 / height,
            f"{failed}: see result.json",
            color=WARNING,
            fontsize=10,
            weight="bold",
            va="center",
            **PLAIN,
        )
    sign = method.sign[0].upper() + method.sign[1:]
    words = textwrap.fill(f"{sign}. {DISCLAIMER}.", LINE_LETTERS)
    figure.text(
        0.02, FOOT_INCHES / 2 / height, words, color=MUTED, fontsize=8, va="center", **PLAIN
    )
