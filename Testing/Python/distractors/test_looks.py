"""Known answers: where things lie, how much of them there is, how dense they are."""

import numpy as np
import pytest

from CTCounterfactualLib.distractors import Patient, distract
from CTCounterfactualLib.distractors.acquisition import Kernel, NoiseLevel, Tilt
from CTCounterfactualLib.distractors.arms import Arm
from CTCounterfactualLib.distractors.chest_tube import ChestTube
from CTCounterfactualLib.distractors.clip import Clip
from CTCounterfactualLib.distractors.electrode import Electrode
from CTCounterfactualLib.distractors.layers import between
from CTCounterfactualLib.distractors.marker import Marker
from CTCounterfactualLib.distractors.table import Table

MIDDLE_MM, RADIUS_MM = (110.0, 150.0), 80.0


def rng():
    return np.random.default_rng(0)


def put(patient, kind, look):
    return distract(kind, patient, rng(), look)


def centre(patient, cover):
    """Return the centre of a cover, (K, J, I) mm."""
    places = np.argwhere(cover > 0) * patient.steps
    return np.average(places, axis=0, weights=cover[cover > 0])


@pytest.mark.parametrize("degrees", [0.0, 45.0, 90.0, 200.0])
def test_the_skin_is_where_the_cylinder_ends(cylinder, degrees):
    k, j, i = cylinder.skin(20, degrees)
    offset = np.array([j, i]) - MIDDLE_MM
    assert k == 60.0
    assert np.hypot(*offset) == pytest.approx(RADIUS_MM, abs=3.0)
    angle = np.rad2deg(np.arctan2(offset[1], offset[0])) % 360
    assert angle == pytest.approx(degrees, abs=2.0)


@pytest.mark.parametrize("degrees", [0.0, 30.0, -60.0])
def test_an_electrode_sticks_where_it_is_put_and_has_its_volume(cylinder, degrees):
    at = cylinder.skin(20, degrees)
    look = Electrode(at, 20, degrees, pad_radius_mm=18.0, pad_thick_mm=2.0, lead_mm=0.0)
    made = put(cylinder, "electrode", look)
    assert made.ml == pytest.approx(look.ml, rel=0.2)
    assert np.linalg.norm(centre(cylinder, made.cover) - at) < 5.0
    places = np.argwhere(made.cover > 0.1) * cylinder.steps
    out = np.hypot(places[:, 1] - MIDDLE_MM[0], places[:, 2] - MIDDLE_MM[1])
    assert out.min() >= RADIUS_MM - 3.0  # on the skin, no deeper
    assert out.max() <= RADIUS_MM + look.pad_thick_mm + look.snap_thick_mm + 4.0
    assert made.hu[made.cover > 0.5].max() > 1500  # metal
    assert "on the skin" in made.place


def test_its_lead_goes_up_over_the_skin(cylinder):
    at = cylinder.skin(10, 0.0)
    bare = put(cylinder, "electrode", Electrode(at, 10, 0.0, lead_mm=0.0))
    made = put(cylinder, "electrode", Electrode(at, 10, 0.0, lead_mm=60.0))
    wire = made.cover - bare.cover
    assert wire.sum() * 12e-3 == pytest.approx(np.pi * 0.6**2 * 60 * 1e-3, rel=0.35)
    slices = np.flatnonzero(wire.sum(axis=(1, 2)) > 0.01)
    assert slices.max() * 3.0 == pytest.approx(30 + 60, abs=6.0)


def test_a_chest_tube_is_hollow_and_enters_from_its_side(cylinder):
    course = ((60.0, 110.0, 280.0), (60.0, 110.0, 190.0), (90.0, 110.0, 190.0))
    look = ChestTube("right", course, 5.0, 1.5, 500.0, -1000.0)
    made = put(cylinder, "chest-tube", look)
    length = 90.0 + 30.0
    assert made.ml == pytest.approx(np.pi * 25 * length * 1e-3, rel=0.15)
    lumen = made.hu[20, 55, 100:138]  # along its middle, from lung to air
    assert np.median(lumen) < -800
    assert made.hu[made.cover > 0.3].max() > 200  # a wall thinner than a voxel
    drawn = distract("chest-tube", cylinder, rng())
    outside = drawn.cover * ~cylinder.body
    side = centre(cylinder, outside)[2] - MIDDLE_MM[1]
    assert (side > 0) == (drawn.look.side == "right")
    assert (drawn.cover > 0.5)[cylinder._lungs].any()


def test_a_table_lies_below_and_holds_foam_between_shells(cylinder):
    look = Table(20.0, 150.0, 10.0, 16.0, 2.0, 1e6, 0.0, -950.0)  # flat, from J = 20 to 4 mm
    made = put(cylinder, "table", look)
    column = made.hu[20, :, 75]
    assert column[6] == pytest.approx(-950.0)
    assert column[3] > -600  # the lower shell and the upper one, in the voxels they share
    assert column[9] > -600 or column[10] > -600
    assert np.array_equal(column[12:], cylinder.hu[20, 12:, 75])
    assert made.ml == pytest.approx(16.0 * 300 * 120 * 1e-3, rel=0.02)
    drawn = distract("table", cylinder, rng())
    assert drawn.look.surface_mm <= MIDDLE_MM[0] - RADIUS_MM + 3.0


def test_a_marker_reads_as_pictures_show_it(cylinder):
    made = put(cylinder, "marker", Marker("L", True, False, 2, 1000.0))
    assert np.array_equal(np.unique(made.cover), [0.0, 1.0])
    assert (made.cover == made.cover[:1]).all()  # the same in all slices
    assert (made.hu[made.cover == 1] == 1000.0).all()
    picture = made.cover[0][::-1, ::-1]  # rows from Anterior, columns from the patient's right
    rows, columns = np.nonzero(picture)
    assert rows.max() < 60 and columns.min() > 75  # anterior left is up and to the right
    letter = picture[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert letter.shape == (14, 10)
    assert letter[:, :2].all() and letter[-2:].all()
    assert letter[:12, 2:].sum() == 0


def test_arms_have_skin_muscle_and_bone(cylinder):
    arms = (
        Arm((0.0, 110.0, 265.0), (117.0, 110.0, 265.0), (30.0, 30.0), 6.0, 11.0),
        Arm((0.0, 110.0, 35.0), (117.0, 110.0, 35.0), (30.0, 30.0), 6.0, 11.0),
    )
    made = put(cylinder, "arms", arms)
    assert made.ml == pytest.approx(2 * np.pi * 900 * 120 * 1e-3, rel=0.04)
    row = made.hu[20, 55]
    assert row[132] == pytest.approx(150, abs=60)  # marrow
    assert row[136:138].max() > 700  # cortex
    assert row[142] == pytest.approx(55, abs=40)
    assert row[146] == pytest.approx(-100, abs=40)


def test_a_clip_has_the_volume_of_its_wire(cylinder):
    look = Clip((60.0, 40.0, 150.0), ((60.0, 40.0, 158.0), (66.0, 44.0, 150.0)), 0.6)
    made = put(cylinder, "clip", look)
    assert made.ml == pytest.approx(look.ml, rel=0.5)  # far thinner than a voxel
    assert np.linalg.norm(centre(cylinder, made.cover) - (61.0, 41.0, 152.0)) < 3.0
    drawn = distract("clip", cylinder, rng())
    assert cylinder.body[drawn.cover > 0].all()
    assert not cylinder._lungs[drawn.cover > 0.3].any()


def test_kernels_change_edges_and_leave_flat_places(cylinder):
    soft = put(cylinder, "kernel", Kernel(-1.0, 2.0)).hu
    sharp = put(cylinder, "kernel", Kernel(1.5, 2.0)).hu
    edge = np.s_[20, 55, 140 // 2 - 45 : 140 // 2 - 25]
    steep = [np.abs(np.diff(hu[edge])).max() for hu in (soft, cylinder.hu, sharp)]
    assert steep[0] < steep[1] < steep[2]
    assert soft[20, 20, 75] == pytest.approx(40.0, abs=1e-3)
    assert sharp[20, 20, 75] == pytest.approx(40.0, abs=1e-3)


def test_noise_has_the_strength_that_was_asked_for(cylinder):
    grain = np.random.default_rng(1).normal(0, 10, cylinder.hu.shape)
    noisy = Patient(cylinder.hu + grain.astype(np.float32), cylinder.spacing)
    made = put(noisy, "noise", NoiseLevel(30.0)).hu
    assert (made - noisy.hu).std() == pytest.approx(30.0, rel=0.02)


def test_a_tilt_slides_slices_by_its_tangent(cylinder):
    made = put(cylinder, "tilt", Tilt(20.0)).hu

    def middle(k):
        return float(np.nonzero(made[k] > -100)[0].mean()) * 2.0

    assert middle(38) - middle(1) == pytest.approx(37 * 3.0 * np.tan(np.deg2rad(20.0)), abs=0.5)
    assert (made[0] == -1000).any()


def test_shares_of_voxels_are_lengths():
    assert between(np.array([0.0, 1.0, 2.0]), 0.5, 1.25, 1.0).tolist() == [0.0, 0.75, 0.0]
