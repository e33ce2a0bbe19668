"""All cases as data for the page's table: by column, with short numbers, so that it stays small."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import Any

from ..rows import CaseRow

# Enough to sort and to compare; what is exact is in `cases.csv`.
DIGITS = 5
# A page with more rows opens slowly, and nobody reads them all.
MOST_ROWS = 50_000
# Field, head, whether it is a number; those that no case has are left out.
COLUMNS = (
    ("id", "case", False),
    ("group", "patient", False),
    ("label", "label", True),
    ("status", "status", False),
    ("score_original", "score", True),
    ("score_reconstruction", "reconstruction", True),
    ("score_counterfactual", "counterfactual", True),
    ("reduction", "reduction", True),
    ("flipped", "flipped", True),
    ("change", "changed", True),
    ("flags", "flags", False),
    ("reason", "why it failed", False),
    ("seconds", "s", True),
    ("peak_mb", "MB", True),
)


def table_data(cases: Sequence[CaseRow]) -> str:
    """Return the table as JSON that may stand in a page's script element; the first `MOST_ROWS`.

    `columns` are heads, `numeric` says which are numbers, `values` hold one list a column, and
    `folders` where each case's folder is, relative to the page; empty if it has none.
    """
    cases = cases[:MOST_ROWS]
    columns: list[tuple[str, bool, list[Any]]] = []
    for field, head, numeric in COLUMNS:
        values = [_short(getattr(case, field)) for case in cases]
        if any(value not in (None, "") for value in values):
            columns.append((head, numeric, values))
    for spread, numeric in (("metrics", True), ("trust", False), ("stress", True)):
        names = sorted({name for case in cases for name in getattr(case, spread)})
        columns += [
            (f"{spread}: {name}", numeric, [_short(getattr(c, spread).get(name)) for c in cases])
            for name in names
        ]
    content = {
        "columns": [head for head, _, _ in columns],
        "numeric": [numeric for _, numeric, _ in columns],
        "values": [values for _, _, values in columns],
        "folders": [case.folder for case in cases],
    }
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # Nothing that a user or a file named may end the element.
    return text.replace("<", "\\u003c")


def _short(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return None
        short = float(f"{value:.{DIGITS}g}")
        return int(short) if short.is_integer() else short
    return value
