"""The plots of the figure: where the evidence is, the score along lambda, and the flags."""

from __future__ import annotations

import textwrap

from ..counterfactual.direction import noun
from ..counterfactual.result import Explanation, Outcome
from ..counterfactual.scale import gain_on_scale, on_scale, scale_unit
from .texts import PLAIN

BAR, BAR_BEST, LINE = "#5b8def", "#f2a65a", "#8ab4f8"
FLAG_WIDTH = 62
FLAGS_SHOWN = 5


def draw_plots(figure, cell, explanation: Explanation, ink: str, muted: str, paper: str) -> None:
    """Fill a grid cell from top to bottom with evidence, search and flags."""
    grid = cell.subgridspec(3, 1, height_ratios=(1.5, 1.0, 0.7), hspace=0.42)
    evidence = _axes(figure, grid[0], ink, muted, paper)
    if explanation.chunks:
        _draw_evidence(evidence, explanation, ink)
    else:
        _draw_note(evidence, "Chunks weren't searched (mode whole).", ink)
    path = _axes(figure, grid[1], ink, muted, paper)
    _draw_path(path, explanation, ink)
    _draw_flags(figure.add_subplot(grid[2]), explanation, ink, muted)


def _axes(figure, cell, ink: str, muted: str, paper: str):
    axes = figure.add_subplot(cell, facecolor=paper)
    axes.tick_params(colors=muted, labelsize=8.5)
    for side in ("left", "bottom"):
        axes.spines[side].set_color(muted)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    axes.xaxis.label.set_color(ink)
    axes.yaxis.label.set_color(ink)
    return axes


def _draw_evidence(axes, explanation: Explanation, ink: str) -> None:
    """Bars along the body axis: how far the score moved when only this slab could change."""
    unit = explanation.target.unit
    gains = [
        gain_on_scale(unit, o.direction, o.score_before, o.score_after) for o in explanation.chunks
    ]
    best = max(range(len(gains)), key=gains.__getitem__)
    centres = [sum(o.slab_mm) / 2 for o in explanation.chunks]
    heights = [o.slab_mm[1] - o.slab_mm[0] for o in explanation.chunks]
    colours = [BAR_BEST if n == best and gains[n] > 0 else BAR for n in range(len(gains))]
    axes.barh(centres, gains, height=[h * 0.86 for h in heights], color=colours)
    word = noun(explanation.settings.direction).capitalize()
    axes.set_xlabel(f"{word} of the score{_unit(explanation)}, one slab changed at a time", **PLAIN)
    axes.set_ylabel("S (mm), foot to head")
    axes.set_title("Where is the evidence?", color=ink, fontsize=11, loc="left")


def _draw_path(axes, explanation: Explanation, ink: str) -> None:
    """Score against the share of the image changed, for each search."""
    unit = explanation.target.unit
    for outcome in explanation.chunks:
        _line(axes, outcome, unit, {"color": LINE, "alpha": 0.35, "linewidth": 0.9})
    if explanation.whole is not None:
        style = {"color": BAR_BEST, "linewidth": 1.8, "marker": "o", "markersize": 4}
        _line(axes, explanation.whole, unit, style)
    axes.axvline(explanation.settings.max_change * 100, color="#9aa0a6", linestyle=":", linewidth=1)
    axes.set_xlabel(f"Change in % of the {explanation.settings.scope} (dotted: limit)")
    axes.set_ylabel(f"Score{_unit(explanation)}", **PLAIN)
    shown = "whole volume (orange), chunks (blue)" if explanation.whole else "chunks"
    axes.set_title(f"Search over lambda: {shown}", color=ink, fontsize=11, loc="left")


def _line(axes, outcome: Outcome, unit: str, style: dict) -> None:
    points = sorted(outcome.path, key=lambda point: abs(point.lam))
    axes.plot([p.change * 100 for p in points], [on_scale(unit, p.score) for p in points], **style)


def _draw_flags(axes, explanation: Explanation, ink: str, muted: str) -> None:
    axes.set_axis_off()
    lines = []
    for flag in explanation.flags[:FLAGS_SHOWN]:
        lines += textwrap.wrap(f"{flag.name}: {flag.message}", FLAG_WIDTH, subsequent_indent="   ")
    left_out = len(explanation.flags) - FLAGS_SHOWN
    if left_out > 0:
        lines.append(f"... and {left_out} more in result.json")
    title = "Flags" if explanation.flags else "No flags raised"
    axes.text(0, 1, title, color=ink, fontsize=11, va="top", transform=axes.transAxes)
    axes.text(
        0,
        0.82,
        "\n".join(lines),
        color=muted,
        fontsize=8,
        va="top",
        transform=axes.transAxes,
        **PLAIN,
    )


def _draw_note(axes, text: str, ink: str) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, color=ink, ha="center", va="center", transform=axes.transAxes)


def _unit(explanation: Explanation) -> str:
    unit = scale_unit(explanation.target.unit)
    return f" ({unit})" if unit else ""
