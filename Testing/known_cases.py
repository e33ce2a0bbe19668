"""Run inputs that once went wrong, each by the command of its README, and print what happened.

    python Testing/known_cases.py ../shared/cases            # all of them, one table
    python Testing/known_cases.py ../shared/cases 03 40      # some

The cases lie outside the repository; without them this says so and ends with code 0. Code 1: a case
ended otherwise than `known_cases_right.py` says. Nothing is written beside the cases.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

TESTING = Path(__file__).resolve().parent
LIBRARY = TESTING.parent / "CTCounterfactual"
sys.path[:0] = [str(TESTING), str(LIBRARY)]

from known_cases_right import RIGHT, SCORE_TOLERANCE, Right  # noqa: E402

# Commands of a README stand alone, indented by four spaces.
COMMAND = re.compile(r"^    (.*(?:ct-counterfactual|python) .*)$", re.MULTILINE)
PROGRAM = f'"{sys.executable}" -m CTCounterfactualLib'
# What a voxel may be off its truth, HU: rounding of a resampled copy.
TOLERANCE_HU = 0.4
AIR_HU = -1000
NO_VOXEL = -9999.0
LINE_LETTERS = 150
PATIENCE_S = 900  # a hanging command; the slowest takes less than a tenth on a quiet machine


@dataclass(frozen=True)
class Outcome:
    """How a case's command ended: exit code, its words, and what its result says."""

    code: int
    words: str
    flags: tuple[str, ...] = ()
    score: float | None = None


def main() -> int:
    """Run the cases and print the table; return the exit code."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared/cases")
    cases = sorted(p for p in folder.glob("[0-9][0-9]-*") if p.name[:2] in RIGHT)
    if not cases:
        print(f"There are no cases in {folder}: nothing was run.")
        return 0
    wanted = sys.argv[2:]
    wrong = 0
    print(f"| case | right | what happened | |\n{'|---' * 4}|")
    for case in cases:
        if wanted and case.name[:2] not in wanted:
            continue
        right = RIGHT[case.name[:2]]
        with tempfile.TemporaryDirectory() as temporary:
            outcomes = [run(case, line, Path(temporary)) for line in commands(case)]
        faults = [fault for outcome in outcomes if (fault := judge(case, right, outcome))]
        wrong += bool(faults)
        verdict = f"WRONG: {faults[0]}" if faults else "OK"
        print(
            f"| {case.name} | {in_words(right)} | {happened(outcomes[-1])} | {verdict} |",
            flush=True,
        )
    print(f"\n{wrong} wrong." if wrong else "\nAll as they should be.")
    return int(wrong > 0)


def commands(case: Path) -> list[str]:
    """Return the command lines of a case's README, run as this repository's program."""
    text = (case / "README.md").read_text(encoding="utf-8")
    lines = COMMAND.findall(text)
    if not lines:  # said within a sentence
        lines = re.findall(r"`((?:ct-counterfactual|python) [^`]*)`", text)[:1]
    return [
        line.replace("ct-counterfactual", PROGRAM).replace(
            "python run.py", f'"{sys.executable}" run.py'
        )
        for line in lines
    ]


def run(case: Path, line: str, temporary: Path) -> Outcome:
    """Run a command in the case's folder; its result and its cache go to a temporary folder."""
    result = temporary / "result"
    line = re.sub(r"-o OUT\b", f'-o "{result}"', line)
    line = re.sub(r"touch afile;", f'touch "{temporary}/afile";', line)
    line = line.replace("$PWD/afile", f"{temporary}/afile")
    environment = {
        "CT_COUNTERFACTUAL_MODELS": str(temporary / "models"), **os.environ,
        "PYTHONPATH": str(LIBRARY), "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    if "HOME=" in line:  # a case about the cache's usual place
        del environment["CT_COUNTERFACTUAL_MODELS"]
    done = subprocess.run(
        line, shell=True, cwd=case, env=environment, capture_output=True, text=True,
        encoding="utf-8", timeout=PATIENCE_S,
    )  # fmt: skip
    said = [part.strip() for part in (done.stdout + done.stderr).splitlines() if part.strip()]
    errors = [part for part in said if part.startswith(("Error", "Something unexpected"))]
    words = errors[-1] if errors else " / ".join(said)
    record = result / "result.json"
    if not record.is_file():
        return Outcome(done.returncode, words)
    told = json.loads(record.read_text(encoding="utf-8"))
    flags = tuple(flag["name"] for flag in told["flags"])
    return Outcome(done.returncode, words, flags, told["scores"]["original"])


def judge(case: Path, right: Right, outcome: Outcome) -> str:
    """Return in words what is wrong with an outcome; "" if nothing is."""
    if outcome.code == 2:
        if not right.refused:
            return "refused"
        told = re.search(right.refused, outcome.words)
        return "" if told else f"another reason than /{right.refused}/"
    if outcome.code != 0:
        return f"exit {outcome.code}"
    if not right.read:
        return "not refused"
    if right.flag and not any(re.search(right.flag, flag) for flag in outcome.flags):
        return f"no flag {right.flag}"
    if right.no_flag and any(re.search(right.no_flag, flag) for flag in outcome.flags):
        return f"flag {right.no_flag}"
    if right.score is not None and not abs(outcome.score - right.score) <= SCORE_TOLERANCE:
        return f"score {outcome.score:.4f} for {right.score:.4f}"
    if right.truth:
        return compare_with_truth(case)
    if case.name.startswith("77"):
        return in_place_alike(outcome.words)
    return ""


def compare_with_truth(case: Path) -> str:
    """Return how what is read differs from the case's TRUTH.nrrd; "" if it doesn't."""
    import numpy as np
    import SimpleITK as sitk

    from CTCounterfactualLib import read_scan

    line = COMMAND.search((case / "README.md").read_text(encoding="utf-8")).group(1)
    scan = read_scan(case / re.search(r"explain (\S+)", line).group(1))
    truth = sitk.ReadImage(str(case / "TRUTH.nrrd"))
    moved = sitk.Resample(
        sitk.Cast(scan.image, sitk.sitkFloat32), truth, sitk.Transform(), sitk.sitkLinear, NO_VOXEL
    )
    found = sitk.GetArrayFromImage(moved)
    if (found == NO_VOXEL).any():
        return "another place than the truth's"
    air = max(AIR_HU, sitk.GetArrayViewFromImage(truth).min())
    off = np.abs(found.clip(air) - sitk.GetArrayFromImage(truth).astype(float).clip(air)).max()
    return f"{off:.1f} HU off the truth" if off > TOLERANCE_HU else ""


def in_place_alike(words: str) -> str:
    """Return what differs between a model that works in place (True) and one that doesn't."""
    lines = [part.partition(" ") for part in words.split(" / ") if "Scores(" in part]
    if len(lines) != 2:
        return "two lines are expected"
    return "" if lines[0][2] == lines[1][2] else "the two models' lines differ"


def happened(outcome: Outcome) -> str:
    """Return an outcome as one cell of the table."""
    flags = f" flags: {', '.join(outcome.flags)}" if outcome.flags else ""
    score = f" score {outcome.score:.4f}" if outcome.score is not None else ""
    words = outcome.words if outcome.code or not score else ""
    return f"exit {outcome.code}{score}{flags} {words[:LINE_LETTERS]}".strip().replace("|", "/")


def in_words(right: Right) -> str:
    """Return what is right as one cell of the table."""
    ways = []
    if right.refused:
        ways.append(f"exit 2, /{right.refused}/")
    if right.read:
        parts = ["read"]
        parts += ["as TRUTH"] if right.truth else []
        parts += [f"{right.score:.4f} L"] if right.score is not None else []
        parts += [f"flag {right.flag}"] if right.flag else []
        parts += [f"no flag {right.no_flag}"] if right.no_flag else []
        ways.append(", ".join(parts))
    return " or ".join(ways).replace("|", "/")


if __name__ == "__main__":
    sys.exit(main())
