"""Do the embedded classifiers react to what they should ignore? Rows of STRESS.md by one command.

    python Testing/Benchmarks/stress.py chest_acrinflt013.nii.gz chest_cip64.nrrd \
        --classifiers lung-volume effusion-demo findings-demo spoiled-demo \
        --table Testing/Benchmarks/STRESS.md --keep stress-reports

Each classifier on each scan by `stress`, with the same seed; a cell is the worst verdict over the
scans, and the greatest share of the finding's reaction. Reports are kept and not made again.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CTCounterfactual"))

from CTCounterfactualLib.distractors import DISTRACTORS
from CTCounterfactualLib.scans.read import base_name
from CTCounterfactualLib.stress.files import RECORD_FILE, write_stress
from CTCounterfactualLib.stress.run import stress
from CTCounterfactualLib.stress.stress_settings import StressSettings
from CTCounterfactualLib.stress.verdict import ORDER

TARGETS = {"findings-demo": "effusion", "effusion-demo": "pleural effusion logit"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", nargs="+", metavar="SCAN", help="nothing was trained on these")
    parser.add_argument("--classifiers", nargs="+", required=True, metavar="NAME")
    parser.add_argument("--only", default=",".join(DISTRACTORS), metavar="NAME,...")
    parser.add_argument("--draws", type=int, default=2)
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--keep", required=True, help="folder for the reports")
    parser.add_argument("--table", help="Markdown file to write")
    options = parser.parse_args()
    settings = StressSettings(tuple(options.only.split(",")), options.draws, seed=options.seed)
    reports = {
        name: [_report(name, Path(scan), settings, Path(options.keep)) for scan in options.scans]
        for name in options.classifiers
    }
    text = _text(reports, settings, [base_name(Path(scan)) for scan in options.scans])
    print(text)
    if options.table:
        Path(options.table).write_text(text, encoding="utf-8")


def _report(classifier: str, scan: Path, settings: StressSettings, keep: Path) -> dict:
    """Return what `stress` wrote of a classifier and a scan, now or earlier."""
    folder = keep / f"{classifier}-{base_name(scan)}"
    if not (folder / RECORD_FILE).exists():
        report = stress(scan, classifier, TARGETS.get(classifier), settings)
        write_stress(report, folder, force=True)
        print(f"{classifier}, {base_name(scan)}: {report.level}", flush=True)
    return json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))


def _text(reports: dict[str, list[dict]], settings: StressSettings, scans: list[str]) -> str:
    names = list(reports)
    rows = [["| |", *(f"{name} |" for name in names)], ["|---|", *("---|" for _ in names)]]
    rows.append(["| the finding moves the score by |", *(_moved(reports[n]) for n in names)])
    for kind in settings.only:
        rows.append([f"| {kind} |", *(_cell(reports[name], kind) for name in names)])
    table = "\n".join(" ".join(row) for row in rows)
    return (
        "# What the embedded classifiers react to\n\n"
        f"By `Testing/Benchmarks/stress.py`, seed {settings.seed}, {settings.draws} places each, "
        f"on {', '.join(scans)}\n(nothing was trained on these). A cell: the worst verdict, and "
        "the greatest reaction as a share of that to the\nfinding (100 mL effusion) there; "
        "negative: the other way. `pass` below 0.2, `fail` from 0.5 on or if\nthe decision "
        f"changes.\n\n{table}\n"
    )


def _moved(reports: list[dict]) -> str:
    deltas = [report["reference"]["delta"] for report in reports]
    told = ", ".join("none" if delta is None else f"{delta:+.2g}" for delta in deltas)
    return f"{told} {reports[0]['scale']} |"


def _cell(reports: list[dict], kind: str) -> str:
    found = [v for report in reports for v in report["verdicts"] if v["kind"] == kind]
    level = min((v["level"] for v in found), key=ORDER.index)
    shares = [v["share"] for v in found if v["share"] is not None]
    worst = f" {max(shares, key=abs) + 0.0:.2g}" if shares else ""
    flips = sum(v["flips"] for v in found)
    return f"{level}{worst}{f' ({flips} flips)' if flips else ''} |"


if __name__ == "__main__":
    main()
