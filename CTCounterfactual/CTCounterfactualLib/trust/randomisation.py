"""Does the explanation change when the network's weights are random?

One that doesn't shows the scan, not what the network has learned. Going from the last layer to the
first, ever more layers get random weights, and each time the scan is explained anew: the last step
knows nothing, so the map should have nothing in common with the first. Counterfactuals are searched
to the same amount of change each time, since a random network's decision means nothing.

Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018 (cascading randomisation).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import nn

from ..counterfactual.result import Explanation
from ..counterfactual.settings import LIMIT
from ..errors import ModelError
from ..metrics.overlap import dice, strongest_voxels
from ..models.classifier import Classifier
from ..models.guarded.borrowed import networks_of
from ..models.guarded.classifier import guarded_classifier
from .kind import TrustTest
from .random_weights import randomised, weighted_layers
from .subject import Subject
from .verdict import FAIL, PASS, WARN, Limits, Verdict

# Set before anything was measured. Random networks' maps follow tissue, too: with `effusion-demo`
# on part of a chest they correlate by up to 0.7 with the true ones (`TRUST.md`).
LIMITS = Limits(0.5, 0.7)
SENTENCES = {
    PASS: "With random weights the explanation is another one, so it depends on what the network "
    "has learned.",
    WARN: "With random weights the explanation is still partly the same: part of it shows the "
    "scan, not what the network has learned.",
    FAIL: "With random weights the explanation is much the same, so it doesn't show what the "
    "network has learned.",
}
# Steps of the cascade, as shares of the layers counted from the last; the cheap test has the end
# alone.
STEPS = (0.0, 0.25, 0.5, 0.75, 1.0)
SEED = 1
LEAST_CHANGE = 1e-4
Layer = tuple[str, nn.Module]


def run(test: TrustTest, subject: Subject, thorough: bool) -> Verdict:
    """Explain with ever more random layers; thorough: at each step, with all layers twice."""
    guarded = guarded_classifier(subject.classifier)
    layers = weighted_layers(guarded, lambda: _score(subject))
    if not layers:
        return test.not_run(
            f"{guarded.name} shows no layers with weights (it is a formula, compiled, or a black "
            f"box): there is nothing to make random."
        )
    if not subject.values.any():
        return test.not_run("The explanation is empty: there is nothing to compare.")
    counts = (
        sorted({max(1, round(share * len(layers))) for share in STEPS})
        if thorough
        else [len(layers)]
    )
    settings = _same_amount(subject)
    steps = [
        _step(subject, layers, count, SEED + number, settings)
        for number, count in enumerate([*counts, *([len(layers)] if thorough else [])])
    ]
    facts: dict[str, Any] = {"steps": steps, "layers": [name for name, _ in layers]}
    if subject.truth is not None:
        facts["truth_dice"] = _at_truth(subject, subject.values)
    ends = [step["correlation"] for step in steps if step["layers"] == len(layers)]
    return test.of(float(np.mean(ends)), SENTENCES, **facts)


def _score(subject: Subject) -> None:
    guarded = guarded_classifier(subject.classifier)
    ready = guarded.for_scan(subject.prepared)
    device = next(iter(_parameters(guarded)), torch.zeros(())).device
    volume = torch.from_numpy(subject.prepared.volume).to(device)[None, None]
    ready.score(volume, subject.result.target.name)


def _parameters(classifier: Classifier) -> Iterator[torch.Tensor]:
    for network in networks_of(getattr(classifier, "inner", classifier)):
        yield from network.parameters()


def _step(subject: Subject, layers: Sequence[Layer], count: int, seed: int, settings: dict) -> dict:
    """Explain with the last `count` layers random; return how alike it is, and where it points."""
    step = {"layers": count, "from": layers[count - 1][0]}
    try:
        with randomised([layer for _, layer in layers[:count]], seed):
            again = subject.again(settings=settings)
    except ModelError as error:  # a random network may have nothing to explain
        return {**step, "correlation": 0.0, "none": " ".join(str(error).split())}
    step |= subject.like(again.values)
    if subject.truth is not None:
        step["truth_dice"] = _at_truth(subject, again.values)
    return step


def _at_truth(subject: Subject, values: np.ndarray) -> float:
    """Return the Dice coefficient of a map's strongest places with the known finding."""
    assert subject.truth is not None
    count = int(subject.truth.sum())
    return dice(strongest_voxels(values, count, subject.spacing), subject.truth)


def _same_amount(subject: Subject) -> dict:
    """Return settings of a search that ends at the explanation's own amount of change."""
    result = subject.result
    if not isinstance(result, Explanation) or subject.settings.search == "reference":
        return {}
    changes = [one.change for one in (*([result.whole] if result.whole else []), *result.chunks)]
    change = max(LEAST_CHANGE, result.whole.change if result.whole else max(changes))
    return {
        "goal": LIMIT,
        "target_score": None,
        "max_change": min(change, subject.settings.max_change),
    }


TEST = TrustTest(
    name="randomisation",
    description="Does the explanation change when the network's weights are random?",
    measure="rank correlation with the map of random weights",
    limits=LIMITS,
    run=run,
    source="Adebayo J et al. Sanity Checks for Saliency Maps. NeurIPS 2018.",
)
