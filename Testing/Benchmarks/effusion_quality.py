"""Measure the effusion demo on scans that it never saw, and write the figures into its card.

    python Testing/Benchmarks/effusion_quality.py --card effusion-demo.json \
        --painted chest_cip64.nrrd --painted chest_ibsi1.nii.gz --as-is chest_lidc0314.nii.gz

Groups: generated chests of unseen seeds, each with fluid of its own and without; each `--painted`
scan with painted fluid and without (the scan itself and variants with distractors); logits of the
`--as-is` scans. The figures are explained in `CTCounterfactualLib/metrics/effusion.py`.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CTCounterfactual"))

from CTCounterfactualLib.metrics.effusion import (
    Case,
    generated_cases,
    logits,
    paint_cases,
    point,
    separate,
)
from CTCounterfactualLib.models.classifiers.effusion import load_effusion
from CTCounterfactualLib.scans.grid import GridSpec, prepare
from CTCounterfactualLib.scans.read import read_scan
from CTCounterfactualLib.training.effusion.effusion_settings import EffusionSettings
from CTCounterfactualLib.training.effusion.examples import source_from_scan

PAINT_SEED = 7
ML = EffusionSettings().ml


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--card", required=True, help="card of the model")
    parser.add_argument("--painted", action="append", default=[], help="scan to paint; repeat")
    parser.add_argument("--as-is", action="append", default=[], help="scan to score; repeat")
    parser.add_argument("--seeds", type=int, default=25, help="generated chests, seeds from 0 on")
    parser.add_argument("--variants", type=int, default=20, help="of each painted scan")
    parser.add_argument("--write", action="store_true", help="into the card, as `measured`")
    options = parser.parse_args()
    classifier = load_effusion(Path(options.card))
    measured = {}
    if options.seeds:
        pairs = [generated_cases(seed, ML) for seed in range(options.seeds)]
        measured["generated chests, unseen seeds"] = measure(
            classifier, [wet for wet, _ in pairs], [dry for _, dry in pairs]
        )
    for path in options.painted:
        source = source_from_scan(read_scan(path))
        cases = paint_cases(source, options.variants, PAINT_SEED, ML)
        measured[source.name] = measure(classifier, *cases)
    as_is = {}
    for path in options.as_is:
        scan = read_scan(path)
        volume = prepare(scan, GridSpec()).volume
        case = Case(scan.name, volume, np.zeros_like(volume))
        as_is[scan.name] = round(float(logits(classifier, [case])[0]), 2)
    measured["logits of scans as they are"] = as_is
    print(json.dumps(measured, indent=2))
    if options.write:
        path = Path(options.card)
        card = json.loads(path.read_text(encoding="utf-8"))
        card["measured"] = measured
        path.write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")


def measure(classifier, wet: list[Case], dry: list[Case]) -> dict:
    """Return separation and pointing of one group, and which logits lay on the wrong side."""
    of_wet, of_dry = logits(classifier, wet), logits(classifier, dry)
    return {
        "separation": separate(of_wet, of_dry).to_dict(),
        "pointing": point(classifier, wet).to_dict(),
        "missed_ml": [round(c.ml) for c, v in zip(wet, of_wet, strict=True) if v <= 0],
        "quantiles_with": [round(float(q), 2) for q in np.quantile(of_wet, (0, 0.1, 0.5, 0.9, 1))],
        "quantiles_without": [
            round(float(q), 2) for q in np.quantile(of_dry, (0, 0.1, 0.5, 0.9, 1))
        ],
    }


if __name__ == "__main__":
    main()
