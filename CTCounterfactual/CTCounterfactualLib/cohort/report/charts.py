"""The report's figures: by chunk size, distributions, along the body; as SVG and PNG."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import MissingExtraError
from ...outputs.texts import PLAIN
from ...storage.atomic import whole_file
from .figure_five import PLACES, Profile, SizeReduction
from .scores import Scored

# Of positives, negatives, and the counterfactuals of positives: told apart without colour vision,
# too (Okabe and Ito, "Color Universal Design", 2008).
POSITIVE, NEGATIVE, CHANGED, TRUTH = "#d55e00", "#0072b2", "#009e73", "#6b7280"
INK = "#1f2937"
SIZE_INCHES, DPI = (5.4, 3.5), 160
BINS = 40
LEGEND_POINTS = 7.5
# Else a block of references to vocabularies on the web stands in every drawing.
NO_METADATA = dict.fromkeys(("Date", "Creator", "Format", "Type"))
FONT: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: small, and selectable
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica Neue", "Helvetica", "Arial", "Liberation Sans", "DejaVu Sans"],
    "font.size": 9,
}


def by_chunk_size(found: Sequence[SizeReduction], unit: str) -> Any:
    """Return the figure of reductions by chunk size: mean and standard error."""
    figure, axes = _figure()
    sizes = sorted({one.chunk for one in found if one.chunk})
    labels = [str(size) for size in sizes]
    if any(one.chunk == 0 for one in found):
        labels.append("whole")
    place = {size: n for n, size in enumerate([*sizes, 0])}
    for positive, colour, name, shift in (
        (True, POSITIVE, "positives", -0.06),
        (False, NEGATIVE, "negatives", 0.06),
    ):
        group = [one for one in found if one.positive == positive]
        if not group:
            continue
        x = [place[one.chunk] + shift for one in group]
        y = [one.reduction.mean for one in group]
        error = np.nan_to_num([one.reduction.standard_error for one in group])
        n = max(one.reduction.n for one in group)
        style: dict[str, Any] = {"fmt": "o-", "capsize": 3, "markersize": 4, "linewidth": 1.2}
        axes.errorbar(x, y, yerr=error, color=colour, label=f"{name} (N={n})", **style)
    axes.axhline(0, color=TRUTH, linewidth=0.6)
    axes.set_xticks(range(len(labels)), labels)
    axes.set_xlim(-0.5, len(labels) - 0.5)
    axes.set_xlabel("chunk size, slices of the prepared grid")
    axes.set_ylabel(_with_unit("reduction of the score", unit), **PLAIN)
    axes.legend(frameon=False, fontsize=LEGEND_POINTS)
    return figure


def distributions(cases: Scored, unit: str, threshold: float | None) -> Any:
    """Return the figure of how scores are spread: positives, negatives, and counterfactuals."""
    figure, axes = _figure()
    positives, negatives = cases.of(True), cases.of(False)
    groups = [
        (values, colour, f"{name} (N={len(values)})")
        for values, colour, name in (
            (positives.before, POSITIVE, "positives"),
            (negatives.before, NEGATIVE, "negatives"),
            (positives.after, CHANGED, "counterfactuals of positives"),
        )
        if len(values)
    ]
    together = np.concatenate([values for values, _, _ in groups])
    low, high = float(together.min()), float(together.max())
    edges = np.linspace(low, high if high > low else low + 1.0, BINS + 1)
    for values, colour, name in groups:
        share = np.histogram(values, edges)[0] / len(values)
        axes.stairs(share, edges, color=colour, label=name, linewidth=1.4)
        axes.stairs(share, edges, color=colour, fill=True, alpha=0.16)
        axes.axvline(values.mean(), color=colour, linewidth=0.9, linestyle="--")
    if threshold is not None:
        axes.axvline(threshold, color=INK, linewidth=0.9, linestyle=":", label="decision threshold")
    axes.set_xlabel(_with_unit("score (dashed: mean)", unit), **PLAIN)
    axes.set_ylabel("share of the scans")
    axes.set_ylim(bottom=0)
    axes.legend(frameon=False, fontsize=LEGEND_POINTS)
    return figure


def along_the_body(found: Sequence[Profile], unit: str) -> Any:
    """Return the figure of where the score falls, from the scan's lowest slice to its highest."""
    figure, axes = _figure()
    at = (np.arange(PLACES) + 0.5) / PLACES
    for one in found:
        colour = POSITIVE if one.positive else NEGATIVE
        name = f"{'positives' if one.positive else 'negatives'} (N={one.n})"
        axes.plot(at, one.mean, color=colour, linewidth=1.4, label=name)
        axes.fill_between(
            at, one.mean - one.error, one.mean + one.error, color=colour, alpha=0.18, linewidth=0
        )
    truth = next((one.truth for one in found if one.positive and one.truth is not None), None)
    if truth is not None:
        beside = axes.twinx()
        beside.plot(at, truth, color=TRUTH, linewidth=1.1, linestyle=":")
        beside.set_ylabel("share of the finding in the chunk (dotted)", color=TRUTH)
        beside.set_ylim(bottom=0)
        beside.spines["top"].set_visible(False)
    axes.axhline(0, color=TRUTH, linewidth=0.6)
    axes.set_xlim(0, 1)
    axes.set_xlabel("place in the scan: 0 the lowest slice, 1 the highest")
    axes.set_ylabel(_with_unit("reduction by the chunk there", unit), **PLAIN)
    axes.legend(frameon=False, fontsize=LEGEND_POINTS)
    return figure


def costs(seconds: np.ndarray, megabytes: np.ndarray) -> Any:
    """Return the figure of time and memory a case."""
    figure, axes = _figure(2)
    for one, values, label in (
        (axes[0], seconds, "seconds a case"),
        (axes[1], megabytes, "peak memory, MB"),
    ):
        if len(values):
            one.hist(values, BINS // 2, color=NEGATIVE, alpha=0.7)
            one.axvline(np.median(values), color=INK, linewidth=0.9, linestyle="--")
        one.set_xlabel(label)
        one.set_ylabel("cases")
    figure.tight_layout()
    return figure


def svg(figure: Any) -> str:
    """Return a figure as SVG to stand in a page: without a head, and scaled to its column."""
    from matplotlib import rc_context

    text = io.StringIO()
    with rc_context(FONT | {"svg.hashsalt": str(id(figure))}):
        figure.savefig(text, format="svg", metadata=NO_METADATA, transparent=True)
    drawing = text.getvalue()
    drawing = drawing[drawing.index("<svg") :]
    return re.sub(r'(<svg[^>]*?) (?:width="[^"]*"|height="[^"]*")', r"\1", drawing, count=2)


def write_figure_files(figure: Any, folder: Path, name: str) -> None:
    """Write a figure as `NAME.svg` and `NAME.png`; earlier ones are replaced.

    Raises
    ------
    OutputError
        If one can't be written.
    """
    from matplotlib import rc_context

    for kind in ("svg", "png"):
        with (
            rc_context(FONT | {"svg.hashsalt": name}),
            whole_file(folder / f"{name}.{kind}", parents=True) as path,
        ):
            figure.savefig(path, format=kind, dpi=DPI, facecolor="white")


def _figure(columns: int = 1) -> tuple[Any, Any]:
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise MissingExtraError("matplotlib", "figures", "draw a cohort's report") from error
    with rc_context(FONT):
        figure = Figure(figsize=SIZE_INCHES, layout="constrained" if columns == 1 else None)
        axes = figure.subplots(1, columns)
        for one in np.atleast_1d(axes):
            one.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _with_unit(text: str, unit: str) -> str:
    return f"{text}, {unit}" if unit else text
