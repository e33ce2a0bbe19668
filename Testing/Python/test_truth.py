"""The table of the truth bench: which goals are reached, and what has no score."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Benchmarks"))

from truth import SIZES, VARIANTS
from truth_readme import BEGIN, END, put_between, readme_table, update
from truth_table import GOALS, truth_report

from CTCounterfactualLib.app.cli import build_parser


def figures(value, **others):
    return {
        "median": value,
        "p10": value,
        "p90": value,
        "mean": value,
        "min": value,
        "max": value,
        "n": 4,
    } | others


def summary(problems=None, **metrics):
    found = {
        name: value if isinstance(value, dict) else figures(value)
        for name, value in metrics.items()
    }
    return {
        "cases": 4,
        "scored": 4 - len(problems or {}),
        "problems": problems or {},
        "all": found,
        "findings": {"effusion": found},
    }


SUMMARIES = {
    "new": summary(
        {"a": "no lung"},
        recovered=0.7,
        hit=1.0,
        hit_chance=0.02,
        hit_ceiling=1.0,
        outside_body_hu=figures(0.0, max=3.0),
    ),
    "old": summary(recovered=0.2, hit=0.5),
}


@pytest.fixture
def lines():
    return truth_report(SUMMARIES, {"new": (), "old": ("--goal", "limit")}, "make", 5).splitlines()


def test_goals_that_are_reached_are_bold(lines):
    (recovered, again) = [line for line in lines if line.startswith("| `recovered`")]
    assert "**0.70 [0.70, 0.70]** | 0.20 [0.20, 0.20]" in recovered and recovered == again
    hit = next(line for line in lines if line.startswith("| `hit`"))
    assert "**1.00 (n=4)** | 0.50 (n=4) | 1.00 (n=4) | 0.02 [0.02, 0.02] | rate" in hit


def test_one_case_above_zero_outside_the_body_misses_the_goal(lines):
    outside = next(line for line in lines if line.startswith("| `outside_body_hu`"))
    assert "**" not in outside and "most 3 | - |" in outside


def test_cases_without_a_score_are_named(lines):
    assert "* `new`, a: no lung" in lines
    assert any("new: 3 of 4 cases." in line for line in lines)


def test_cases_that_were_left_out_are_named():
    text = truth_report(SUMMARIES, {"new": (), "old": ()}, "make", 5, ("b", "c"))
    assert "## Left out\n\nb, c\n" in text
    assert "Left out" not in truth_report(SUMMARIES, {"new": (), "old": ()}, "make", 5)


def test_the_short_table_has_a_column_for_each_finding_of_a_variant():
    deep = summary(deep_share=0.3, deep_share_ceiling=0.19, recovered=0.2)
    found = readme_table({"new": SUMMARIES["new"], "size": deep})
    assert found[0] == "| | new: effusion (4) | size: effusion (4) | goal |"
    assert found[2].endswith("| 0.70 | 0.20 | ≥ 0.6, ideal 0.85 |")
    assert "| - | 0.30 (0.19) | ≤ 0.08 |" in found[-1]
    assert not any("jump" in line for line in found)  # nobody has it
    assert len({line.count("|") for line in found}) == 1


def test_a_table_replaces_what_is_between_its_marks_and_nothing_else(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    for lines in (["a", "b"], ["c"]):
        update(path, lines)
    assert path.read_text("utf-8") == f"before\n{BEGIN}\nc\n{END}\nafter\n"


@pytest.mark.parametrize("text", ["", BEGIN, f"{END} {BEGIN}"])
def test_a_text_without_marks_is_refused(text):
    with pytest.raises(ValueError, match="no place for the table"):
        put_between(text, ["a"])


@pytest.mark.parametrize(
    ("metric", "good", "bad"),
    [
        ("spill_hu", 2, 2.1),
        ("gap_closed", 1.1, 1.2),
        ("gap_closed", 0.8, 0.7),
        ("specificity", 0.1, 0.2),
        ("border_jump", 1.3, 1.4),
        ("deep_share", 0.08, 0.1),
    ],
)
def test_goals_have_their_right_side(metric, good, bad):
    assert GOALS[metric].reached(figures(good)) and not GOALS[metric].reached(figures(bad))


@pytest.mark.parametrize("name", VARIANTS)
def test_every_variant_is_a_command_that_exists(name):
    options = build_parser().parse_args(["bench", "run", "B", "-o", "R", *VARIANTS[name]])
    assert options.bench == "B"


@pytest.mark.parametrize("size", SIZES)
def test_every_size_has_a_case(size):
    unseen, seeds, _ = SIZES[size]
    assert unseen or seeds
