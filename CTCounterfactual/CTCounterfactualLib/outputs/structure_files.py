"""`structures.csv`: one row a structure, for spreadsheets; the same as `facts.structures.rows`."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..methods.structures.table import StructureTable

STRUCTURES_FILE = "structures.csv"
# Facts of a method's map that are a table of structures.
FACT = "structures"
COLUMNS = (
    "structure",
    "label",
    "ml",
    "gradient_x_change_share",
    "reduction_alone",
    "reduction_alone_share",
    "stop_reason",
    "changed_ml",
    "mean_change_hu",
    "shapley",
    "shapley_low",
    "shapley_high",
    "share",
)


def write_structure_table(facts: Mapping[str, Any], path: Path) -> None:
    """Write the table of structures among a map's facts: those that were searched first.

    Reductions and Shapley values are how far the score moves the wanted way, in the table's unit;
    what wasn't asked for is left empty.
    """
    table = StructureTable.from_facts(facts[FACT])
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for row in table.rows:
            writer.writerow(
                (
                    row.name,
                    row.label,
                    f"{row.ml:.2f}",
                    *(
                        _number(value)
                        for value in (row.first_order_share, row.alone, row.alone_share)
                    ),
                    row.stop_reason,
                    *(
                        _number(value)
                        for value in (
                            row.changed_ml,
                            row.mean_change_hu,
                            row.shapley,
                            row.low,
                            row.high,
                            row.share,
                        )
                    ),
                )
            )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.6g}"
