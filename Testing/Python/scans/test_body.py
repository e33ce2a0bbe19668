"""Finding the body: on box phantoms, on generated chests, and in views cut out of both."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import ndimage

from CTCounterfactualLib.scans.body import find_body
from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest
from CTCounterfactualLib.scans.grid import prepare
from CTCounterfactualLib.scans.read import read_scan
from CTCounterfactualLib.scans.scan import Scan

SPACING = (1.5, 1.5, 3.0)
SHAPE = (20, 160, 240)  # (K, J, I), K up, J to Anterior, I to Right
ML = float(np.prod(SPACING)) * 1e-3
TISSUE, LUNG, GAS, FOAM, SHELL, PLASTIC = 40, -850, -1000, -900, 100, 60

PARTS = {
    "chest": (np.s_[:, 40:140, 50:190], TISSUE),
    "right lung": (np.s_[4:18, 55:125, 122:180], LUNG),
    "left lung": (np.s_[4:18, 55:125, 60:115], LUNG),
    "mattress": (np.s_[:, 24:40, 20:220], FOAM),
    "table top": (np.s_[:, 20:22, 20:220], SHELL),
    "rail": (np.s_[:, 8:18, 205:215], PLASTIC),  # 15 x 15 mm
    "arm": (np.s_[:, 50:100, 205:230], TISSUE),  # with an air gap of 22 mm to the chest
}
PATIENT = ("chest", "right lung", "left lung", "arm")


def phantom(*without, air=-1000, noise=20.0):
    hu = np.full(SHAPE, float(air), np.float32)
    for name, (box, value) in PARTS.items():
        if name not in without:
            hu[box] = value
    hu += np.random.default_rng(5).normal(0, noise, SHAPE).astype(np.float32)
    return np.maximum(hu, -1000)


def boxes(*names):
    mask = np.zeros(SHAPE, bool)
    for name in names:
        mask[PARTS[name][0]] = True
    return mask


def errors_ml(found, truth):
    """Millilitres missed and added beyond a border of one voxel, of which the skin has half."""
    inner = ndimage.binary_erosion(truth, border_value=1)
    outer = ndimage.binary_dilation(truth)
    return (inner & ~found).sum() * ML, (found & ~outer).sum() * ML


def test_the_body_is_chest_and_arm_with_the_lungs_but_without_mattress_table_and_rail():
    found = find_body(phantom(), SPACING)
    assert found.dtype == bool and found.shape == SHAPE
    assert errors_ml(found, boxes(*PATIENT)) == (0, 0)


@pytest.mark.parametrize("padding", [-2048, -3024])
def test_padding_around_a_round_view_is_outside_and_lung_that_it_cuts_inside(padding):
    j, i = np.ogrid[: SHAPE[1], : SHAPE[2]]
    view = np.broadcast_to((j - 90) ** 2 + (i - 119) ** 2 <= 55**2, SHAPE)
    found = find_body(np.where(view, phantom(), padding), SPACING)
    missed, added = errors_ml(found, boxes(*PATIENT) & view)
    assert missed < 0.002 * view.sum() * ML and added < 1


CUTS = {
    "left": np.s_[:, :, 85:], "right": np.s_[:, :, :150], "front": np.s_[:, :100],
    "back": np.s_[:, 68:], "sides": np.s_[:, :, 85:150],
    # Without the arm: its gap, cut in front and behind, looks like bowel gas that is cut.
    "front and back": np.s_[:, 68:100, :200],
    "slab": np.s_[8:12], "slice": np.s_[10:11], "mattress only": np.s_[:, 30:],
}  # fmt: skip


@pytest.mark.parametrize("cut", CUTS.values(), ids=CUTS.keys())
def test_a_narrow_view_shows_the_same_body(cut):
    found = find_body(np.ascontiguousarray(phantom()[cut]), SPACING)
    missed, added = errors_ml(found, boxes(*PATIENT)[cut])
    assert missed < 1 and added < 1


def test_air_in_front_of_the_patient_is_outside_though_it_meets_cut_lung_in_the_padding():
    # Issue 12: a view so narrow that lung and the air in front touch the same padding.
    j, i = np.ogrid[: SHAPE[1], : SHAPE[2]]
    view = np.broadcast_to((j - 115) ** 2 + (i - 119) ** 2 <= 45**2, SHAPE)
    hu = np.where(view, phantom(air=-985), -1000)
    front = view.copy()
    front[:, :142] = False
    found = find_body(hu, SPACING)
    assert not (found & front).any()
    assert (found & boxes("right lung", "left lung") & view).sum() > 0.99 * (
        boxes("right lung", "left lung") & view
    ).sum()


def test_an_air_gap_that_is_closed_in_one_slice_is_outside_if_it_opens_in_another():
    hu = phantom("right lung", "left lung")
    hu[5:10, 50:54, 190:205] = hu[5:10, 96:100, 190:205] = TISSUE  # hand on hip
    gap = np.s_[5:10, 60:90, 194:201]
    assert not find_body(hu, SPACING)[gap].any()
    assert find_body(hu[5:10], SPACING)[:, 60:90, 194:201].all()  # nothing shows that it opens


def test_gas_inside_is_body_also_where_the_view_cuts_it():
    hu = phantom("right lung", "left lung")
    bowel = np.s_[5:15, 90:130, 90:150]
    hu[bowel] = GAS
    assert find_body(hu, SPACING)[bowel].all()
    assert find_body(np.ascontiguousarray(hu[:, :110]), SPACING)[5:15, 90:110, 90:150].all()


def test_half_dense_skin_is_body():
    hu = phantom("mattress", "table top", noise=0.0)
    hu[:, 140, 50:190] = -480  # a voxel half full of tissue
    assert find_body(hu, SPACING)[:, 140, 52:188].all()


@pytest.mark.parametrize("hu", [-1000.0, -950.0, 0.0])
def test_no_patient_and_nothing_but_patient(hu):
    found = find_body(np.full((5, 30, 40), hu, np.float32), SPACING)
    assert found.all() if hu == 0 else not found.any()


def test_odd_sizes_other_spacings_and_integers_are_taken():
    hu = np.full((7, 61, 83), -1024, np.int16)
    hu[:, 11:51, 13:73] = 40
    found = find_body(hu, (2.1, 2.1, 5.0))
    assert found[:, 11:51, 13:73].all() and found.sum() <= 7 * 44 * 64


@cache
def generated(seed):
    made = generate_chest(ChestSettings(seed=seed, spacing=(2.0, 2.0, 3.0)))
    hu = np.ascontiguousarray(made.hu[:, ::-1, ::-1])  # J to Anterior, I to Right
    return hu, made.masks["body"][:, ::-1, ::-1], made.spacing


@pytest.mark.parametrize("seed", [0, 1])
def test_the_body_of_generated_chests_matches_their_truth(seed):
    hu, truth, spacing = generated(seed)
    found = find_body(hu, spacing)
    assert not (truth & ~found).sum() > 0.001 * truth.sum()
    assert not (found & ~ndimage.binary_dilation(truth, iterations=2)).any()


@pytest.mark.parametrize("cut", [np.s_[:, :, 50:], np.s_[:, 40:], np.s_[:, :, 45:110]])
def test_narrow_views_of_a_generated_chest_show_the_same_body(cut):
    hu, truth, spacing = generated(0)
    found = find_body(np.ascontiguousarray(hu[cut]), spacing)
    assert (found != find_body(hu, spacing)[cut]).sum() < 0.005 * truth[cut].sum()


def test_a_prepared_scan_knows_its_body():
    made = generate_chest(ChestSettings(seed=2, spacing=(3.0, 3.0, 6.0)))
    prepared = prepare(Scan.from_array(made.hu, made.spacing, made.origin))
    assert prepared.body is prepared.body and prepared.body.shape == prepared.volume.shape
    assert (prepared.body & prepared.lungs).sum() == prepared.lungs.sum()


@pytest.mark.parametrize(
    ("name", "litres"),
    [
        ("abdomen_ts.nii.gz", 24.2),
        ("slab_lungfcp0001_small.nii.gz", 7.2),
        ("chest_ibsi1.nii.gz", 5.7),
    ],
)
def test_bodies_of_real_scans(shared_ct, name, litres):
    # Looked at slice by slice: no table, no air; the volume holds what was seen.
    found = prepare(read_scan(shared_ct(name))).body
    assert found.sum() * ML * 1e-3 == pytest.approx(litres, rel=0.02)
