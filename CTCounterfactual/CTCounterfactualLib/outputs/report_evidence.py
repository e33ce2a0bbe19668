"""Where the evidence is: a row and a bar a slab (HTML), and the score along the searches (SVG)."""

from __future__ import annotations

import math
from html import escape

from ..counterfactual.direction import noun
from ..counterfactual.result import Explanation, Outcome
from ..counterfactual.scale import gain_on_scale, on_scale, scale_unit
from .numbers import amount, decimals, fixed

# More slabs than this don't fit beside the rest of a page: the strongest are listed.
ROWS_SHOWN = 14
# The longest bar's number has so many significant digits, all others as many after the point.
GAIN_DIGITS = 3
# The search chart in its own units, and the room that its axes' numbers take at left and bottom.
WIDTH, HEIGHT, LEFT, BOTTOM, TOP, RIGHT = 300, 185, 48, 36, 6, 8
TICKS = 4
HEADROOM = 0.05


def evidence(explanation: Explanation) -> str:
    """Return the table of slabs, head on top as in the pictures."""
    if not explanation.chunks:
        return (
            '<p class="fine">Slabs were not searched one by one (mode whole), so this run cannot '
            "say at which height the evidence lies.</p>"
        )
    shown = _strongest(explanation)
    word = noun(explanation.settings.direction).capitalize()
    unit = _in_brackets(scale_unit(explanation.target.unit))
    gains = {outcome: _gain(explanation, outcome) for outcome in shown}
    longest = max(gains.values())
    rows = "".join(_row(outcome, gains[outcome], longest) for outcome in reversed(shown))
    left_out = len(explanation.chunks) - len(shown)
    note = (
        f'<p class="fine">The {len(shown)} strongest of {len(explanation.chunks)} slabs; all '
        "are in chunks.csv of the result folder.</p>"
        if left_out
        else ""
    )
    return (
        f"<table><thead><tr><th>Slab, S (mm)</th><th>Score</th>"
        f'<th class="wide" colspan="2">{word}{escape(unit)}</th><th>Changed</th>'
        f"<th>Search ended by</th></tr></thead><tbody>{rows}</tbody></table>{note}"
    )


def _strongest(explanation: Explanation) -> tuple[Outcome, ...]:
    """Return the slabs to list, foot to head."""
    by_gain = sorted(explanation.chunks, key=lambda o: _gain(explanation, o), reverse=True)
    return tuple(sorted(by_gain[:ROWS_SHOWN], key=lambda outcome: outcome.start))


def _gain(explanation: Explanation, outcome: Outcome) -> float:
    """Return how far a slab's score moved the wanted way: of a probability, on the logit."""
    return gain_on_scale(
        explanation.target.unit, outcome.direction, outcome.score_before, outcome.score_after
    )


def _in_brackets(unit: str) -> str:
    return f" ({unit})" if unit else ""


def _row(outcome: Outcome, gain: float, longest: float) -> str:
    width = 100 * max(gain, 0.0) / longest if longest > 0 else 0.0
    best = ' class="best"' if gain == longest and gain > 0 else ""
    low, high = (fixed(edge, 0) for edge in outcome.slab_mm)
    return (
        f"<tr{best}><td>{low} to {high}</td><td>{amount(outcome.score_after)}</td>"
        f"<td>{fixed(gain, decimals(longest, GAIN_DIGITS))}</td>"
        f'<td class="bar"><div style="width:{width:.1f}%"></div></td>'
        f"<td>{fixed(100 * outcome.change, 1)} %</td><td>{escape(outcome.stop_reason)}</td></tr>"
    )


def search_chart(explanation: Explanation) -> str:
    """Return the score against the share of the image changed, for each search, as SVG."""
    searches = [*explanation.chunks, *([explanation.whole] if explanation.whole else [])]
    unit = explanation.target.unit
    points = [
        (100 * p.change, on_scale(unit, p.score)) for outcome in searches for p in outcome.path
    ]
    limit = 100 * explanation.settings.max_change
    xs = _Axis.over([0.0, limit, *(x for x, _ in points)], LEFT, WIDTH - RIGHT)
    ys = _Axis.over([y for _, y in points], HEIGHT - BOTTOM, TOP)
    lines = "".join(
        _line(outcome, unit, xs, ys, "whole" if outcome is explanation.whole else "chunk")
        for outcome in searches
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="Score along each search">'
        f"{_frame(xs, ys)}"
        f'<line class="limit" x1="{xs.at(limit):.1f}" x2="{xs.at(limit):.1f}" y1="{TOP}" '
        f'y2="{HEIGHT - BOTTOM}"/>{lines}'
        f'<text class="axis" x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 3}" '
        f'text-anchor="middle">changed, % of the {escape(explanation.settings.scope)}</text>'
        f'<text class="axis" x="{-(TOP + HEIGHT - BOTTOM) / 2}" y="10" text-anchor="middle" '
        f'transform="rotate(-90)">score{escape(_in_brackets(scale_unit(unit)))}</text></svg>'
    )


class _Axis:
    """Maps values to a chart's units, with round numbers for ticks."""

    def __init__(self, low: float, high: float, start: float, end: float):
        self.low, self.high, self.start, self.end = low, high, start, end

    @classmethod
    def over(cls, values: list[float], start: float, end: float) -> _Axis:
        """Make an axis that shows all values with some room; never of no length."""
        low, high = min(values), max(values)
        room = (high - low) * HEADROOM or abs(high) * HEADROOM or 1.0
        return cls(low - room, high + room, start, end)

    def at(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self) -> list[tuple[float, str]]:
        """Return 3 to 7 multiples of 1, 2 or 5 times a power of ten, and how they are written."""
        raw = (self.high - self.low) / TICKS
        power = 10.0 ** math.floor(math.log10(raw))
        step = min((m * power for m in (1, 2, 5, 10)), key=lambda s: abs(math.log(s / raw)))
        numbers = range(math.ceil(self.low / step), math.floor(self.high / step) + 1)
        return [(n * step, fixed(n * step, decimals(step, 1))) for n in numbers]


def _frame(xs: _Axis, ys: _Axis) -> str:
    """Return axes, ticks and their numbers."""
    left, right, bottom = xs.start, xs.end, ys.start
    marks = "".join(
        f'<text x="{xs.at(v):.1f}" y="{bottom + 14}" text-anchor="middle">{text}</text>'
        for v, text in xs.ticks()
    ) + "".join(
        f'<line class="grid" x1="{left}" x2="{right}" y1="{ys.at(v):.1f}" y2="{ys.at(v):.1f}"/>'
        f'<text x="{left - 4}" y="{ys.at(v) + 4:.1f}" text-anchor="end">{text}</text>'
        for v, text in ys.ticks()
    )
    return f'{marks}<path class="frame" d="M{left} {ys.end}V{bottom}H{right}"/>'


def _line(outcome: Outcome, unit: str, xs: _Axis, ys: _Axis, kind: str) -> str:
    path = sorted(outcome.path, key=lambda point: abs(point.lam))
    places = [(xs.at(100 * p.change), ys.at(on_scale(unit, p.score))) for p in path]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    dots = "".join(
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3"/>'
        for point, (x, y) in zip(path, places, strict=True)
        if kind == "whole" and point.lam == outcome.lam
    )
    return f'<polyline class="{kind}" points="{line}"/>{dots}'
