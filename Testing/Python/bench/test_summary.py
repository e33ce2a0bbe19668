"""Medians, ranges and rates over cases: answers known by hand."""

import csv
from pathlib import Path

import pytest

from CTCounterfactualLib.bench.case_score import CaseScore
from CTCounterfactualLib.bench.layout import BenchCase
from CTCounterfactualLib.bench.summary import summarise, table_lines, write_scores_table


def score(name, finding="effusion", problem="", **metrics):
    nowhere = Path("x.nrrd")
    case = BenchCase(name, nowhere, nowhere, nowhere, finding, 300.0, "left, lower", 1)
    return CaseScore(case, metrics, problem)


SCORES = [
    score("a", recovered=0.1, hit=1.0, hit_chance=0.02),
    score("b", recovered=0.5, hit=0.0, hit_chance=0.04),
    score("c", recovered=0.7),
    score("d", "nodule", recovered=-0.3, hit=1.0, hit_chance=0.0),
    score("e", "nodule", problem="it has no result: nothing"),
]


def test_groups_have_median_range_mean_and_number():
    summary = summarise(SCORES)
    assert (summary["cases"], summary["scored"]) == (5, 4)
    one = summary["findings"]["effusion"]["recovered"]
    # quantiles of 0.1, 0.5, 0.7 between the points: 0.1 + 0.2 * 0.4, 0.5 + 0.8 * 0.2
    assert one == pytest.approx(
        {"median": 0.5, "p10": 0.18, "p90": 0.66, "mean": 1.3 / 3, "min": 0.1, "max": 0.7, "n": 3},
        abs=1e-6,
    )
    assert summary["all"]["recovered"]["n"] == 4
    assert summary["all"]["hit"]["mean"] == pytest.approx(2 / 3, abs=1e-6)


def test_what_no_case_has_is_absent():
    summary = summarise(SCORES)
    assert "direction" not in summary["all"]
    assert summary["findings"]["nodule"]["hit"]["n"] == 1
    assert summarise([SCORES[-1]])["all"] == {}


def test_the_table_tells_every_finding_and_every_problem():
    lines = table_lines(summarise(SCORES))
    assert lines[0].split() == ["metric", "effusion", "nodule", "all", "chance", "ceiling"]
    (recovered,) = [line for line in lines if line.startswith("recovered")]
    assert "0.50 [0.18, 0.66]" in recovered and "-0.30 [-0.30, -0.30]" in recovered
    (hit,) = [line for line in lines if line.startswith("hit ")]
    assert "0.50 (n=2)" in hit and "0.67 (n=3)" in hit and hit.rstrip().endswith("0.02")
    assert lines[-2:] == ["4 of 5 cases have a score.", "e: it has no result: nothing"]


def test_a_table_of_one_finding_has_one_column():
    assert table_lines(summarise(SCORES[:3]))[0].split() == ["metric", "all", "chance", "ceiling"]


def test_cells_without_a_number_are_empty(tmp_path):
    write_scores_table(SCORES, tmp_path)
    with (tmp_path / "scores.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["recovered"] for row in rows] == ["0.1", "0.5", "0.7", "-0.3", ""]
    assert rows[2]["hit"] == "" and rows[1]["hit"] == "0"
    assert rows[4]["problem"] == "it has no result: nothing"
    assert rows[0]["place"] == "left, lower"
