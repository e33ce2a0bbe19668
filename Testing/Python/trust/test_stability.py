"""Noise, half a voxel, another window: what is done to the scan, and what the tests make of it."""

import numpy as np
import pytest

from CTCounterfactualLib.scans.scan import Scan
from CTCounterfactualLib.trust import half_voxel, noise, window
from CTCounterfactualLib.trust.perturbed import WINDOW_HU, half_a_voxel, noisy, windowed
from CTCounterfactualLib.trust.verdict import NOT_RUN, PASS


def ramp(dtype=np.float32):
    k, j, i = np.mgrid[:6, :8, :10].astype(np.float32)
    return Scan.from_array(
        (10 * i + 20 * j - 30 * k).astype(dtype), (1.0, 2.0, 4.0), (5.0, -7.0, 11.0)
    )


def test_half_a_voxel_on_the_patient_stays_in_place():
    scan = ramp()
    moved = half_a_voxel(scan)
    assert moved.size == tuple(n - 1 for n in scan.size)
    assert np.allclose(
        np.subtract(moved.image.GetOrigin(), scan.image.GetOrigin()), (0.5, 1.0, 2.0)
    )
    # Of a ramp, interpolation halfway is the mean of the neighbours.
    assert np.allclose(moved.array, scan.array[:-1, :-1, :-1] + 5 + 10 - 15)


def test_noise_is_1_hu_and_each_seed_draws_its_own():
    scan = Scan.from_array(np.zeros((20, 40, 40), np.float32))
    scans = [noisy(scan, seed) for seed in (1, 1, 2)]  # their arrays live as long as they do
    first, again, other = (each.array for each in scans)
    assert first.std() == pytest.approx(1.0, rel=0.05)
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    whole = noisy(Scan.from_array(np.zeros((4, 4, 4), np.int16)), 1)
    assert whole.array.dtype == np.int16


def test_the_window_cuts_both_ends_and_nothing_between():
    hu = np.array([-2000, -1000, -50, 40, 399, 1500], np.int16).reshape(1, 2, 3)
    cut = windowed(Scan.from_array(hu))
    assert cut.array.ravel().tolist() == [WINDOW_HU[0], -1000, -50, 40, 399, WINDOW_HU[1]]


@pytest.mark.parametrize("module", [noise, half_voxel, window])
def test_a_map_of_the_block_is_stable(module, subject_of, map_of):
    """The block stays bright in all three, and the gradient lies on it."""
    found = module.TEST.run(module.TEST, subject_of(map_of("input-gradient")), False)
    assert found.status == PASS, found
    assert found.number > found.facts["dice_chance"] * 3


def test_a_map_that_moves_with_noise_fails(subject_of, map_of):
    """What is tested isn't what the method now gives: its strongest places lie elsewhere."""
    made = map_of("input-gradient")
    elsewhere = np.roll(made.values, 30, axis=2)
    made.values[:] = elsewhere
    found = noise.TEST.run(noise.TEST, subject_of(made), False)
    assert found.status == "fail" and found.number < 0.2


def test_an_empty_map_is_not_compared(subject_of, map_of):
    made = map_of("input-gradient")
    made.values[:] = 0
    assert noise.TEST.run(noise.TEST, subject_of(made), False).status == NOT_RUN
