"""Insertion and deletion: a score whose place is known, and areas worked out by hand."""

import numpy as np
import pytest

from CTCounterfactualLib.metrics.removal import STEPS, removal

SPACING = (3.0, 3.0, 3.0)
SHAPE = (12, 30, 30)  # 4 x 10 x 10 blocks of 3 voxels
BODY = np.ones(SHAPE, bool)
VOLUME = np.ones(SHAPE, np.float32)
BASE = np.zeros(SHAPE, np.float32)
SPOT = np.zeros(SHAPE, bool)
SPOT[3:6, 6:9, 6:9] = True  # one block


def of_spot(volume):
    return float(volume[SPOT].mean())


def found_by(evidence, score=of_spot, **options):
    return removal(evidence, VOLUME, BODY, SPACING, score, baseline=BASE, **options)


def areas(lost_at):
    """Return deletion and insertion of a score that jumps at a step."""
    shares = (np.arange(STEPS + 1) / STEPS) ** 2
    curve = (np.arange(STEPS + 1) < lost_at).astype(float)
    area = float((np.diff(shares) * (curve[1:] + curve[:-1]) / 2).sum())
    return area, 1 - area


def test_the_right_place_first_or_last_is_the_best_and_the_worst():
    best = found_by(1.0 * SPOT)
    assert (best["deletion"], best["insertion"]) == pytest.approx(areas(1))
    worst = found_by(1.0 - SPOT)
    assert (worst["deletion"], worst["insertion"]) == pytest.approx(areas(STEPS))
    assert best["deletion"] < best["deletion_chance"] < worst["deletion"]


def test_of_an_even_score_no_order_is_better():
    found = found_by(np.random.default_rng(0).random(SHAPE), score=lambda v: float(v.mean()))
    assert found["deletion"] == pytest.approx(found["deletion_chance"], abs=0.01)
    assert found["deletion"] == pytest.approx(0.5, abs=0.02)


def test_scores_of_any_scale_and_sign_give_the_same():
    scaled = found_by(1.0 * SPOT, score=lambda v: -40 * of_spot(v) + 3)
    assert scaled == pytest.approx(found_by(1.0 * SPOT))


def test_scores_are_as_many_as_said():
    calls = []
    found_by(1.0 * SPOT, score=lambda v: calls.append(1) or of_spot(v))
    assert len(calls) == 2 + 4 * (STEPS - 1)


def test_what_lies_outside_the_body_stays():
    body = ~SPOT
    seen = []

    def score(volume):
        seen.append(of_spot(volume))
        return float(volume.mean())

    removal(1.0 * BODY, VOLUME, body, SPACING, score, baseline=BASE)
    assert set(seen) == {1.0}


def test_nothing_is_told_where_the_baseline_scores_as_the_scan():
    assert found_by(1.0 * SPOT, score=lambda v: 2.0) == {}
    assert found_by(0.0 * SPOT) == {}
