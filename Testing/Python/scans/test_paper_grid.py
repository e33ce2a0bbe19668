"""The prepared grid against the paper's own MONAI chain: where its voxels lie, and what they hold.

The chain turns slices: (D, H, W) with H to Posterior and W to Left. The fixture holds the affine of
(H, W, D) in RAS mm and every so many voxels, from generated scans and, as 4 x 4 x 4 numbers each,
from shared ones.
"""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.scans.grid import GridSpec, prepare
from CTCounterfactualLib.scans.hounsfield import IntensityWindow
from CTCounterfactualLib.scans.monai_layout import along_patient_axes
from CTCounterfactualLib.scans.scan import Scan
from parity import fixture
from published_problems import (
    GRID_CASES,
    GRID_KEPT,
    GRID_ORIGIN,
    REAL_SCANS,
    four_along_each,
    grid_scan,
)

# Of 0..1: MONAI interpolates float64 numbers, ITK float32 ones.
TOLERANCE = 1e-6
# At a point found through the affine: NIfTI stores directions and spacings in float32, which moves
# it by some 1e-5 mm.
AT_A_POINT = 2e-5
# mm: the same float32 geometry, a metre from the origin.
PLACE = 2e-3
WINDOW = IntensityWindow()
OBLIQUE = ("oblique", "head_phantom_oblique.nii.gz", "chest_cip64_rot20.nrrd")
EVERY = (*GRID_CASES, *REAL_SCANS)
ALIGNED = tuple(name for name in EVERY if name not in OBLIQUE)


def paper_spec(resolution: int) -> GridSpec:
    return GridSpec(crop=(resolution, resolution), antialias=False, monai_layout=True)


@pytest.fixture
def case(request, shared_ct):
    """(scan, resolution in plane, index of the kept voxels, what the chain gave)."""
    name = request.param
    arrays, short = fixture("paper_grid"), name.split(".")[0]
    found = {key.split()[1]: v for key, v in arrays.items() if key.rsplit(" ", 1)[0] == short}
    if name in GRID_CASES:
        _, spacing, direction, resolution = GRID_CASES[name]
        scan = Scan.from_array(grid_scan(name), spacing, GRID_ORIGIN, tuple(direction.ravel()))
        return scan, resolution, GRID_KEPT, found
    scan = Scan(sitk.ReadImage(str(shared_ct(name))))
    return scan, REAL_SCANS[name], four_along_each(tuple(found["shape"])), found


@pytest.mark.parametrize("case", ALIGNED, indirect=True)
def test_a_scan_along_the_patients_axes_is_prepared_as_by_monai(case):
    scan, resolution, kept, paper = case
    assert along_patient_axes(scan.image)
    prepared = prepare(scan, paper_spec(resolution))
    assert prepared.volume.shape == tuple(paper["shape"])
    turned = prepared.volume[:, ::-1, ::-1]
    assert np.abs(turned[kept] - paper["values"]).max() < TOLERANCE
    assert turned.mean(dtype=np.float64) == pytest.approx(float(paper["mean"]), abs=TOLERANCE)
    last = resolution - 1  # our voxel (0, 0, 0) is the paper's (H, W, D) = (last, last, 0)
    corner = (paper["affine"] @ [last, last, 0, 1])[:3] * [-1, -1, 1]  # RAS -> LPS
    assert prepared.origin == pytest.approx(corner, abs=PLACE)


@pytest.mark.parametrize("case", EVERY, indirect=True)
def test_at_the_same_points_of_any_scan_monai_holds_the_same_numbers(case):
    """Also of an oblique scan: what differs is where the voxels lie, not what they are."""
    scan, _, kept, paper = case
    depth, height, width = (np.arange(n) for n in paper["shape"])
    d, h, w = (values[kept] for values in np.meshgrid(depth, height, width, indexing="ij"))
    ras = np.stack([h, w, d, np.ones_like(d)], axis=-1) @ paper["affine"].T
    index = ras @ np.linalg.inv(scan.ijk_to_ras()).T
    last = np.array(scan.size) - 1
    within = ((index[..., :3] >= 0.01) & (index[..., :3] <= last - 0.01)).all(-1)
    assert within.sum() >= 16  # the smallest scan is mostly padding
    image = sitk.Cast(scan.image, sitk.sitkFloat32)
    for point, value in zip(ras[within][:, :3], paper["values"][within], strict=True):
        lps = (point * [-1, -1, 1]).tolist()
        hu = image.EvaluateAtPhysicalPoint(lps, sitk.sitkLinear)
        assert float(WINDOW.to_unit(np.float64(hu))) == pytest.approx(value, abs=AT_A_POINT)


@pytest.mark.parametrize("case", OBLIQUE, indirect=True)
def test_an_oblique_scan_is_turned_to_the_patients_axes(case):
    scan, resolution, _, paper = case
    assert not along_patient_axes(scan.image)
    monai_axes = paper["affine"][:3, :3] / np.linalg.norm(paper["affine"][:3, :3], axis=0)
    ours_to_paper = np.array([[0.0, -1, 0], [-1, 0, 0], [0, 0, 1]])  # (H, W, D) in RAS if aligned
    cosines = np.sum(monai_axes * ours_to_paper, axis=0)
    degrees = np.degrees(np.arccos(np.clip(cosines, -1, 1))).max()
    assert 18 < degrees < 28  # how far the paper's network sees it turned, and ours doesn't
    prepared = prepare(scan, paper_spec(resolution))
    covering = prepare(scan, GridSpec(crop=(resolution, resolution), antialias=False))
    assert prepared.origin == covering.origin
    assert np.array_equal(prepared.inside, covering.inside)


def test_voxels_are_up_to_half_a_voxel_off_the_covering_grid():
    """By hand: 5 voxels of 4 mm along each axis, centres 0..16, faces -2..18, spacing 3 mm."""
    scan = Scan.from_array(np.zeros((5, 5, 5), np.float32), (4.0, 4.0, 4.0))
    monai = prepare(scan, GridSpec((3.0, 3.0, 3.0), antialias=False, monai_layout=True))
    cover = prepare(scan, GridSpec((3.0, 3.0, 3.0), antialias=False))
    assert monai.volume.shape == (6, 6, 6)  # round(16 / 3 + 1)
    assert monai.origin == (16.0, 16.0, 0.0)  # LPS of the most left... and lowest voxel's centre
    assert cover.volume.shape == (7, 7, 7)  # ceil(20 / 3)
    assert cover.origin == pytest.approx((17.0, 17.0, -1.0))  # centred on 8: 8 +- 3 * 3


@pytest.mark.parametrize(
    ("present", "wanted", "first"),
    [
        (7, 4, 1),
        (8, 4, 2),
        (8, 3, 3),
        (7, 3, 2),
        (4, 7, -1),
        (3, 7, -2),
        (5, 5, 0),
    ],
)
def test_pad_and_crop_round_as_monai_does(present, wanted, first):
    ramp = np.arange(present, dtype=np.float32)
    hu = np.broadcast_to(ramp, (3, 3, present)).copy()
    scan = Scan.from_array(hu, (1.5, 1.5, 3.0), direction=(-1, 0, 0, 0, -1, 0, 0, 0, 1))
    prepared = prepare(scan, GridSpec(crop=(wanted, 3), antialias=False, monai_layout=True))
    expected = np.arange(first, first + wanted)
    there = (expected >= 0) & (expected < present)
    assert prepared.inside[0, 0].tolist() == there.tolist()
    found = WINDOW.to_hu(prepared.volume[1, 1])
    np.testing.assert_allclose(found, np.where(there, expected, -1000), atol=1e-3)
    assert prepared.origin[0] == pytest.approx(-1.5 * first)


def test_clipping_follows_interpolation():
    """Between bone of 3000 HU and air, half way: 1000 HU by MONAI, 0 HU if clipped before."""
    hu = np.broadcast_to(np.array([-1000, 3000], np.float32), (2, 2, 2)).copy()
    scan = Scan.from_array(hu, (3.0, 3.0, 3.0), direction=(-1, 0, 0, 0, -1, 0, 0, 0, 1))
    row = prepare(scan, GridSpec(antialias=False, monai_layout=True)).volume[0, 0]
    assert row.tolist() == [0.0, 1.0, 1.0]  # centres at 0, 1.5 and 3 mm


def test_a_change_comes_back_to_every_voxel_of_the_scan():
    scan = Scan.from_array(grid_scan("flipped"), (0.9, 1.1, 2.5), GRID_ORIGIN)
    prepared = prepare(scan, GridSpec(antialias=False, monai_layout=True))
    back = prepared.to_scan_grid(np.ones(prepared.volume.shape, np.float32))
    assert (back == 1).all()
