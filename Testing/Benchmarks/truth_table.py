"""TRUTH.md: variants across, metrics down, and the goals beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from CTCounterfactualLib.bench.summary import METRICS, RATES, cell

Figures = Mapping[str, float]


@dataclass(frozen=True)
class Goal:
    """What a metric should reach: in words, and whether its figures do."""

    words: str
    reached: Callable[[Figures], bool]


GOALS = {
    "recovered": Goal("median ≥ 0.6 (ideal: 0.85)", lambda f: f["median"] >= 0.6),
    "direction": Goal("median ≥ 0.95", lambda f: f["median"] >= 0.95),
    "spill_hu": Goal("median ≤ 2", lambda f: f["median"] <= 2),
    "spill_share": Goal("median ≤ 0.25", lambda f: f["median"] <= 0.25),
    "outside_body_hu": Goal("0 in every case", lambda f: f["max"] == 0),
    "hit": Goal("rate ≥ 0.95", lambda f: f["mean"] >= 0.95),
    "mass_in_mask": Goal("median ≥ 0.7", lambda f: f["median"] >= 0.7),
    "flipped": Goal("rate ≥ 0.95", lambda f: f["mean"] >= 0.95),
    "gap_closed": Goal("median 0.8 to 1.1", lambda f: 0.8 <= f["median"] <= 1.1),
    "specificity": Goal("median ≤ 0.1", lambda f: f["median"] <= 0.1),
    "deep_share": Goal("median ≤ 0.08", lambda f: f["median"] <= 0.08),
    "deep_haze_share": Goal("median ≤ 0.08", lambda f: f["median"] <= 0.08),
    "slice_roughness": Goal("median ≤ 0.25", lambda f: f["median"] <= 0.25),
    "border_jump": Goal("median ≤ 1.3", lambda f: f["median"] <= 1.3),
}
# The classifier that knows the truth has to come nearer to it.
IDEAL, IDEAL_GOALS = "ideal", {"recovered": Goal("", lambda f: f["median"] >= 0.85)}
_HEAD = """# Truth bench

Findings planted into scans that no model was trained on, so that the true counterfactual is known;
what each metric means is written in the files of `CTCounterfactual/CTCounterfactualLib/metrics`. A
cell is the median with 10 and 90 % in brackets; of yes or no the rate; **bold** where the goal is
reached.

    {command}

Seed {seed}. {counts}
"""


def truth_report(
    summaries: Mapping[str, dict[str, Any]],
    variants: Mapping[str, Sequence[str]],
    command: str,
    seed: int,
    left_out: Sequence[str] = (),
) -> str:
    """Return TRUTH.md.

    Parameters
    ----------
    summaries : mapping
        Variant -> content of its `summary.json`.
    variants : mapping
        Variant -> options of `bench run`.
    command : str
        That made it.
    seed : int
        Of the planting.
    left_out : sequence of str
        Cases that weren't to be run.
    """
    counts = " ".join(
        f"{name}: {one['scored']} of {one['cases']} cases." for name, one in summaries.items()
    )
    parts = [_HEAD.format(command=command, seed=seed, counts=counts), "## Variants\n"]
    parts += [f"* `{name}`: `{' '.join(options)}`" for name, options in variants.items()]
    groups = sorted({finding for one in summaries.values() for finding in one["findings"]})
    tables = [("All findings", "all"), *((finding.capitalize(), finding) for finding in groups)]
    for title, group in tables:
        figures = {
            name: one["all"] if group == "all" else one["findings"].get(group, {})
            for name, one in summaries.items()
        }
        parts += [f"\n## {title}\n", *_table(figures)]
    problems = [
        f"* `{name}`, {case}: {why}"
        for name, one in summaries.items()
        for case, why in one["problems"].items()
    ]
    if left_out:
        parts += ["\n## Left out\n", ", ".join(left_out)]
    if problems:
        parts += ["\n## Without a score\n", *problems]
    return "\n".join(parts) + "\n"


def _table(figures: Mapping[str, Mapping[str, Figures]]) -> list[str]:
    """Return a table of one group's figures: variant -> metric -> figures."""
    lines = [
        "| metric | " + " | ".join(figures) + " | true counterfactual | chance | goal |",
        "| --- |" + " --- |" * (len(figures) + 3),
    ]
    first = next(iter(figures.values()))
    for name in METRICS:
        if not any(name in of_variant for of_variant in figures.values()):
            continue
        cells = [
            _marked(name, of_variant.get(name), IDEAL_GOALS if variant == IDEAL else {})
            for variant, of_variant in figures.items()
        ]
        beside = [
            cell(f"{name}_{which}", first[f"{name}_{which}"]) if f"{name}_{which}" in first else ""
            for which in ("ceiling", "chance")
        ]
        goal = GOALS[name].words if name in GOALS else ""
        lines.append(f"| `{name}` | " + " | ".join([*cells, *beside, goal]) + " |")
    return lines


def _marked(name: str, figures: Figures | None, goals: Mapping[str, Goal]) -> str:
    if figures is None:
        return "-"
    text = cell(name, dict(figures))
    if name == "outside_body_hu" and name not in RATES:
        text += f", most {figures['max']:.0f}"
    goal = goals.get(name, GOALS.get(name))
    return f"**{text}**" if goal is not None and goal.reached(figures) else text
