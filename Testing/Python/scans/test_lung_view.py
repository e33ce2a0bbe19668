"""What a view shows of the lungs: areas on its edges and litres a side, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from CTCounterfactualLib.scans.lung_view import cut_areas, side_litres

SPACING = (2.0, 1.0, 5.0)  # I, J, K mm
SHAPE = (10, 20, 30)
EDGES = {
    # 4 x 6 voxels on the face: their two sides in mm, in cm2
    "left": (np.s_[2:6, 4:10, :5], 24 * 1.0 * 5.0), "right": (np.s_[2:6, 4:10, 25:], 24 * 5.0),
    "back": (np.s_[2:6, :5, 4:10], 24 * 2.0 * 5.0), "front": (np.s_[2:6, 15:, 4:10], 24 * 10.0),
    "bottom": (np.s_[:5, 4:8, 4:10], 24 * 2.0), "top": (np.s_[5:, 4:8, 4:10], 24 * 2.0),
}  # fmt: skip


@pytest.mark.parametrize("side", EDGES)
def test_lung_on_one_edge_is_measured_there_and_nowhere_else(side):
    lungs, body = np.zeros(SHAPE, bool), np.ones(SHAPE, bool)
    box, mm2 = EDGES[side]
    lungs[box] = True
    areas = cut_areas(lungs, body, SPACING)
    assert areas.pop(side) == pytest.approx(mm2 / 100)
    assert set(areas.values()) == {0.0}


@pytest.mark.parametrize("side", ["left", "right", "back", "front"])
def test_lung_next_to_the_padding_of_a_round_view_is_cut_there(side):
    lungs, body = np.zeros(SHAPE, bool), np.ones(SHAPE, bool)
    lungs[2:6, 8:12, 10:20] = True
    padding = {
        "left": np.s_[:, :, :10], "right": np.s_[:, :, 20:], "back": np.s_[:, :8],
        "front": np.s_[:, 12:],
    }[side]  # fmt: skip
    body[padding] = False
    areas = cut_areas(lungs, body, SPACING)
    across = 4 * 1.0 if side in ("left", "right") else 10 * 2.0
    assert areas.pop(side) == pytest.approx(4 * 5.0 * across / 100)
    assert set(areas.values()) == {0.0}


def test_lung_inside_the_body_is_not_cut():
    lungs, body = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    lungs[2:6, 5:10, 5:10] = body[1:8, 2:16, 2:26] = True
    body[2:6, 5:10, 5:10] = True
    assert set(cut_areas(lungs, body, SPACING).values()) == {0.0}


def test_litres_are_told_apart_at_the_middle_of_the_body_not_of_the_view():
    lungs, body = np.zeros(SHAPE, bool), np.zeros(SHAPE, bool)
    body[:, :, 10:30] = True  # middle at 20
    lungs[:5, :10, 12:18] = True
    lungs[:5, :10, 22:25] = True
    left, right = side_litres(lungs, body, SPACING)
    assert left == pytest.approx(300 * 10e-6) and right == pytest.approx(150 * 10e-6)
