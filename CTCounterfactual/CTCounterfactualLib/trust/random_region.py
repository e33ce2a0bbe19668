"""Does another place of the same size do as well?

Of a counterfactual: a search within a random region, as large as what it changed, mustn't move the
score as far. Of a map: blurring random places, as large as its strongest, mustn't either.
"""

from __future__ import annotations

import numpy as np

from ..counterfactual.region import Region
from ..counterfactual.result import Explanation
from ..counterfactual.settings import LIMIT
from ..evaluation.by_model import scoring
from ..metrics.likeness import strong_place
from ..metrics.neighbourhood import within
from ..metrics.recovery import VISIBLE_CHANGE_HU
from ..metrics.removal import blurred
from .kind import TrustTest
from .subject import Subject
from .verdict import FAIL, PASS, WARN, Limits, Verdict

# A place that matters does several times as much as any other. Latent Shift on part of a chest has
# 0.001 and 0.04 (`TRUST.md`).
LIMITS = Limits(0.25, 0.75)
SENTENCES = {
    PASS: "Random places of the same size hardly move the score, so the found one matters.",
    WARN: "Random places of the same size move the score by a good part of what the found one "
    "does.",
    FAIL: "Random places of the same size move the score as far as the found one does.",
}
# Cheap: regions to search in, each an explanation; thorough; and of a map, each one score.
REGIONS, MORE_REGIONS, PLACES = 1, 4, 16
# A random place keeps so far from the found one.
APART_MM = 6.0
SEED = 20


def run(test: TrustTest, subject: Subject, thorough: bool) -> Verdict:
    """Search in random regions, or blur random places, and compare."""
    body, change = subject.prepared.body, np.abs(subject.values)
    found = (
        body & (change > VISIBLE_CHANGE_HU * subject.prepared.spec.own_per_hu)
        if subject.counterfactual
        else strong_place(subject.values, body, subject.spacing)
    )
    if not found.any():
        return test.not_run("Nothing is marked, so there is no place to compare with.")
    free = body & ~within(found, subject.spacing, APART_MM)
    if free.sum() < found.sum():
        return test.not_run(
            "What is marked fills most of the body: there is no other place as large."
        )
    number = MORE_REGIONS if thorough else REGIONS
    rng = np.random.default_rng(SEED)
    places = [
        random_place(free, int(found.sum()), subject.spacing, rng)
        for _ in range(number if subject.counterfactual else PLACES)
    ]
    compare = _by_search if subject.counterfactual else _by_blur
    own, others = compare(subject, found, places)
    ml = float(found.sum()) * float(np.prod(subject.spacing)) / 1000
    facts = {"own": own, "others": others, "ml": ml}
    if own <= 0:
        return test.not_run("The found place itself doesn't move the score.", **facts)
    return test.of(float(np.mean(others)) / own, SENTENCES, **facts)


def random_place(
    free: np.ndarray, count: int, spacing: tuple[float, float, float], rng: np.random.Generator
) -> np.ndarray:
    """Return the `count` voxels of `free` (K, J, I) nearest to a random one of them: bool."""
    at = np.argwhere(free)
    steps = np.array(spacing[::-1])  # (I, J, K) -> (K, J, I)
    centre = at[rng.integers(len(at))]
    nearest = np.argsort((((at - centre) * steps) ** 2).sum(1), kind="stable")[:count]
    place = np.zeros(free.shape, bool)
    place[tuple(at[nearest].T)] = True
    return place


def _by_search(subject: Subject, found: np.ndarray, places) -> tuple[float, list[float]]:
    """Return the counterfactual's gain and those of searches within places, to the change limit."""
    assert isinstance(subject.result, Explanation)
    scan, prepared = subject.result.scan, subject.prepared
    limit = {} if subject.settings.search == "reference" else {"goal": LIMIT, "target_score": None}
    gains = []
    for place in places:
        mask = prepared.to_scan_grid(place.astype(np.float32)) >= 0.5  # half of a voxel or more
        region = Region(scan.with_array(mask.astype(np.uint8)), "random place")
        gains.append(max(float(subject.again(region=region, settings=limit).gain or 0.0), 0.0))
    return subject.gain, gains


def _by_blur(subject: Subject, found: np.ndarray, places) -> tuple[float, list[float]]:
    """Return how far the score moves when a place is blurred: the found one, and others."""
    target = subject.result.target.name
    with scoring(
        subject.classifier, target, subject.result.scan, subject.result, subject.reporter
    ) as (prepared, score):
        x = prepared.volume
        smooth = blurred(x, prepared.spec.spacing)
        start = score(x)
        moved = [abs(score(np.where(place, smooth, x)) - start) for place in (found, *places)]
    return moved[0], moved[1:]


TEST = TrustTest(
    name="random-region",
    description="Does a random place of the same size do as well?",
    measure="its effect / the found place's",
    limits=LIMITS,
    run=run,
)
