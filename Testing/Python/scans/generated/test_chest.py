"""The generated chest: geometry, anatomy against its own truth masks, and reproducibility."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest
from CTCounterfactualLib.scans.generated.chest_settings import FIELD_CENTRE_MM, FIELD_OF_VIEW_MM
from CTCounterfactualLib.scans.generated.fields import compute_fields
from CTCounterfactualLib.scans.generated.lattice import Block, lattice_axes
from CTCounterfactualLib.scans.generated.noise import slice_noise
from CTCounterfactualLib.scans.generated.patient import draw_patient
from CTCounterfactualLib.scans.generated.shapes import coverage, ellipsoid
from CTCounterfactualLib.scans.generated.trees import grow_tree
from CTCounterfactualLib.scans.generated.tubes import Tubes, draw_tubes

COARSE = (3.0, 3.0, 3.0)


@pytest.fixture(scope="module")
def chest():
    return generate_chest(ChestSettings(seed=3, spacing=COARSE))


@pytest.fixture(scope="module")
def effusion_pair(chest):
    settings = ChestSettings(seed=3, spacing=COARSE, effusion_ml=500.0, effusion_side="right")
    return chest, generate_chest(settings)


def test_default_grid_is_256_by_224_by_100_around_the_field_centre():
    settings = ChestSettings()
    assert settings.voxels() == (256, 224, 100)
    # x: 0 - 255/2 * 1.5; y: -8 - 223/2 * 1.5; z: 136 - 99/2 * 3.
    assert settings.origin() == (-191.25, -175.25, -12.5)


def test_arrays_are_kji_int16_with_masks_on_the_same_grid(chest):
    assert chest.hu.shape == (100, 112, 128)
    assert chest.hu.dtype == np.int16
    assert set(chest.masks) == {
        "body", "lungs", "left_lung", "right_lung", "heart", "trachea", "bone", "vessels",
        "effusion",
    }  # fmt: skip
    assert all(m.shape == chest.hu.shape and m.dtype == bool for m in chest.masks.values())


def test_axes_grow_to_left_posterior_superior(chest):
    def centre(mask):
        return np.array(ndimage.center_of_mass(chest.masks[mask]))  # (k, j, i)

    assert centre("left_lung")[2] > centre("right_lung")[2]
    assert centre("heart")[2] > chest.hu.shape[2] / 2  # the heart leans to the left
    assert centre("trachea")[0] > centre("heart")[0]
    assert centre("bone")[1] > centre("heart")[1]  # most bone is the spine and the back


@pytest.mark.parametrize("seed", [0, 1, 2, 5])
def test_lung_volume_is_an_adults_and_right_lung_is_not_dwarfed(seed):
    chest = generate_chest(ChestSettings(seed=seed, spacing=(4.0, 4.0, 4.0)))
    assert 3000.0 < chest.volume_ml("lungs") < 6200.0
    assert 0.8 < chest.volume_ml("right_lung") / chest.volume_ml("left_lung") < 1.5


def test_same_patient_at_two_spacings(chest):
    fine = generate_chest(ChestSettings(seed=3, spacing=(1.5, 1.5, 3.0)))
    for mask, tolerance in (("lungs", 0.02), ("body", 0.01), ("heart", 0.02), ("bone", 0.12)):
        assert fine.volume_ml(mask) == pytest.approx(chest.volume_ml(mask), rel=tolerance), mask
    # (K, J, I) -> centre of mass in mm agrees within half a coarse voxel.
    for mask in ("left_lung", "heart"):
        mm = [
            np.array(ndimage.center_of_mass(c.masks[mask])[::-1]) * c.spacing + c.origin
            for c in (fine, chest)
        ]
        assert np.abs(mm[0] - mm[1]).max() < 1.5


def test_tissues_have_their_hounsfield_units(chest):
    core = {name: ndimage.binary_erosion(mask, iterations=2) for name, mask in chest.masks.items()}
    lung = np.median(chest.hu[core["lungs"] & ~chest.masks["vessels"]])
    assert -910 < lung < -800
    assert chest.hu[ndimage.binary_erosion(chest.masks["trachea"])].mean() < -940
    assert 25 < np.median(chest.hu[core["heart"]]) < 350
    assert 150 < np.median(chest.hu[chest.masks["bone"]]) < 900
    outside = ~ndimage.binary_dilation(chest.masks["body"], iterations=3)
    above = outside & (np.arange(chest.hu.shape[1]) < 20)[None, :, None]
    assert abs(chest.hu[above].mean() + 1000) < 3


def test_lungs_are_two_and_air_in_the_stomach_is_not_lung(chest):
    assert not (chest.masks["left_lung"] & chest.masks["right_lung"]).any()
    both = chest.masks["left_lung"] | chest.masks["right_lung"]
    assert (both <= chest.masks["lungs"]).all()
    labels, count = ndimage.label(chest.masks["lungs"])
    sizes = np.sort(ndimage.sum_labels(chest.masks["lungs"], labels, np.arange(1, count + 1)))
    assert sizes[-2:].sum() > 0.995 * sizes.sum()


def test_stomach_gas_lies_below_the_lungs_in_some_seed():
    chest = generate_chest(ChestSettings(seed=2, spacing=COARSE))
    airways = ndimage.binary_dilation(chest.masks["trachea"] | chest.masks["lungs"], iterations=3)
    inner = ndimage.binary_erosion(chest.masks["body"], iterations=4)
    gas = (chest.hu < -800) & inner & ~airways
    assert gas.sum() * 0.027 > 20.0  # ml


@pytest.mark.parametrize("seed", range(10, 22, 2))
def test_body_keeps_clear_of_the_side_and_front_of_the_field_of_view(seed):
    body = compute_fields(draw_patient(seed), seed).body  # signed distance on (z, y, x) lattice
    x, y, _ = lattice_axes()
    outside = (np.abs(x) > FIELD_OF_VIEW_MM[0] / 2 - 1.5)[None, None, :]
    in_front = (y < FIELD_CENTRE_MM[1] - FIELD_OF_VIEW_MM[1] / 2 + 1.5)[None, :, None]
    assert (body[np.broadcast_to(outside | in_front, body.shape)] > 0.0).all()
    assert (body < 0.0).any()


def test_effusion_holds_its_volume_and_lies_behind(effusion_pair):
    _, sick = effusion_pair
    assert sick.volume_ml("effusion") == pytest.approx(500.0, rel=0.05)
    assert 0 < np.median(sick.hu[sick.masks["effusion"]]) < 22
    fluid = ndimage.center_of_mass(sick.masks["effusion"])
    lung = ndimage.center_of_mass(sick.masks["right_lung"])
    assert fluid[1] > lung[1] + 15  # posterior of the aerated lung by > 45 mm
    assert not (sick.masks["effusion"] & sick.masks["lungs"]).any()


def test_effusion_changes_nothing_elsewhere(effusion_pair):
    well, sick = effusion_pair
    changed = well.hu != sick.hu
    # 15 mm: partial-volume tips of the costophrenic recess count as neither lung nor fluid.
    near = ndimage.binary_dilation(well.masks["right_lung"], iterations=5)
    assert changed.any()
    assert not (changed & ~near).any()
    assert np.array_equal(well.masks["left_lung"], sick.masks["left_lung"])
    lost = well.volume_ml("right_lung") - sick.volume_ml("right_lung")
    assert lost == pytest.approx(sick.volume_ml("effusion"), rel=0.03)


def test_same_seed_same_voxels_other_seed_other_patient(chest):
    again = generate_chest(ChestSettings(seed=3, spacing=COARSE))
    assert np.array_equal(again.hu, chest.hu)
    other = generate_chest(ChestSettings(seed=4, spacing=COARSE))
    assert abs(other.volume_ml("body") - chest.volume_ml("body")) > 50.0
    assert (other.masks["lungs"] ^ chest.masks["lungs"]).mean() > 0.005


def test_size_crops_about_the_centre():
    part = generate_chest(ChestSettings(seed=3, spacing=COARSE, size=(40, 30, 5), noise_hu=0.0))
    whole = generate_chest(ChestSettings(seed=3, spacing=COARSE, size=(128, 112, 5), noise_hu=0.0))
    assert part.hu.shape == (5, 30, 40)
    assert np.array_equal(part.hu, whole.hu[:, 41:71, 44:84])


def test_contrast_brightens_the_heart_and_only_blood_vessels():
    plain, bright = (
        generate_chest(ChestSettings(seed=5, spacing=(4.0, 4.0, 4.0), contrast=c, noise_hu=0.0))
        for c in (False, True)
    )
    heart = plain.masks["heart"]
    assert np.array_equal(heart, bright.masks["heart"])
    assert bright.hu[heart].mean() > plain.hu[heart].mean() + 40
    assert np.array_equal(plain.hu[~plain.masks["body"]], bright.hu[~plain.masks["body"]])


def test_noise_has_the_asked_standard_deviation():
    quiet, noisy = (
        generate_chest(ChestSettings(seed=1, size=(256, 224, 3), noise_hu=n)) for n in (0.0, 20.0)
    )
    difference = (noisy.hu.astype(float) - quiet.hu)[noisy.masks["body"]]
    assert 14.0 < difference.std() < 28.0
    assert abs(difference.mean()) < 1.0


def test_slice_noise_is_correlated_in_plane_with_unit_variance():
    noise = slice_noise(draw_patient(0), 0, 7, (256, 256), (0.7, 0.7))
    assert noise.std() == pytest.approx(1.0, abs=1e-3)
    assert (noise[:, 1:] * noise[:, :-1]).mean() > 0.2
    other = slice_noise(draw_patient(0), 0, 8, (256, 256), (0.7, 0.7))
    assert abs((noise * other).mean()) < 0.05


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"spacing": (1.0, 0.0, 1.0)}, "spacing must be three voxel sizes"),
        ({"size": (10, 10)}, r"size is .*a list of 3 whole numbers"),
        ({"seed": -1}, r"Setting seed is -1; it must be 0 to \d+"),
        ({"effusion_ml": -5.0}, "effusion_ml must be between 0 and"),
        ({"effusion_side": "both"}, "'left' or 'right'"),
        ({"noise_hu": -1.0}, "noise_hu must be >= 0"),
    ],
)
def test_impossible_settings_are_refused(wrong, message):
    with pytest.raises(SettingsError, match=message):
        ChestSettings(**wrong)


def test_reference_and_patient_coordinates_are_inverse():
    patient = draw_patient(8)
    points = np.random.default_rng(0).uniform([-150, -120, 0], [150, 120, 280], (200, 3))
    found = patient.to_patient(points)
    warp = patient.warp_mm * np.stack([field.at(found) for field in patient.warp], axis=1)
    assert np.allclose((found + warp) / patient.scale, points, atol=0.01)


def test_coverage_is_half_on_the_surface_and_linear_over_the_edge():
    values = coverage(np.array([-2.0, -0.5, 0.0, 0.5, 2.0]), 2.0)
    assert values.tolist() == [1.0, 0.75, 0.5, 0.25, 0.0]


def test_ellipsoid_distance_of_a_sphere_is_exact():
    distance = ellipsoid(np.array([7.0, 3.0]), 0.0, 0.0, (0, 0, 0), (5.0, 5.0, 5.0))
    assert np.allclose(distance, [2.0, -2.0])


def test_thin_tube_keeps_its_cross_section_area():
    axis = np.arange(-10.0, 10.5, 1.0)
    block = Block(axis, axis, np.array([0.0]), edge_mm=1.0)
    for radius in (0.25, 0.5, 3.0):
        tube = Tubes(*np.array([[[0, 0, -9.0]], [[0, 0, 9.0]]]), *np.full((2, 1), radius))
        assert draw_tubes(block, tube).sum() == pytest.approx(np.pi * radius**2, rel=0.35)


def test_tree_reaches_every_target_and_conserves_endings():
    rng = np.random.default_rng(0)
    targets = rng.uniform(0, 50, size=(40, 3))
    tree = grow_tree(np.zeros(3), targets, rng)
    tips = tree.nodes[np.setdiff1d(np.arange(len(tree.nodes)), tree.parent)]
    assert sorted(map(tuple, tips)) == sorted(map(tuple, targets))
    forks = np.flatnonzero(np.bincount(tree.parent[1:]) == 2)
    for fork in forks:
        assert tree.leaves[tree.parent == fork].sum() == tree.leaves[fork]
