"""TRUST.md: the cascade of random weights for all methods, and all tests for Latent Shift."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_HEAD = """# Tests of trust

Made by `python Testing/Benchmarks/trust.py` (seeds fixed) on a part, {slices} slices of 3 mm, of
`{scan}`, which no model was trained on, with {ml:g} mL of pleural fluid planted (for
`lung-volume` none).
What each test asks, and why its limits are where they are, stand in
`CTCounterfactual/CTCounterfactualLib/trust`.

## Random weights
The network's layers get random weights, from the last one on, and each time the scan is explained
anew. Each cell: Spearman's rank correlation of the map's sizes with those of the true weights, over
blocks of 9 mm of the body; 1 is the same map, 0 nothing in common. In brackets: how many layers are
random. The test judges the mean of two draws with all layers random; in brackets beside it Dice of
the strongest places with the planted fluid, before and at the end.

"""
_MIDDLE = """
## All tests
Of counterfactuals by Latent Shift (`--mode whole`), each test once (`--all` draws more seeds);
`planted` in a part of both lungs with room for what it plants, in which nothing was planted before.

"""


def trust_report(reports: Mapping[Any, Any], scan: str, slices: int, ml: float) -> str:
    """Return the page.

    Parameters
    ----------
    reports : mapping
        Case (`classifier`, `method`, `cascade`) -> content of its `trust.json`; or why there is
        none; or None.
    """
    shown = _with_planted({case: one for case, one in reports.items() if one is not None})
    head = _HEAD.format(scan=scan, slices=slices, ml=ml)
    return head + _cascades(shown) + _MIDDLE + _all_tests(shown)


def _with_planted(reports: Mapping[Any, Any]) -> dict[Any, Any]:
    """Return reports whose test of a planted finding is that of the part with room for it."""
    roomy = {case.classifier: one for case, one in reports.items() if case.planted}
    found = {}
    for case, report in reports.items():
        if case.planted:
            continue
        if not case.cascade and isinstance(report, dict) and case.classifier in roomy:
            planted = _verdict(roomy[case.classifier], "planted")
            tests = [
                planted if test["test"] == "planted" and isinstance(planted, dict) else test
                for test in report["tests"]
            ]
            report = {**report, "tests": tests}
        found[case] = report
    return found


def _cascades(reports: Mapping[Any, Any]) -> str:
    """Return the table of the cascades: a row a case."""
    rows = {
        case: _verdict(report, "randomisation") for case, report in reports.items() if case.cascade
    }
    counts = max(
        (
            len(row["facts"]["steps"]) - 1
            for row in rows.values()
            if isinstance(row, dict) and row["number"] is not None
        ),
        default=0,
    )
    heads = [f"step {n + 1} of {counts}" for n in range(counts - 1)]
    lines = [
        _line(["classifier", "method", *heads, "all, two draws", "mean", "verdict"]),
        _line(["---"] * (len(heads) + 5)),
    ]
    for case, row in rows.items():
        lines.append(_line([f"`{case.classifier}`", case.method, *_cells(row, len(heads))]))
    return "\n".join(lines) + "\n"


def _cells(row: Any, heads: int) -> list[str]:
    if not isinstance(row, dict):
        return [*[""] * (heads + 2), row]
    if row["number"] is None:
        return [*[""] * (heads + 2), f"not run: {row['sentence']}"]
    steps = row["facts"]["steps"]
    total = steps[-1]["layers"]
    before = [step for step in steps if step["layers"] < total]
    told = [f"{step['correlation']:.2f} ({step['layers']} of {total})" for step in before]
    told += [""] * (heads - len(told))
    ends = [
        step["truth_dice"] for step in steps if step["layers"] == total and "truth_dice" in step
    ]
    own = row["facts"].get("truth_dice")
    dice = "" if own is None or not ends else f" ({own:.2f}, {sum(ends) / len(ends):.2f})"
    draws = ", ".join(f"{step['correlation']:.2f}" for step in steps if step["layers"] == total)
    return [*told, draws, f"{row['number']:.2f}{dice}", row["status"]]


def _all_tests(reports: Mapping[Any, Any]) -> str:
    """Return the table of all tests: a row a test, a column a classifier."""
    full = {
        case: report
        for case, report in reports.items()
        if isinstance(report, dict) and not case.cascade
    }
    if not full:
        return ""
    names = list(dict.fromkeys(t["test"] for report in full.values() for t in report["tests"]))
    lines = [
        _line(["test", "number", *(f"`{case.classifier}`" for case in full), "limits"]),
        _line(["---"] * (len(full) + 3)),
    ]
    for name in names:
        found = [_verdict(report, name) for report in full.values()]
        asked = [f for f in found if isinstance(f, dict)]  # earlier runs know fewer tests
        measure = asked[0]["measure"]
        limits = next((f["limits"] for f in asked if f["limits"]), None)
        lines.append(_line([name, measure, *(_one(f) for f in found), _limits(limits)]))
    seconds = ", ".join(
        f"`{case.classifier}` {report['seconds'] / report['explanation_seconds']:.1f}"
        for case, report in full.items()
    )
    reasons = [
        f"* `{case.classifier}`, {test['test']}: {test['sentence']}"
        for case, report in full.items()
        for test in report["tests"]
        if test["number"] is None
    ]
    return (
        "\n".join(
            [
                *lines,
                "",
                f"Time of all tests, in parts of the explanation's own: {seconds}. Not run:",
                "",
                *reasons,
            ]
        )
        + "\n"
    )


def _one(verdict: Any) -> str:
    if not isinstance(verdict, dict):
        return str(verdict)
    if verdict["number"] is None:
        return verdict["status"]
    return f"{verdict['number']:.3g} {verdict['status']}"


def _limits(limits: dict[str, float] | None) -> str:
    if limits is None:
        return ""
    at, beyond = ("≥", "<") if limits["passes"] > limits["fails"] else ("≤", ">")
    return f"pass {at} {limits['passes']:g}, fail {beyond} {limits['fails']:g}"


def _verdict(report: Any, name: str) -> Any:
    """Return a test's verdict; or in words why there is none."""
    if not isinstance(report, dict):
        return str(report)
    return next((test for test in report["tests"] if test["test"] == name), "not asked")


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
