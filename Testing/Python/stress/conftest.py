"""A small chest, and toy classifiers whose reactions are known."""

import pytest
import torch

from CTCounterfactualLib.models.targets import Target
from CTCounterfactualLib.scans.grid import GridSpec
from CTCounterfactualLib.scans.scan import Scan
from domes import SPACING, two_domes

RAS_IN_LPS = (-1, 0, 0, 0, -1, 0, 0, 0, 1)


class Toy:
    """Counts voxels of a range of HU; `name` says what it is made to see."""

    def __init__(self, name, low_hu, high_hu, target, voxels_a_unit=100.0):
        self.name = name
        self.grid = GridSpec(spacing=SPACING)
        self.targets = (target,)
        self._range = self.grid.window.to_unit(torch.tensor([float(low_hu), float(high_hu)]))
        self._voxels = voxels_a_unit

    def score(self, x, target=None):
        low, high = self._range
        return ((x > low) & (x <= high)).flatten(1).sum(1) / self._voxels


@pytest.fixture(scope="session")
def chest_scan():
    """A chest at 4 mm, with a margin of air for what lies around a patient."""
    import numpy as np

    hu, _ = two_domes()
    hu = np.pad(hu, [(0, 0), (10, 4), (24, 24)], constant_values=-1000)
    return Scan.from_array(hu, SPACING, direction=RAS_IN_LPS, name="domes")


@pytest.fixture(scope="session")
def metal_seer():
    """It takes anything bright for an effusion."""
    return Toy("metal-seer", 250, 5000, Target("effusion", "logit", threshold=0.05), 20.0)


@pytest.fixture(scope="session")
def air_seer():
    """Aerated lung in litres: a planted effusion takes some away, metal on the skin doesn't."""
    return Toy("air-seer", -950, -600, Target("aerated lung", "L"), 1e6 / 64)
