"""Training slices with planted findings: those that show one, seeded, none without lungs."""

from __future__ import annotations

import numpy as np
import pytest

from CTCounterfactualLib.scans.grid import prepare
from CTCounterfactualLib.scans.scan import Scan
from CTCounterfactualLib.training.planted import stack_with_findings

COPIES = 4  # one of each kind
SPACING = (3.0, 3.0, 3.0)


@pytest.fixture(scope="module")
def chest() -> Scan:
    """A block of body with two lungs of 0.8 L, beside air: HU (K, J, I) in LPS order."""
    hu = np.full((32, 50, 70), -1000, np.int16)
    hu[:, 6:-6, 3:-3] = 50
    hu[4:28, 12:38, 8:33] = hu[4:28, 12:38, 37:62] = -850
    return Scan.from_array(hu, SPACING, name="chest")


@pytest.fixture(scope="module")
def stack(chest):
    return stack_with_findings(chest, COPIES, 1)


def test_slices_show_findings_where_the_scan_has_none(chest, stack):
    clean = prepare(chest).volume
    assert stack.name == "chest with planted findings"
    assert stack.slices.dtype == np.float16 and stack.slices.shape[1:] == clean.shape[1:]
    assert 0 <= stack.slices.min() <= stack.slices.max() <= 1
    # Every slice is one of the scan but for a finding (of air, too): most voxels are the same.
    for picture in stack.slices.astype(np.float32):
        change = np.abs(clean - picture).mean(axis=(1, 2)).argmin()
        difference = np.abs(clean[change] - picture) * 2000  # HU
        assert difference.max() > 20
        assert np.mean(difference > 20) < 0.45  # both lungs are 0.37
    assert len(stack.slices) < COPIES * len(clean)  # those without one are left out


def test_seeds_draw(chest, stack):
    again = stack_with_findings(chest, COPIES, 1)
    np.testing.assert_array_equal(again.slices, stack.slices)
    other = stack_with_findings(chest, COPIES, 2)
    assert other.slices.shape != stack.slices.shape or (other.slices != stack.slices).any()


def test_no_lung_no_stack():
    block = np.full((10, 60, 60), -1000.0)
    block[:, 5:-5, 5:-5] = 40.0
    assert stack_with_findings(Scan.from_array(block, (3.0, 3.0, 3.0)), COPIES, 1) is None
