"""METHODS.md: for each classifier a table of methods, with chance and ceiling beside."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

_HEAD = """# Methods side by side

Effusions planted into chests that no model was trained on, so that the right answer is known;
{shown}. Every method explains the same score of the same part.
A case counts for a classifier if the finding raises its score by 1 at least (logits, mL for the
ideal one; 0.5 for the probe, whose logits are shrunk): what a classifier doesn't see no method can
find in it.

    {command}

Seed {seed}. *Mass*: share of the map's sum that lies in the finding. *Hit*: share of the cases
whose strongest place lies in it; within 6 mm of it. *Dice*: of the strongest voxels, as many as the
finding has. *Recovered*: 1 is the true counterfactual, 0 is doing nothing; of methods that make
one. Medians over the cases, lowest and highest in brackets. *CPU s*: processor seconds of one core
for a case, all included. *Chance* is a map drawn evenly over the body, *ceiling* the true change
itself. The metrics are defined in `CTCounterfactual/CTCounterfactualLib/metrics` (`pointing.py`,
`overlap.py`, `recovery.py`). Model behaviour, not a diagnosis.
"""
_COLUMNS = "| method | cases | mass | hit; 6 mm | Dice | recovered | CPU s |"


def methods_report(
    results: Iterable[dict[str, Any]],
    rows: Sequence[str],
    command: str,
    seed: int,
    slab_mm: float,
) -> str:
    """Return METHODS.md.

    Parameters
    ----------
    results : iterable of dict
        `asked` and `figures` of each case, row and classifier.
    rows : sequence of str
        In the order of the tables.
    command, seed, slab_mm
        How it was made; a height of 0 is the whole chest.
    """
    found: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for one in results:
        asked = one["asked"]
        of_row = found.setdefault(asked["classifier"], {}).setdefault(asked["row"], [])
        of_row.append({**one["figures"], "case": asked["case"], **asked})
    shown = f"a slab of {slab_mm:g} mm around each" if slab_mm else "the whole chest"
    parts = [_HEAD.format(shown=shown, command=command, seed=seed)]
    for classifier, of_classifier in found.items():
        parts += [f"## `{classifier}`\n", *_table(of_classifier, rows), ""]
        parts += [_scores(of_classifier.get("", [])), ""]
        parts += _problems(of_classifier)
    return "\n".join(parts).rstrip() + "\n"


def _table(found: dict[str, list[dict[str, Any]]], rows: Sequence[str]) -> list[str]:
    lines = [_COLUMNS, "|---|---|---|---|---|---|---|"]
    for row in rows:
        good = [one for one in found.get(row, []) if "mass_in_mask" in one]
        if row not in found:
            continue
        count = f"{len(good)} of {len(found[row])}"
        lines.append(f"| {_named(row, found[row])} | {count} | {_cells(good, '')} |")
    good = [one for of_row in found.values() for one in of_row if "mass_in_mask" in one]
    if good:
        each = list({one["case"]: one for one in good}.values())
        lines.append(f"| *chance* | {len(each)} | {_cells(each, '_chance')} |")
        lines.append(f"| *ceiling* | {len(each)} | {_cells(each, '_ceiling')} |")
    return lines


def _named(row: str, of_row: list[dict[str, Any]]) -> str:
    told = {k: v for k, v in of_row[0]["options"].items() if k != "occlusion"}
    return row + "".join(f", {k} {v:g}" for k, v in told.items())


def _cells(of_row: list[dict[str, Any]], beside: str) -> str:
    if not of_row:
        return " | ".join("-" * 5)
    mass, dice = (_spread(of_row, name + beside) for name in ("mass_in_mask", "dice"))
    hits = [np.mean([one[name + beside] for one in of_row]) for name in ("hit", "hit_6mm")]
    recovered = "1" if beside == "_ceiling" else "-" if beside else _spread(of_row, "recovered")
    seconds = "" if beside else _spread(of_row, "cpu_seconds", 0)
    return f"{mass} | {hits[0]:.2f}; {hits[1]:.2f} | {dice} | {recovered} | {seconds}"


def _spread(of_row: list[dict[str, Any]], name: str, digits: int = 2) -> str:
    values = [one[name] for one in of_row if name in one]
    if not values:
        return "-"
    low, middle, high = np.quantile(values, (0, 0.5, 1))
    if round(low, digits) == round(high, digits):
        return f"{middle:.{digits}f}"
    return f"{middle:.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def _scores(each: list[dict[str, Any]]) -> str:
    told = [
        f"{one['case']} {one['score']:.2f} ({one['score_clean']:.2f})"
        for one in sorted(each, key=lambda one: one["case"])
    ]
    return f"Scores of the parts (without the finding): {', '.join(told)}."


def _problems(found: dict[str, list[dict[str, Any]]]) -> list[str]:
    lines = [
        f"* {row}, {one['case']}: {one.get('problem', 'the map is 0 everywhere')}"
        for row, of_row in found.items()
        for one in of_row
        if row and "mass_in_mask" not in one
    ]
    return ["Without a map:", "", *lines, ""] if lines else []
