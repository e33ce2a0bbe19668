"""Fixtures: a block of body with two block lungs, where volumes and depths are known by hand."""

import numpy as np
import pytest

from CTCounterfactualLib.planting.pleura import find_spaces
from CTCounterfactualLib.training.effusion.examples import REAL, Source

SPACING = (1.5, 1.5, 3.0)
TISSUE, LUNG, AIR = 50.0, -850.0, -1000.0
LEFT = np.s_[4:24, 20:60, 10:50]  # (20, 40, 40) voxels = 60 x 60 x 60 mm = 216 mL
RIGHT = np.s_[4:24, 20:60, 70:110]


@pytest.fixture
def hu():
    """Return HU (K, J, I): tissue with two lungs, air in front of it and behind it."""
    block = np.full((28, 80, 120), AIR, np.float32)
    block[:, 10:-10, 4:-4] = TISSUE
    block[LEFT] = block[RIGHT] = LUNG
    return block


@pytest.fixture
def lungs(hu):
    return hu == LUNG


@pytest.fixture
def source(hu, lungs):
    return Source("block", REAL, hu, find_spaces(lungs, SPACING), SPACING)
