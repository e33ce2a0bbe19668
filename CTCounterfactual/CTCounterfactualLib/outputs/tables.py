"""`chunks.csv`: one row a search, for spreadsheets and statistics."""

from __future__ import annotations

import csv
from pathlib import Path

from ..counterfactual.direction import noun
from ..counterfactual.result import Explanation


def columns(direction: str) -> tuple[str, ...]:
    """Return the headers; how far the score moved as asked is a `reduction` or an `increase`."""
    return (
        "range", "start", "stop", "slab_low_mm", "slab_high_mm", "lambda", "score_before",
        "score_after", noun(direction), "stop_reason", "change", "evaluations",
    )


def write_chunk_table(explanation: Explanation, path: Path) -> None:
    """Write the whole search (if any) and all chunks, foot to head; see `outputs.record`."""
    rows = [("chunk", outcome) for outcome in explanation.chunks]
    if explanation.whole is not None:
        rows.insert(0, ("whole", explanation.whole))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns(explanation.settings.direction))
        for kind, outcome in rows:
            low, high = outcome.slab_mm
            writer.writerow((
                kind, outcome.start, outcome.stop, f"{low:.2f}", f"{high:.2f}",
                f"{outcome.lam:.8g}", f"{outcome.score_before:.8g}", f"{outcome.score_after:.8g}",
                f"{outcome.gain:.8g}", outcome.stop_reason, f"{outcome.change:.6f}",
                outcome.evaluations,
            ))
