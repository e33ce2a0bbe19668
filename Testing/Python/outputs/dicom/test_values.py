"""HU as 16-bit numbers: exact where they can be, else rounded by less than half a fine step."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from CTCounterfactualLib.outputs.dicom.turn import Turn, find_turn
from CTCounterfactualLib.outputs.dicom.values import Rescale, rescale_of
from CTCounterfactualLib.scans.scan import Scan


@pytest.mark.parametrize(
    ("volume", "rescale", "off"),
    [
        (np.array([[[-32768, 32767]]], np.int16), Rescale(), 0.0),
        (np.array([[[-1024.0, 3071.0]]], np.float32), Rescale(), 0.0),  # whole numbers as floats
        (np.array([[[-1024, 60000]]], np.int32), Rescale(1.0, -1024.0, signed=False), 0.0),
        (np.array([[[-1024.5, 1000.25]]], np.float32), Rescale(0.03125, -1024.5, False), 0.0),
        (np.array([[[-1000, 100000]]], np.int32), Rescale(2.0, -1000.0, signed=False), 0.0),
    ],
)
def test_known_rescales(volume, rescale, off):
    assert rescale_of(volume) == rescale
    assert rescale.off(volume) == off


def test_fractions_are_rounded_by_half_a_step_at_most():
    volume = np.random.default_rng(1).uniform(-1024, 3071, (4, 8, 8)).astype(np.float32)
    rescale = rescale_of(volume)
    assert rescale.slope == 0.0625
    assert 0 < rescale.off(volume) <= rescale.slope / 2


def test_a_constant_volume_has_a_rescale():
    assert rescale_of(np.full((2, 2, 2), 0.5, np.float32)).off(np.full((2, 2, 2), 0.5)) == 0.0


def test_every_turn_of_a_grid_is_found_and_moves_the_voxels_to_their_places():
    rng = np.random.default_rng(2)
    scan = Scan.from_array(rng.integers(0, 99, (3, 4, 5)), (1.0, 1.5, 2.0), (5.0, 6.0, 7.0))
    grid = scan.ijk_to_ras()
    for axes in itertools.permutations(range(3)):
        for backwards in itertools.product((False, True), repeat=3):
            turned = Turn(axes, backwards).apply(scan.array)
            to_old = np.eye(4)
            to_old[:3, :3] = 0
            for new, (old, back) in enumerate(zip(axes, backwards, strict=True)):
                to_old[old, new] = -1 if back else 1
                to_old[old, 3] = scan.size[old] - 1 if back else 0
            size = turned.shape[::-1]
            assert find_turn(scan.size, grid, size, grid @ to_old) == Turn(axes, backwards)
            for index in ((0, 0, 0), (1, 2, 1)):
                i, j, k = (to_old @ (*index, 1))[:3].astype(int)
                assert turned[index[2], index[1], index[0]] == scan.array[k, j, i]


def test_another_place_is_no_turn():
    grid = np.eye(4)
    moved = np.eye(4)
    moved[0, 3] = 0.5
    assert find_turn((3, 4, 5), grid, (3, 4, 5), moved) is None
    assert find_turn((3, 4, 5), grid, (3, 4, 6), grid) is None
