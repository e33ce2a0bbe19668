"""What changes beside the finding: answers known by hand."""

import numpy as np
import pytest

from CTCounterfactualLib.metrics.spill import spill

SPACING = (3.0, 3.0, 3.0)
SHAPE = (1, 1, 20)
BODY = np.zeros(SHAPE, bool)
BODY[..., 2:18] = True
OUTSIDE = np.zeros(SHAPE, bool)
OUTSIDE[..., [0, 19]] = True  # voxels 1 and 18 are skin
FINDING = np.zeros(SHAPE, bool)
FINDING[..., 4:6] = True  # near it: up to voxel 8; far: 9 to 17, nine voxels; and nothing before


def change(**values):
    row = np.zeros(SHAPE, np.float32)
    for name, value in values.items():
        row[..., int(name[2:])] = value
    return row


def test_a_change_of_the_finding_and_its_border_is_no_spill():
    found = spill(change(at5=-800, at8=100), FINDING, BODY, OUTSIDE, SPACING)
    assert found == {"spill_hu": 0.0, "spill_share": 0.0, "outside_body_hu": 0.0}


def test_what_lies_further_off_counts_by_its_size_whatever_its_sign():
    found = spill(change(at5=-300, at9=60, at17=-30), FINDING, BODY, OUTSIDE, SPACING)
    assert found["spill_hu"] == pytest.approx(90 / 9)
    assert found["spill_share"] == pytest.approx(90 / 390)


def test_outside_the_body_the_greatest_counts_beyond_the_skin_and_is_no_spill():
    found = spill(change(at5=-300, at1=-70, at18=999, at19=40), FINDING, BODY, OUTSIDE, SPACING)
    assert found["outside_body_hu"] == 40.0
    assert found["spill_hu"] == 0.0 and found["spill_share"] == 0.0


def test_doing_nothing_spills_nothing_and_has_no_share():
    found = spill(change(), FINDING, BODY, OUTSIDE, SPACING)
    assert found == {"spill_hu": 0.0, "outside_body_hu": 0.0}


def test_a_body_that_is_all_finding_or_all_of_the_image_has_no_elsewhere():
    assert spill(change(at3=5), BODY, BODY, OUTSIDE, SPACING).keys() == {"outside_body_hu"}
    nowhere = np.zeros(SHAPE, bool)
    assert "outside_body_hu" not in spill(change(at3=5), FINDING, ~nowhere, nowhere, SPACING)
