"""The table of known cases tells right from wrong, and is silent where the cases are absent."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TESTING = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TESTING))

from known_cases import Outcome, commands, judge  # noqa: E402
from known_cases_right import RIGHT, Right  # noqa: E402

CASE = Path("99-made-up")


def test_without_the_cases_nothing_is_run(tmp_path):
    done = subprocess.run(
        [sys.executable, str(TESTING / "known_cases.py"), str(tmp_path)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert "There are no cases in" in done.stdout


@pytest.mark.parametrize(
    ("right", "outcome", "fault"),
    [
        (Right(refused="empty"), Outcome(2, "Error: it is empty."), ""),
        (Right(refused="empty"), Outcome(2, "Error: it is cut."), "another reason"),
        (Right(refused="empty"), Outcome(0, ""), "not refused"),
        (Right(refused="empty"), Outcome(1, "Error: it is empty."), "exit 1"),
        (Right(read=True), Outcome(2, "Error: no."), "refused"),
        (Right(read=True, flag="tilt"), Outcome(0, "", ("gantry-tilt",), 1.0), ""),
        (Right(read=True, flag="tilt"), Outcome(0, "", ("other",), 1.0), "no flag tilt"),
        (Right(read=True, no_flag="tilt"), Outcome(0, "", ("gantry-tilt",), 1.0), "flag tilt"),
        (Right(read=True, score=1.879), Outcome(0, "", (), 1.8795), ""),
        (Right(read=True, score=1.879), Outcome(0, "", (), 1.9), "score 1.9"),
    ],
)
def test_an_outcome_is_judged(right, outcome, fault):
    found = judge(CASE, right, outcome)
    assert found.startswith(fault) and bool(found) == bool(fault)


def test_every_case_says_what_is_right():
    assert all(right.refused or right.read for right in RIGHT.values())


def test_commands_of_a_readme(tmp_path):
    (tmp_path / "README.md").write_text(
        "# A case\n\nCommand:\n\n    ct-counterfactual explain in -o OUT --force\n\nDoes: exit 1.\n"
    )
    (line,) = commands(tmp_path)
    assert line.endswith("-m CTCounterfactualLib explain in -o OUT --force")
