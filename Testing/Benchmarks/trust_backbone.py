"""The cascade of random weights at full size: a probe on a published backbone, three steps.

One step is a gradient of some 120 convolutions at 224 x 224 x 160: a minute of one core and 3 GB.
Each is a file of its own, so that the same command goes on after an interruption.
"""

from __future__ import annotations

import json
import resource
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np

from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.methods.attribute import attribute
from CTCounterfactualLib.metrics.likeness import likeness
from CTCounterfactualLib.models.catalogue import load_classifier
from CTCounterfactualLib.models.guarded.classifier import guarded_classifier
from CTCounterfactualLib.scans.grid import PreparedScan, prepare
from CTCounterfactualLib.scans.read import read_scan
from CTCounterfactualLib.scans.scan import Scan
from CTCounterfactualLib.trust.random_weights import randomised, weighted_layers

METHOD, SEED = "input-gradient", 1
CPU = ExplainSettings(device="cpu")
# Shares of the layers that get random weights, from the last one on; 0 is the last one alone.
STEPS = (0.0, 0.5, 1.0)
# (I, J, K) voxels of 1.5 x 1.5 x 3 mm: what the backbone's publisher fed it.
SIZE = (224, 224, 160)
FOLDER = "backbone"


def run(probe: Path, scan: Path, output: Path) -> None:
    """Explain with true weights, then with ever more random ones; what is there is not done again.

    Parameters
    ----------
    probe : Path
        Card of a linear probe (`ct-counterfactual probe`).
    scan : Path
        A chest that neither was trained on, filled up with air to `SIZE`.
    output : Path
        Working folder.
    """
    folder = output / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    classifier = load_classifier(probe)
    whole = _padded(prepare(read_scan(scan), classifier.grid))
    prepared = prepare(whole, classifier.grid)
    true = _map(folder / "true", whole, classifier, ())
    layers = None
    for number, share in enumerate(STEPS, start=1):
        told = folder / f"step-{number}.json"
        if told.exists():
            continue
        if layers is None:
            layers = weighted_layers(
                guarded_classifier(classifier), lambda: classifier.score(_x(prepared))
            )
        count = max(1, round(share * len(layers)))
        values = _map(
            folder / f"step-{number}", whole, classifier, [layer for _, layer in layers[:count]]
        )
        found = likeness(
            np.asarray(true, np.float32),
            np.asarray(values, np.float32),
            prepare(whole).body[:, ::-1, ::-1],  # maps lie on the scan's axes, LPS
            whole.spacing,
        )
        facts = {"layers": count, "of": len(layers), "size": list(whole.size), **found}
        told.write_text(json.dumps(facts, indent=1), encoding="utf-8")
        print(f"backbone, {count} of {len(layers)} layers random: {facts}", flush=True)


def section(output: Path) -> str:
    """Return the section of TRUST.md; nothing where no step was run."""
    steps = [json.loads(path.read_text("utf-8")) for path in _files(output, "step-*.json")]
    if not steps:
        return ""
    costs = [json.loads(path.read_text("utf-8")) for path in _files(output, "*.cost")]
    cpu = np.median([cost["cpu_seconds"] for cost in costs])
    memory = max(cost["peak_gb"] for cost in costs)
    size = " x ".join(str(n) for n in steps[0]["size"])
    cells = [
        f"{one['correlation']:.2f}, {one['dice']:.2f} ({one['layers']} of {one['of']})"
        for one in steps
    ]
    lacking = len(STEPS) - len(steps)
    left = f" {lacking} of {len(STEPS)} steps, with more layers random, are still to be run." * (
        lacking > 0
    )
    heads = [f"step {number}" for number in range(1, len(steps) + 1)]
    return f"""
## A network of published size
A linear probe of pleural fluid on `astra-resnet152` (an inflated ResNet-152, 117 million weights),
the whole chest filled up to {size}, explained by its {METHOD}. Rank correlation as above, and Dice
of the strongest places (chance {steps[0]["dice_chance"]:.2f}); in brackets how many layers are
random. One draw.{left}
A map took {cpu:.0f} processor seconds of one core and {memory:.1f} GB at most.

| {" | ".join(heads)} |
|{"---|" * len(heads)}
| {" | ".join(cells)} |
"""


def _files(output: Path, pattern: str) -> list[Path]:
    return sorted((output / FOLDER).glob(pattern))


def _map(stem: Path, scan: Scan, classifier: Any, layers: Any) -> np.ndarray:
    """Return a map on the scan's grid, (K, J, I), float16; kept in a file with what it cost."""
    file = stem.with_suffix(".npy")
    if not file.exists():
        began, used = perf_counter(), process_time()
        with randomised(layers, SEED):
            values = attribute(scan, METHOD, classifier, settings=CPU).values
        kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        cost = {
            "seconds": perf_counter() - began,
            "cpu_seconds": process_time() - used,
            "peak_gb": kilobytes / 1e6,
        }
        # Scaled: gradients of a deep network may be smaller than float16 tells.
        scaled = values / (np.abs(values).max() or 1.0)
        with file.open("wb") as stream:
            np.save(stream, scaled.astype(np.float16))
        stem.with_suffix(".cost").write_text(json.dumps(cost), encoding="utf-8")
    return np.load(file)


def _padded(prepared: PreparedScan) -> Scan:
    """Return a prepared scan filled up with air, or cut, around its middle to `SIZE`, in HU."""
    hu = np.rint(prepared.spec.window.to_hu(prepared.volume)).astype(np.int16)
    air = int(prepared.spec.window.low_hu)
    for axis, wanted in enumerate(SIZE[::-1]):  # (K, J, I)
        lacking = wanted - hu.shape[axis]
        if lacking > 0:
            sides = [(0, 0)] * 3
            sides[axis] = (lacking // 2, lacking - lacking // 2)
            hu = np.pad(hu, sides, constant_values=air)
        else:
            first = -lacking // 2
            hu = hu.take(range(first, first + wanted), axis)
    # RAS axes turned to LPS, whose arrays Scan.from_array takes as they are.
    return Scan.from_array(hu[:, ::-1, ::-1], prepared.spec.spacing, name=prepared.scan.name)


def _x(prepared: PreparedScan):
    import torch

    return torch.from_numpy(prepared.volume)[None, None]
