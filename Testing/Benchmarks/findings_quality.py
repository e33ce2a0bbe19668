"""Measure the findings demo on scans that it never saw, and write the figures into its card.

    python Testing/Benchmarks/findings_quality.py --card findings-demo.json \
        --planted chest_acrinflt013.nii.gz --planted chest_cip64.nrrd --as-is head_phantom.nii.gz \
        --slices slices_tcga_lung.npz --readings Testing/Benchmarks/slice_readings.csv --write

Each `--planted` scan gets `--count` findings of each kind; a finding's logit in these is compared
with that of all scans without it (as they are, or with another finding). Of `--slices`, a patient
counts as the highest logit of the slices. The figures are explained in
`CTCounterfactualLib/metrics/findings.py`.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CTCounterfactual"))

from CTCounterfactualLib.metrics.effusion import separate
from CTCounterfactualLib.metrics.findings import (
    DISTURBANCES,
    PlantedCase,
    gradient_place,
    plant_findings,
    scores,
)
from CTCounterfactualLib.models.classifiers.findings_card import load_findings
from CTCounterfactualLib.models.classifiers.findings_network import FINDINGS
from CTCounterfactualLib.scans.grid import prepare
from CTCounterfactualLib.scans.read import read_scan
from CTCounterfactualLib.training.findings.readings import UNSURE, YES, read_readings
from CTCounterfactualLib.training.findings.sources import SLICE_REPEATS
from CTCounterfactualLib.training.slice_file import read_slices

PLANT_SEED = 7
QUANTILES = (0, 0.1, 0.5, 0.9, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--card", required=True, help="card of the model")
    parser.add_argument("--planted", action="append", default=[], help="scan to plant into; repeat")
    parser.add_argument("--as-is", action="append", default=[], help="scan to score; repeat")
    parser.add_argument("--count", type=int, default=3, help="of each finding in each scan")
    parser.add_argument("--slices", help="single slices of patients, as train-findings takes them")
    parser.add_argument("--readings", help="of --slices")
    parser.add_argument("--write", action="store_true", help="into the card, as `measured`")
    options = parser.parse_args()
    classifier = load_findings(Path(options.card))
    measured = {}
    if options.planted:
        measured |= of_planted(classifier, options)
    measured["scans as they are"] = {
        Path(path).name: told(classifier, read_scan(path)) for path in options.as_is
    }
    if options.slices:
        measured["real findings, by patient"] = of_patients(classifier, options)
    print(json.dumps(measured, indent=2))
    if options.write:
        path = Path(options.card)
        card = json.loads(path.read_text(encoding="utf-8"))
        if "median without" in measured:
            card["negatives"] = measured["median without"]
        card["measured"] = measured
        path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def of_planted(classifier, options) -> dict:
    """Return what all planted scans give: separation, gradient, amounts, disturbances."""
    present = {finding: [] for finding in FINDINGS}
    absent = {finding: [] for finding in FINDINGS}
    places, amounts = ({finding: [] for finding in FINDINGS} for _ in range(2))
    moved = {
        name: {"clean": {f: [] for f in FINDINGS}, "planted": {f: [] for f in FINDINGS}}
        for name in DISTURBANCES
    }
    for path in options.planted:
        prepared = prepare(read_scan(path))
        name, volume, lungs = prepared.scan.name, prepared.volume, prepared.lungs
        clean = dict(zip(FINDINGS, scores(classifier, volume, FINDINGS), strict=True))
        say(name, clean)
        nothing = PlantedCase(name, "", "", volume, volume, np.zeros_like(volume), lungs)
        for finding in FINDINGS:
            absent[finding].append(clean[finding])
        for what, disturb in DISTURBANCES.items():
            now = scores(classifier, disturb(nothing, volume), FINDINGS)
            for finding, score in zip(FINDINGS, now, strict=True):
                moved[what]["clean"][finding].append(score - clean[finding])
        for number, case in enumerate(
            plant_findings(name, volume, lungs, FINDINGS, options.count, PLANT_SEED)
        ):
            found = dict(zip(FINDINGS, scores(classifier, case.planted, FINDINGS), strict=True))
            say(f"{name}, {case.ml:.1f} mL {case.finding}, {case.place}", found)
            for finding in FINDINGS:
                (present if finding == case.finding else absent)[finding].append(found[finding])
            places[case.finding].append(gradient_place(classifier, case))
            amounts[case.finding].append(seen_ml(classifier, case) / case.ml)
            if number % options.count:
                continue  # the disturbances of one case of each finding
            for what, disturb in DISTURBANCES.items():
                (now,) = scores(classifier, disturb(case, case.planted), (case.finding,))
                moved[what]["planted"][case.finding].append(now - found[case.finding])
    return {
        "planted": {
            finding: {
                "separation": separate(
                    np.array(present[finding]), np.array(absent[finding])
                ).to_dict(),
                "logits with": quantiles(present[finding]),
                "logits without": quantiles(absent[finding]),
                "amount seen / planted": quantiles(amounts[finding]),
                "gradient inside, near, downwards (median)": [
                    round(float(np.median([getattr(p, part) for p in places[finding]])), 3)
                    for part in ("inside", "near", "downwards")
                ],
                "chance": round(float(np.median([p.chance for p in places[finding]])), 4),
            }
            for finding in FINDINGS
            if present[finding]
        },
        "median without": {f: round(float(np.median(absent[f])), 2) for f in FINDINGS},
        "logit moved by (median, greatest)": {
            what: {
                kind: {
                    f: [round(float(np.median(v)), 2), round(max(v, key=abs), 2)]
                    for f, v in by_finding.items()
                    if v
                }
                for kind, by_finding in kinds.items()
            }
            for what, kinds in moved.items()
        },
    }


def seen_ml(classifier, case: PlantedCase) -> float:
    """Return the amount of the planted finding that the classifier sees, mL."""
    amount = classifier.amounts[case.finding]
    (logit,) = scores(classifier, case.planted, (case.finding,))
    return (amount.present_ml + amount.ignored_ml) * np.exp(
        logit / amount.slope
    ) - amount.ignored_ml


def of_patients(classifier, options) -> dict:
    """Return how real findings separate patients, and how many have or lack each."""
    file = read_slices(options.slices)
    readings = read_readings(options.readings, file)
    highest: dict[int, dict[str, float]] = {}
    state: dict[int, dict[str, set]] = {}
    for number, patient in enumerate(file.patient.tolist()):
        volume = np.repeat(file.prepared(number)[None], SLICE_REPEATS, axis=0)
        for finding, score in zip(FINDINGS, scores(classifier, volume, FINDINGS), strict=True):
            best = highest.setdefault(patient, {})
            best[finding] = max(best.get(finding, -np.inf), score)
            state.setdefault(patient, {}).setdefault(finding, set()).add(readings[number][finding])
    found = {}
    trained = {p for p in state if p % 5 and not any(s - {"no"} for s in state[p].values())}
    for finding in FINDINGS:
        with_it = [highest[p][finding] for p in state if YES in state[p][finding]]
        without = [p for p in state if not {YES, UNSURE} & state[p][finding]]
        unseen = [highest[p][finding] for p in without if p not in trained]
        everyone = [highest[p][finding] for p in without]
        if not with_it or not unseen:
            continue
        found[finding] = {
            "against unseen patients": separate(np.array(with_it), np.array(unseen)).to_dict(),
            "against all patients": separate(np.array(with_it), np.array(everyone)).to_dict(),
        }
    return found


def told(classifier, scan) -> dict:
    """Return logits and warnings of a scan, and the lungs' volume."""
    prepared = prepare(scan)
    ready = classifier.for_scan(prepared)
    logits = scores(ready, prepared.volume, FINDINGS)
    say(scan.name, dict(zip(FINDINGS, logits, strict=True)))
    return {
        **{f: round(v, 2) for f, v in zip(FINDINGS, logits, strict=True)},
        "lung L": round(ready.lung_litres, 2),
        "warnings": [name for name, _ in ready.warnings()],
    }


def quantiles(values: list[float]) -> list[float]:
    """Return least, 10 %, median, 90 % and greatest."""
    return [round(float(q), 2) for q in np.quantile(values, QUANTILES)]


def say(what: str, logits: dict[str, float]) -> None:
    """Print one line of progress."""
    words = ", ".join(f"{finding} {value:.1f}" for finding, value in logits.items())
    print(f"{what}: {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
