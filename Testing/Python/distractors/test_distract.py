"""Every distractor: seeded, the scan itself untouched, nothing changed beside what it covers."""

import numpy as np
import pytest

from CTCounterfactualLib.distractors import DISTRACTORS, Patient, distract
from CTCounterfactualLib.errors import ScanError, SettingsError


@pytest.mark.parametrize("kind", DISTRACTORS)
def test_seeded_and_confined(cylinder, kind):
    before = cylinder.hu.copy()
    made = distract(kind, cylinder, np.random.default_rng(3))
    again = distract(kind, cylinder, np.random.default_rng(3))
    other = distract(kind, cylinder, np.random.default_rng(4))
    assert np.array_equal(cylinder.hu, before)
    assert np.array_equal(made.hu, again.hu)
    assert not np.array_equal(made.hu, other.hu)
    assert made.hu.dtype == np.float32
    assert made.hu.max() < 3071.5
    assert made.place
    if made.cover is not None:
        assert np.array_equal(made.hu[made.cover == 0], before[made.cover == 0])
        assert made.ml > 0
        assert made.cover.max() <= 1 + 1e-6


@pytest.mark.parametrize("kind", ["electrode", "table", "arms"])
def test_what_lies_outside_leaves_the_body_alone(cylinder, kind):
    made = distract(kind, cylinder, np.random.default_rng(5))
    assert np.array_equal(made.hu[cylinder.body], cylinder.hu[cylinder.body])


def test_a_misspelt_one_is_refused(cylinder):
    with pytest.raises(SettingsError, match=r"no distractor 'electrod'.*electrode"):
        distract("electrod", cylinder, np.random.default_rng(0))


def test_no_patient_no_place():
    with pytest.raises(ScanError, match="No patient is found in the phantom"):
        Patient(np.full((4, 20, 20), -1000.0), (2.0, 2.0, 3.0), name="the phantom")


def test_without_lungs_there_is_no_chest_tube(cylinder):
    patient = Patient(cylinder.hu, cylinder.spacing)
    with pytest.raises(ScanError, match="No lungs"):
        distract("chest-tube", patient, np.random.default_rng(0))
    assert distract("marker", patient, np.random.default_rng(0)).ml > 0


def test_a_field_of_view_cut_to_the_skin_has_no_room(cylinder):
    cut = (slice(None), slice(15, 95), slice(35, 115))  # the body and no air
    patient = Patient(cylinder.hu[cut], cylinder.spacing, name="the cut-out")
    with pytest.raises(ScanError, match=r"No room in the cut-out for arms.*ends . and . mm"):
        distract("arms", patient, np.random.default_rng(0))
    with pytest.raises(ScanError, match="No room in the cut-out for a table top"):
        distract("table", patient, np.random.default_rng(0))
