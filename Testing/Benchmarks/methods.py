"""Every method of explanation beside chance and ceiling, on planted effusions; writes METHODS.md.

    python Testing/Benchmarks/methods.py -o methods
    python Testing/Benchmarks/methods.py -o methods --probe probe/effusion-probe.json

Plants effusions into scans that no model was trained on (`bench make`, seeded), cuts a slab around
each, explains each by every method for every classifier, and measures whether the map is the
finding. One file a result: the same command goes on after an interruption, and does again what was
done with other weights or settings. `--only` runs some rows; the table is of all that is there.
`--slab 0` explains whole chests, cropped in plane only: slower, and chance is smaller.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path.insert(0, str(REPOSITORY / "CTCounterfactual"))

import numpy as np  # noqa: E402
import torch  # noqa: E402
from methods_cases import SlabCase, slab_cases  # noqa: E402
from methods_table import methods_report  # noqa: E402

from CTCounterfactualLib.bench.ideal import IdealClassifier  # noqa: E402
from CTCounterfactualLib.counterfactual.engine import explain  # noqa: E402
from CTCounterfactualLib.counterfactual.settings import ExplainSettings  # noqa: E402
from CTCounterfactualLib.errors import CTCounterfactualError  # noqa: E402
from CTCounterfactualLib.methods.attribute import attribute  # noqa: E402
from CTCounterfactualLib.metrics.overlap import overlap  # noqa: E402
from CTCounterfactualLib.metrics.pointing import pointing  # noqa: E402
from CTCounterfactualLib.metrics.recovery import recovery  # noqa: E402
from CTCounterfactualLib.models.catalogue import load_classifier  # noqa: E402
from CTCounterfactualLib.models.classifier import Classifier  # noqa: E402
from CTCounterfactualLib.scans.grid import prepare  # noqa: E402

SHARED = REPOSITORY.parent / "shared" / "data" / "ct"
# Kept aside from every training.
UNSEEN = ("chest_acrinflt013.nii.gz", "chest_cip64.nrrd")
PER_SCAN, SEED = 6, 2026
# 40 slices of the prepared grid: higher than any of the planted effusions.
SLAB_MM = 120.0
# Logits (of the ideal classifier: mL) by which a finding must raise the score to be explained: what
# the classifier doesn't see no method can find in it. A probe's logits are shrunk: half of it.
SEEN, SEEN_BY_PROBE = 1.0, 0.5
LATENT_SHIFT, CLEAN = "latent-shift", "CLEAN"
IDEAL, PROBE = "ideal", "probe"
NOTES = "## What the numbers say"


@dataclass(frozen=True)
class Row:
    """A line of the table: a method with options; the occlusion `CLEAN` is the case's own."""

    method: str
    options: dict[str, Any] = field(default_factory=dict)
    slow: dict[str, Any] = field(default_factory=dict)
    needs_layers: bool = False


# Model calls of a search for responsibility.
BUDGET, FEWER = {"calls": 400}, {"calls": 60}
# A `slow` classifier, of published size, gets fewer samples, said in the table.
ROWS = {
    "latent-shift": Row(LATENT_SHIFT),
    "responsibility": Row("responsibility", BUDGET, FEWER),
    "responsibility, clean scan": Row("responsibility", {"occlusion": CLEAN, **BUDGET}, FEWER),
    "responsibility, air": Row("responsibility", {"occlusion": "air", **BUDGET}, FEWER),
    "occlusion": Row("occlusion", {}, {"window_mm": 60.0, "stride_mm": 60.0}),
    "input-gradient": Row("input-gradient"),
    "smoothgrad": Row("smoothgrad", {}, {"samples": 4}),
    "integrated-gradients": Row("integrated-gradients", {}, {"steps": 6}),
    "guided-backprop": Row("guided-backprop", needs_layers=True),
    "grad-cam": Row("grad-cam", needs_layers=True),
    "hirescam": Row("hirescam", needs_layers=True),
}
CLASSIFIERS = {
    "effusion-demo": "pleural effusion logit",
    "findings-demo": "effusion",
    IDEAL: None,
    PROBE: "effusion",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("methods"))
    parser.add_argument("--bench", type=Path, help="a bench that is there, instead of a new one")
    parser.add_argument("--scan", action="append", default=[], help="instead of the unseen ones")
    parser.add_argument("--probe", type=Path, metavar="CARD", help="a linear probe on a backbone")
    parser.add_argument("--classifier", action="append", default=[], choices=CLASSIFIERS)
    parser.add_argument("--only", action="append", default=[], choices=ROWS, help="rows")
    parser.add_argument("--case", action="append", default=[], help="cases, by name")
    parser.add_argument("--most", type=int, help="cases a scan at most; default: all that are seen")
    parser.add_argument("--slab", type=float, default=SLAB_MM, help="mm; 0: the whole chest")
    parser.add_argument("--markdown", type=Path, help="default: METHODS.md in the output folder")
    options = parser.parse_args()
    bench = options.bench or make_bench(options.output, options.scan, PER_SCAN)
    # Of another height, what is there is another case's.
    place = options.output
    if options.slab != SLAB_MM:
        place /= f"slab-{options.slab:g}"
    cases = list(slab_cases(bench, place / "slabs", options.slab, options.case))
    for name in options.classifier or [n for n in CLASSIFIERS if n != PROBE or options.probe]:
        scored = [(case, seen_scores(place, name, case, options.probe)) for case in cases]
        least = SEEN_BY_PROBE if name == PROBE else SEEN
        seen = [case for case, found in scored if found["score"] - found["score_clean"] >= least]
        for label in options.only or ROWS:
            for case in first_of_each(seen, options.most):
                do(place, name, label, case, options.probe)
    told = "python Testing/Benchmarks/methods.py -o methods --probe CARD"
    rows = (row for row in read_rows(place) if of_these_weights(row, options.probe))
    text = methods_report(rows, list(ROWS), told, SEED, options.slab)
    path = options.markdown or place / "METHODS.md"
    # What people wrote below the tables stays.
    notes = path.read_text("utf-8").partition(NOTES)[1:] if path.exists() else ()
    path.write_text("\n".join((text, "".join(notes))).rstrip() + "\n", encoding="utf-8")
    print(text)


def first_of_each(cases: list[SlabCase], most: int | None) -> list[SlabCase]:
    """Return the first cases of each scan; all, where `most` is none."""
    kept: dict[str, list[SlabCase]] = {}
    for case in cases:
        kept.setdefault(case.origin, []).append(case)
    return [case for of_scan in kept.values() for case in of_scan[:most]]


def of_these_weights(row: dict[str, Any], probe: Path | None) -> bool:
    """Tell whether a result is of the weights that are here; the ideal classifier has none."""
    asked = row["asked"]
    if asked["classifier"] == IDEAL or (asked["classifier"] == PROBE and probe is None):
        return True
    return bool(asked["sha256"] == loaded(asked["classifier"], probe).sha256)


def make_bench(output: Path, scans: list[str], per_scan: int) -> Path:
    """Plant the effusions; return the bench's folder."""
    paths = [Path(scan) for scan in scans] or [SHARED / name for name in UNSEEN]
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        sys.exit(f"There is no {', '.join(missing)}: name other scans by --scan.")
    bench = output / "bench"
    planting = ["--findings", "effusion", "--per-scan", per_scan, "--pairs", 0]
    planting += ["--expiration", 0, "--seed", SEED]
    words = ["bench", "make", *paths, "-o", bench, *planting]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY / "CTCounterfactual")}
    done = subprocess.run(
        [sys.executable, "-m", "CTCounterfactualLib", *map(str, words)], env=environment
    )
    if done.returncode not in (0, 2):  # 2: a scan has no room for one; the others are made
        sys.exit(done.returncode)
    return bench


def do(output: Path, classifier: str, label: str, case: SlabCase, probe: Path | None) -> None:
    """Explain a case by a row's method and write its figures, unless that was done."""
    row = ROWS[label]
    model = model_of(classifier, case, probe)
    if row.needs_layers and classifier == IDEAL:
        return
    target = CLASSIFIERS[classifier]
    options = {**row.options, **(row.slow if classifier == PROBE else {})}
    asked = {
        "classifier": classifier,
        "sha256": model.sha256,
        "row": label,
        "options": options,
        "case": case.name,
        "seed": SEED,
    }
    name = label.replace(", ", "-").replace(" ", "-")
    path = output / "rows" / classifier / name / f"{case.name}.json"
    if written(path, asked) is not None:
        return
    given = {k: str(case.clean_file) if v == CLEAN else v for k, v in options.items()}
    began, used = perf_counter(), process_time()
    try:
        figures = measured(case, *explained(row.method, model, target, given, case))
        figures |= {"seconds": perf_counter() - began, "cpu_seconds": process_time() - used}
    except CTCounterfactualError as error:
        figures = {"problem": str(error)}
    write(path, {"asked": asked, "figures": figures})
    told = {k: round(v, 3) for k, v in figures.items() if isinstance(v, float)}
    sys.stderr.write(f"{classifier}, {label}, {case.name}: {figures.get('problem') or told}\n")


def seen_scores(
    output: Path, classifier: str, case: SlabCase, probe: Path | None
) -> dict[str, float]:
    """Return the scores of the scan and the clean scan, from their file if they are there."""
    model = model_of(classifier, case, probe)
    asked = {"classifier": classifier, "sha256": model.sha256, "row": "", "case": case.name}
    path = output / "rows" / classifier / "scores" / f"{case.name}.json"
    found = written(path, asked)
    if found is None:
        found = scores_of(model, CLASSIFIERS[classifier], case)
        write(path, {"asked": asked, "figures": found})
    return found


def written(path: Path, asked: dict[str, Any]) -> dict[str, float] | None:
    """Return the figures of a file if it answers what is asked."""
    if not path.exists():
        return None
    there = json.loads(path.read_text("utf-8"))
    return there["figures"] if there["asked"] == asked else None


def write(path: Path, content: dict[str, Any]) -> None:
    """Write JSON, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(content, indent=1), "utf-8")
    partial.replace(path)


_MODELS: dict[str, Classifier] = {}


def model_of(name: str, case: SlabCase, probe: Path | None) -> Classifier:
    """Return a classifier, loaded once; the ideal one is each case's own."""
    if name == IDEAL:
        return IdealClassifier.of(case.scan, case.clean, case.mask)
    return loaded(name, probe)


def loaded(name: str, probe: Path | None) -> Classifier:
    """Return a classifier of the catalogue, or the probe, loaded once."""
    if name not in _MODELS:
        if name == PROBE and probe is None:
            sys.exit("The probe's card is to be given by --probe.")
        _MODELS[name] = load_classifier(probe if name == PROBE and probe else name)
    return _MODELS[name]


def explained(
    method: str, model: Classifier, target: str | None, options: dict[str, Any], case: SlabCase
) -> tuple[np.ndarray, np.ndarray | None]:
    """Return a map (K, J, I), and the counterfactual in HU if the method makes one."""
    settings = ExplainSettings(mode="whole", frames=0, seed=SEED, device="cpu")
    if method == LATENT_SHIFT:
        found = explain(case.scan, model, target, settings=settings)
        changed = np.asarray(found.counterfactual, np.float32)
        return changed - case.scan.array, changed
    attribution = attribute(case.scan, method, model, target, options, settings=settings)
    return attribution.values, None


def measured(case: SlabCase, shown: np.ndarray, changed: np.ndarray | None) -> dict[str, float]:
    """Return what the metrics say of a map, and of the true change as the ceiling."""
    truth = case.clean.array.astype(np.float32) - case.scan.array
    where = case.finding, case.body, case.scan.spacing
    figures = pointing(shown, *where) | overlap(shown, *where)
    best = pointing(truth, *where) | overlap(truth, *where)
    figures |= {f"{name}_ceiling": v for name, v in best.items() if not name.endswith("chance")}
    if changed is not None:
        figures |= recovery(case.scan.array, case.clean.array, changed, case.finding)
    return figures


def scores_of(model: Classifier, target: str | None, case: SlabCase) -> dict[str, float]:
    """Return the scores of the scan and the clean scan."""
    found = {}
    for name, scan in (("score", case.scan), ("score_clean", case.clean)):
        prepared = prepare(scan, model.grid)
        x = torch.from_numpy(prepared.volume)[None, None]
        with torch.no_grad():
            found[name] = float(model.for_scan(prepared).score(x, target)[0])
    return found


def read_rows(output: Path) -> Iterator[dict[str, Any]]:
    """Yield all results that are there."""
    for path in sorted((output / "rows").rglob("*.json")):
        yield json.loads(path.read_text("utf-8"))


if __name__ == "__main__":
    main()
