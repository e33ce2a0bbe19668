"""The README's table of the truth bench: findings across, the metrics with a goal down; medians."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from CTCounterfactualLib.bench.summary import short

# Between these lines of a text a table is replaced; the rest is by hand.
BEGIN, END = "<!-- truth bench: begin -->", "<!-- truth bench: end -->"
# (words, metrics, goal); several metrics share a cell.
ROWS: tuple[tuple[str, tuple[str, ...], str], ...] = (
    (
        "recovered: 1 is the true counterfactual, 0 doing nothing",
        ("recovered",),
        "≥ 0.6, ideal 0.85",
    ),
    ("direction: voxels that went the right way", ("direction",), "≥ 0.95"),
    ("spill beyond 9 mm: HU; share", ("spill_hu", "spill_share"), "≤ 2; ≤ 0.25"),
    ("outside the body, HU", ("outside_body_hu",), "0"),
    ("hit: the strongest change lies in the finding; within 6 mm", ("hit", "hit_6mm"), "≥ 0.95"),
    (
        "mass in the finding (of the truth itself)",
        ("mass_in_mask", "mass_in_mask_ceiling"),
        "≥ 0.7",
    ),
    ("gap closed", ("gap_closed",), "0.8 to 1.1"),
    ("decision flipped", ("flipped",), "≥ 0.95"),
    ("flipped as a scan of its own", ("flipped_anew",), ""),
    ("the other of two findings: change of it", ("specificity",), "≤ 0.1"),
    ("taken out and put back: distance from the start", ("reversal",), ""),
    (
        "slice roughness, 1/mm (of the truth itself)",
        ("slice_roughness", "slice_roughness_ceiling"),
        "≤ 0.25",
    ),
    ("chunks: jump of the heatmap at borders / inside", ("border_jump",), "≤ 1.3"),
    (
        "lung size: deeper than 9 mm (of the truth itself)",
        ("deep_share", "deep_share_ceiling"),
        "≤ 0.08",
    ),
    (
        "the same without vessels (of the truth itself)",
        ("deep_haze_share", "deep_haze_share_ceiling"),
        "",
    ),
    ("seconds", ("seconds",), ""),
)
# Of a variant that is there for comparison: what of it is shown.
SHOWN = {"ideal": ("effusion",)}


def readme_table(summaries: Mapping[str, dict[str, Any]]) -> list[str]:
    """Return the lines of the table: a column for each variant's finding that has a score.

    Parameters
    ----------
    summaries : mapping
        Variant -> content of its `summary.json`.
    """
    columns = {
        f"{variant}: {finding} ({_cases(figures)})": figures
        for variant, one in summaries.items()
        for finding, figures in one["findings"].items()
        if figures and finding in SHOWN.get(variant, (finding,))
    }
    lines = ["| | " + " | ".join([*columns, "goal"]) + " |", "|---|" + "---|" * (len(columns) + 1)]
    for words, metrics, goal in ROWS:
        cells = [_cell(metrics, figures) for figures in columns.values()]
        if any(cell != "-" for cell in cells):
            lines.append("| " + " | ".join([words, *cells, goal]) + " |")
    return lines


def put_between(text: str, lines: Sequence[str]) -> str:
    """Return a text with what is between its lines `BEGIN` and `END` replaced.

    Raises
    ------
    ValueError
        If it hasn't one of each, in this order.
    """
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        raise ValueError(f"There is no place for the table: expected are lines {BEGIN} and {END}.")
    return "\n".join([before + BEGIN, *lines, END]) + after


def update(path: Path, lines: Sequence[str]) -> None:
    """Put lines into a file; see `put_between`."""
    changed = put_between(path.read_text("utf-8"), lines)
    path.write_text(changed, encoding="utf-8")


def _cases(figures: Mapping[str, Mapping[str, float]]) -> int:
    return max(int(one["n"]) for one in figures.values())


def _cell(metrics: Sequence[str], figures: Mapping[str, dict[str, float]]) -> str:
    """Return "0.61; 0.83", with a ceiling in brackets; "-" without the first."""
    if metrics[0] not in figures:
        return "-"
    text = short(metrics[0], figures[metrics[0]])
    for name in metrics[1:]:
        value = short(name, figures.get(name))
        if value:
            text += f" ({value})" if name.endswith("_ceiling") else f"; {value}"
    return text
