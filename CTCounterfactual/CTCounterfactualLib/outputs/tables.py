"""`chunks.csv`: one row a search, for spreadsheets and statistics."""

from __future__ import annotations

import csv
from pathlib import Path

from ..counterfactual.direction import noun
from ..counterfactual.result import Explanation
from ..counterfactual.scale import has_logit
from ..counterfactual.search.logit import logit


def columns(direction: str, unit: str = "") -> tuple[str, ...]:
    """Return the headers; how far the score moved as asked is a `reduction` or an `increase`.

    Searches of a probability have their logits in two more columns at the end.
    """
    return (
        "range",
        "start",
        "stop",
        "slab_low_mm",
        "slab_high_mm",
        "lambda",
        "score_before",
        "score_after",
        noun(direction),
        "stop_reason",
        "change",
        "evaluations",
        *(("logit_before", "logit_after") if has_logit(unit) else ()),
    )


def write_chunk_table(explanation: Explanation, path: Path) -> None:
    """Write the whole search (if any) and all chunks, foot to head; see `outputs.record`."""
    rows = [("chunk", outcome) for outcome in explanation.chunks]
    if explanation.whole is not None:
        rows.insert(0, ("whole", explanation.whole))
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        unit = explanation.target.unit
        writer.writerow(columns(explanation.settings.direction, unit))
        for kind, outcome in rows:
            low, high = outcome.slab_mm
            scores = (outcome.score_before, outcome.score_after) if has_logit(unit) else ()
            writer.writerow(
                (
                    kind,
                    outcome.start,
                    outcome.stop,
                    f"{low:.2f}",
                    f"{high:.2f}",
                    f"{outcome.lam:.8g}",
                    f"{outcome.score_before:.8g}",
                    f"{outcome.score_after:.8g}",
                    f"{outcome.gain:.8g}",
                    outcome.stop_reason,
                    f"{outcome.change:.6f}",
                    outcome.evaluations,
                    *(f"{logit(score):.8g}" for score in scores),
                )
            )
