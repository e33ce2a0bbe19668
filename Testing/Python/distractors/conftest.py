"""A patient of known shape: an upright cylinder of tissue with two lungs, and air around it."""

import numpy as np
import pytest

from CTCounterfactualLib.distractors import Patient

SPACING = (2.0, 2.0, 3.0)
MIDDLE_MM, RADIUS_MM = (110.0, 150.0), 80.0
AIR, LUNG, TISSUE = -1000.0, -850.0, 40.0


@pytest.fixture(scope="session")
def cylinder():
    """Return a patient: a cylinder of 80 mm radius, 120 mm high, (K, J, I) = (40, 120, 150)."""
    _, j, i = np.mgrid[:40, :120, :150] * np.array(SPACING[::-1])[:, None, None, None]
    hu = np.where((j - MIDDLE_MM[0]) ** 2 + (i - MIDDLE_MM[1]) ** 2 < RADIUS_MM**2, TISSUE, AIR)
    lungs = np.zeros(hu.shape, bool)
    for middle in (115.0, 185.0):
        lungs |= ((j - 110) / 45) ** 2 + ((i - middle) / 25) ** 2 < 1
    lungs[:4], lungs[-4:] = False, False
    hu[lungs] = LUNG
    return Patient(hu.astype(np.float32), SPACING, lungs, "the cylinder")
