"""Which places are always needed, whatever the seed or the method, and which are one way of many?

Explanations of scans with other noise, and by other methods, each cut to equally large strongest
places: voxels that lie in all of them are always needed. One autoencoder is embedded; others are
asked where there are any ready.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from ..errors import CTCounterfactualError
from ..evaluation.subject import method_name
from ..methods.needs import check_needs
from ..methods.registry import LATENT_SHIFT, find_method
from ..metrics.likeness import strong_place
from ..metrics.overlap import dice, strongest_voxels
from ..models.guarded.classifier import guarded_classifier
from .kind import TrustTest
from .noise import noise_runs
from .subject import Subject
from .verdict import FAIL, PASS, WARN, Limits, Verdict

# Dice of 0.5 is half of each place; chance has 0.03 to 0.05. Latent Shift on part of a chest has
# 0.27 and 0.75 with two classifiers (`TRUST.md`).
LIMITS = Limits(0.5, 0.2)
SENTENCES = {
    PASS: "Most of the strongest places are found by every seed and method that was asked.",
    WARN: "Seeds and methods agree on part of the strongest places: the rest is one way of many.",
    FAIL: "Seeds and methods hardly agree on the strongest places: this is one explanation of "
    "many.",
}
# Asked beside Latent Shift, where the classifier has what they need.
METHODS = ("input-gradient", "integrated-gradients", "hirescam")
SEEDS, MORE_SEEDS = 1, 3
MM3_PER_ML = 1000.0


def run(test: TrustTest, subject: Subject, thorough: bool) -> Verdict:
    """Explain by other seeds and methods; compare all pairs, and count what all share."""
    if not subject.values.any():
        return test.not_run("The explanation is empty: there is nothing to compare.")
    own = method_name(subject.result)
    maps = {own: subject.values}
    for seed, again in enumerate(noise_runs(subject, MORE_SEEDS if thorough else SEEDS), start=1):
        maps[f"noise {seed}"] = again.values
    left_out = {}
    for name in (LATENT_SHIFT, *METHODS):
        if name != own:
            try:
                check_needs(find_method(name), guarded_classifier(subject.classifier))
                maps[name] = subject.again(key=("method", name), method=name).values
            except CTCounterfactualError as error:
                subject.reporter.check()
                left_out[name] = " ".join(str(error).split())
    body = subject.prepared.body
    count = int(strong_place(subject.values, body, subject.spacing).sum())
    places = {
        name: strongest_voxels(np.where(body, values, 0), count, subject.spacing)
        for name, values in maps.items()
    }
    pairs = {f"{a} / {b}": dice(places[a], places[b]) for a, b in combinations(places, 2)}
    votes = np.sum(list(places.values()), axis=0)
    ml = float(np.prod(subject.spacing)) / MM3_PER_ML
    return test.of(
        float(np.mean(list(pairs.values()))),
        SENTENCES,
        pairs=pairs,
        left_out=left_out,
        always_ml=float((votes == len(places)).sum()) * ml,
        sometimes_ml=float(((votes > 0) & (votes < len(places))).sum()) * ml,
        chance=count / max(int(body.sum()), 1),
    )


TEST = TrustTest(
    name="consensus",
    description="Do other seeds and methods find the same places?",
    measure="mean Dice of all pairs' strongest places",
    limits=LIMITS,
    run=run,
)
