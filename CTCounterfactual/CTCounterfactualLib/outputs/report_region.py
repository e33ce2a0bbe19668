"""The report's section of the region: how it was found, and whether other regions do as well."""

from __future__ import annotations

from html import escape

from ..counterfactual.region_search import COMPLEMENT, RANDOM, RegionSearch
from ..counterfactual.result import Explanation
from .numbers import amount, percent, signed

_HEADS = ("region", "mL", "score moved by", "of the region's own")
_CALLED = {
    COMPLEMENT: "control: the rest of the body",
    RANDOM: "control: a place at random, as large",
}


def region(explanation: Explanation) -> str:
    """Return the section as HTML; nothing for a result that doesn't hold its region."""
    search = explanation.region_search
    if search is None:
        return ""
    head = "".join(f"<th>{escape(text)}</th>" for text in _HEADS)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>"
        for row in _rows(explanation, search)
    )
    return (
        f"<section><h2>The region, outlined in green</h2><table><tr>{head}</tr>{body}</table>"
        f'<p class="fine">{escape(_words(search))}</p></section>'
    )


def _rows(explanation: Explanation, search: RegionSearch) -> list[tuple[str, ...]]:
    unit = explanation.target.unit

    def moved(before: float, after: float) -> str:
        return f"{signed(after - before)} {unit}".strip()

    found = explanation.whole
    gone = moved(found.score_before, found.score_after) if found else ""
    rows: list[tuple[str, ...]] = [
        (explanation.region_name or "region", amount(search.ml), gone, "1")
    ]
    if search.unrestricted is not None:
        whole = search.unrestricted
        rows.append(("no region", "", moved(whole.score_before, whole.score_after), ""))
    rows += [
        (
            _CALLED.get(control.name, control.name),
            amount(control.ml),
            moved(control.outcome.score_before, control.outcome.score_after),
            f"{control.share:.2g}",
        )
        for control in search.controls
    ]
    return rows


def _words(search: RegionSearch) -> str:
    told = "Outside the region every voxel is the scan's, to the bit."
    if search.unrestricted is None:
        return told
    return (
        f"Found where a search of the whole scan changed most: {len(search.parts)} of "
        f"{search.parts_found} connected parts, with {percent(search.share_of_change)} of that "
        f"change. {told}"
    )
