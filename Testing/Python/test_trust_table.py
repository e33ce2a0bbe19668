"""The page of the tests of trust: each cascade, each verdict, and what didn't run."""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Benchmarks"))

from trust import CASES, SLICES, Case, _part
from trust_table import trust_report

from CTCounterfactualLib.methods.registry import NAMES as METHODS
from CTCounterfactualLib.models.entry import list_models


def verdict(test, status, number=None, **facts):
    limits = {"passes": 0.5, "fails": 0.7}
    return {
        "test": test,
        "status": status,
        "number": number,
        "sentence": f"{test} says {status}.",
        "measure": "share",
        "limits": limits,
        "facts": facts,
    }


def report(*tests):
    return {"tests": list(tests), "seconds": 30.0, "explanation_seconds": 10.0}


def test_every_step_of_a_cascade_and_what_it_says_of_the_truth_is_in_its_row():
    steps = [
        {"layers": 1, "correlation": 0.91, "truth_dice": 0.6},
        {"layers": 4, "correlation": 0.2, "truth_dice": 0.1},
        {"layers": 4, "correlation": 0.4, "truth_dice": 0.3},
    ]
    one, none = Case("c", "t", method="m"), Case("c", "t", method="other")
    page = trust_report(
        {
            one: report(verdict("randomisation", "pass", 0.3, steps=steps, truth_dice=0.65)),
            none: "it has no layers",
            Case("c", "t", method="left"): None,
        },
        "scan.nrrd",
        SLICES,
        600.0,
    )
    assert "| `c` | m | 0.91 (1 of 4) | 0.20, 0.40 | 0.30 (0.65, 0.20) | pass |" in page
    assert "| `c` | other |  |  |  | it has no layers |" in page
    assert "left" not in page and "scan.nrrd" in page


def test_every_test_is_a_row_and_what_did_not_run_says_why():
    case = Case("c", "t", cascade=False)
    page = trust_report(
        {case: report(verdict("noise", "pass", 0.91), verdict("planted", "not run"))},
        "scan.nrrd",
        SLICES,
        600.0,
    )
    assert "| noise | share | 0.91 pass | pass ≤ 0.5, fail > 0.7 |" in page
    assert "| planted | share | not run |" in page
    assert "`c` 3.0" in page and "* `c`, planted: planted says not run." in page


def test_a_run_that_did_not_know_a_test_yet_was_not_asked():
    early, late = Case("c", "t", cascade=False), Case("d", "t", cascade=False)
    page = trust_report(
        {early: report(), late: report(verdict("noise", "pass", 0.9))}, "scan.nrrd", SLICES, 600.0
    )
    assert "| noise | share | not asked | 0.9 pass |" in page


def test_a_finding_is_planted_where_there_is_room_for_one():
    full, roomy = Case("c", "t", cascade=False), Case("c", "t", cascade=False, planted=True)
    page = trust_report(
        {
            full: report(verdict("planted", "not run"), verdict("noise", "pass", 0.9)),
            roomy: report(verdict("planted", "warn", 0.4)),
        },
        "scan.nrrd",
        SLICES,
        600.0,
    )
    assert "| planted | share | 0.4 warn |" in page and "| noise | share | 0.9 pass |" in page
    assert page.count("`c`") == 2  # a column, and its time: the part with room is no other one


def test_the_cases_name_what_there_is_once_each():
    assert len({case.name for case in CASES}) == len(CASES)
    targets = {entry.name: {t.name for t in entry.targets} for entry in list_models()}
    for case in CASES:
        assert case.method in METHODS and case.target in targets[case.classifier]


def test_the_part_holds_the_middle_slices_and_a_margin_within_the_image():
    cover = np.zeros((40, 100, 120), np.float32)
    cover[10:30, 40:60, 95:110] = 1.0
    i, j, k = _part(cover, (1.5, 1.5, 3.0))
    assert (k.start, k.stop) == (19 - SLICES // 2, 19 + SLICES // 2)
    assert (j.start, j.stop) == (40 - 24, 60 + 24)
    assert (i.start, i.stop) == (95 - 24, 120)
