"""Dice of a map cut at the finding's size: answers known by hand."""

import numpy as np
import pytest

from CTCounterfactualLib.metrics.overlap import dice, overlap, strongest_voxels

SPACING = (1.5, 1.5, 3.0)
FINDING = np.zeros((12, 40, 40), bool)
FINDING[4:8, 10:22, 10:22] = True
BODY = np.ones(FINDING.shape, bool)


def test_the_finding_itself_overlaps_nearly_and_another_place_not_at_all():
    assert overlap(-3.0 * FINDING, FINDING, BODY, SPACING)["dice"] > 0.9  # smoothing rounds corners
    away = np.roll(FINDING, 18, axis=2)
    assert overlap(1.0 * away, FINDING, BODY, SPACING)["dice"] == 0.0


def test_chance_is_the_share_of_the_body():
    found = overlap(1.0 * FINDING, FINDING, BODY, SPACING)
    assert found["dice_chance"] == pytest.approx(FINDING.sum() / BODY.sum())
    rng = np.random.default_rng(0)
    random = [
        dice(rng.permutation(FINDING.ravel()).reshape(FINDING.shape), FINDING) for _ in range(20)
    ]
    assert np.mean(random) == pytest.approx(found["dice_chance"], abs=0.01)


def test_half_of_the_place_is_half_of_dice():
    shifted = np.roll(FINDING, 6, axis=1)
    assert dice(shifted, FINDING) == pytest.approx(0.5)


def test_as_many_voxels_are_chosen_as_asked_also_among_equals():
    assert strongest_voxels(np.ones((4, 5, 6)), 7, (100.0, 100.0, 100.0)).sum() == 7
    spot = np.zeros((9, 9, 9))
    spot[4, 4, 4] = 1
    assert strongest_voxels(spot, 10**6, (3.0, 3.0, 3.0)).sum() < 9**3 + 1


def test_nothing_to_compare():
    assert overlap(np.zeros(FINDING.shape), FINDING, BODY, SPACING) == {}
    assert overlap(1.0 * FINDING, FINDING & False, BODY, SPACING) == {}
