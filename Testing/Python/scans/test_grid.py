"""The prepared grid: known answers for any direction, spacing and field of view, and the way back.

World coordinates in these tests are LPS mm, as ITK has them, unless called RAS.
"""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.scans.grid import RAS_DIRECTION_IN_LPS, GridSpec, prepare
from CTCounterfactualLib.scans.read import read_scan
from CTCounterfactualLib.scans.scan import Scan

RAMP = np.array([2.0, -3.0, 1.5])  # HU per mm along L, P, S


def rotation(degrees, axis):
    """A direction matrix: right-handed turn about one LPS axis."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    a, b = [n for n in range(3) if n != axis]
    matrix = np.eye(3)
    matrix[[a, a, b, b], [a, b, a, b]] = c, -s, s, c
    return matrix


DIRECTIONS = {
    "identity": np.eye(3),
    "flipped in plane": np.diag([-1.0, -1.0, 1.0]),
    "head first": np.diag([1.0, 1.0, -1.0]),
    # Index axes I, J, K as columns: coronal slices run along P, sagittal ones along L.
    "coronal": np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]),
    "sagittal": np.array([[0, 0, 1.0], [1, 0, 0], [0, -1, 0]]),
    "oblique": rotation(20, 2),
    "gantry": rotation(-18.5, 0),
    "double oblique": rotation(25, 0) @ rotation(-35, 1) @ rotation(10, 2),
}
GRIDS = {
    "isotropic": ((1.5, 1.5, 1.5), (40, 36, 44)),
    "anisotropic": ((0.7, 0.8, 5.0), (80, 70, 14)),
    "coarse": ((4.2, 4.2, 4.0), (16, 18, 15)),
}


def world(image):
    """LPS mm of every voxel centre: (K, J, I, 3)."""
    direction = np.array(image.GetDirection()).reshape(3, 3)
    k, j, i = np.indices(image.GetSize()[::-1])
    index_mm = np.stack([i, j, k], axis=-1) * np.array(image.GetSpacing())
    return index_mm @ direction.T + np.array(image.GetOrigin())


def scan_of(function, direction, spacing, size):
    """A float scan centred on (10, -20, 300) whose HU are `function` of LPS mm (..., 3)."""
    centre_mm = direction @ ((np.array(size) - 1) / 2 * np.array(spacing))
    origin = np.array([10.0, -20.0, 300.0]) - centre_mm
    empty = np.zeros(size[::-1], np.float32)
    scan = Scan.from_array(empty, spacing, tuple(origin), tuple(direction.ravel()))
    return Scan(scan.with_array(function(world(scan.image)).astype(np.float32)))


def ramp(points):
    return (points - [10.0, -20.0, 300.0]) @ RAMP + 40.0


def constant(hu):
    return lambda points: np.full(points.shape[:-1], hu)


def prepared_hu(prepared):
    return prepared.spec.window.to_hu(prepared.volume)


def world_of(prepared):
    return world(prepared.as_image(prepared.volume))


def depth_mm(scan, points):
    """How far inside the scan's outer voxel centres points lie, mm (negative outside)."""
    direction = np.array(scan.image.GetDirection()).reshape(3, 3)
    along = (points - np.array(scan.image.GetOrigin())) @ direction
    last = (np.array(scan.size) - 1) * np.array(scan.spacing)
    return np.minimum(along, last - along).min(axis=-1)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize("direction", DIRECTIONS)
def test_linear_ramp_is_reproduced_at_prepared_voxel_centres(direction, grid):
    scan = scan_of(ramp, DIRECTIONS[direction], *GRIDS[grid])
    prepared = prepare(scan)
    points = world_of(prepared)
    deep = depth_mm(scan, points) > 6  # smoothing reaches over the scan's border
    assert deep.sum() > 500
    assert np.abs(prepared_hu(prepared) - ramp(points))[deep].max() < 0.3


@pytest.mark.parametrize("direction", DIRECTIONS)
def test_without_antialiasing_a_ramp_is_exact_between_voxel_centres(direction):
    scan = scan_of(ramp, DIRECTIONS[direction], *GRIDS["anisotropic"])
    prepared = prepare(scan, GridSpec(antialias=False))
    points = world_of(prepared)
    deep = depth_mm(scan, points) > 0
    assert np.abs(prepared_hu(prepared) - ramp(points))[deep].max() < 0.01


def test_prepared_axes_grow_to_right_anterior_superior():
    scan = scan_of(lambda p: p[..., 0], np.eye(3), (1.5, 1.5, 3), (30, 30, 10))
    steps = np.diff(prepared_hu(prepare(scan)), axis=2)
    assert steps == pytest.approx(-1.5, abs=1e-3)  # I grows to Right: L falls by 1.5 mm a voxel
    assert RAS_DIRECTION_IN_LPS == (-1, 0, 0, 0, -1, 0, 0, 0, 1)


def bumpy(points):
    """Smooth, unsymmetric anatomy of sorts within the window."""
    x, y, z = np.moveaxis(points - [10.0, -20.0, 300.0], -1, 0)
    return 500 * np.sin(x / 9 + 0.3) * np.cos(y / 11) + 200 * np.sin(z / 7 + x / 30)


@pytest.mark.parametrize("grid", GRIDS)
@pytest.mark.parametrize(
    "reordered",
    [
        lambda image: sitk.Flip(image, (True, False, False)),
        lambda image: sitk.Flip(image, (False, True, True)),
        lambda image: sitk.PermuteAxes(image, (2, 0, 1)),
        lambda image: sitk.PermuteAxes(sitk.Flip(image, (True, True, True)), (1, 2, 0)),
    ],
    ids=["flip I", "flip J and K", "permute", "flip and permute"],
)
@pytest.mark.parametrize("direction", ["identity", "coronal", "double oblique"])
def test_order_of_the_scans_axes_does_not_matter(direction, reordered, grid):
    scan = scan_of(bumpy, DIRECTIONS[direction], *GRIDS[grid])
    straight, turned = prepare(scan), prepare(Scan(reordered(scan.image)))
    assert turned.origin == pytest.approx(straight.origin)
    assert np.array_equal(turned.inside, straight.inside)
    assert np.abs(turned.volume - straight.volume).max() < 1e-4


def test_real_oblique_scan_shows_the_same_chest_as_its_upright_twin(shared_ct):
    upright = prepare(read_scan(shared_ct("chest_cip64.nrrd")))
    oblique = read_scan(shared_ct("chest_cip64_rot20.nrrd"))
    prepared = prepare(oblique)
    # Turned by 20 degrees about S: the same number of slices, and each slice's mean stays.
    assert prepared.slices == upright.slices
    means = [p.volume.mean(axis=(1, 2), where=p.inside) for p in (upright, prepared)]
    assert means[0] == pytest.approx(means[1], abs=0.005)


@pytest.mark.parametrize("seed", range(12))
def test_every_scan_voxel_lies_within_the_prepared_grid(seed):
    rng = np.random.default_rng(seed)
    turn = rotation(rng.uniform(-40, 40), 0) @ rotation(rng.uniform(-40, 40), 2)
    direction = turn if seed % 2 else np.eye(3)
    size = tuple(int(n) for n in rng.integers(9, 60, 3))
    spacing = tuple(rng.uniform(0.4, 1.6, 3))
    scan = scan_of(constant(100.0), direction, spacing, size)
    prepared = prepare(scan)
    assert np.array_equal(
        prepared.to_scan_grid(np.ones_like(prepared.volume)), np.ones(size[::-1], np.float32)
    )
    if direction is not turn:  # and an upright grid isn't a whole voxel too large
        assert prepared.inside.all()


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("grid", GRIDS)
def test_a_smooth_change_survives_the_way_back(direction, grid):
    scan = scan_of(constant(0.0), DIRECTIONS[direction], *GRIDS[grid])
    prepared = prepare(scan)

    def blob(points):  # 100 HU, sigma 15 mm
        return 100 * np.exp(-0.5 * np.square((points - [10, -20, 300]) / 15).sum(axis=-1))

    back = prepared.to_scan_grid(blob(world_of(prepared)))
    assert back.dtype == np.float32
    assert back.shape == scan.array.shape
    # Linear interpolation errs by at most h^2/8 |f''| an axis: 100/15^2 (1.5^2 + 1.5^2 + 3^2)/8.
    centre = depth_mm(Scan(prepared.as_image(prepared.volume)), world(scan.image)) >= 0
    assert np.abs(back - blob(world(scan.image)))[centre].max() <= 0.75


def test_without_antialiasing_it_is_plain_linear_interpolation():
    rng = np.random.default_rng(2)
    hu = rng.uniform(-900, 900, (24, 40, 40)).astype(np.float32)
    scan = Scan.from_array(hu, (0.8, 0.9, 1.25), (5.0, 6.0, 7.0))
    prepared = prepare(scan, GridSpec(antialias=False))
    index = (world_of(prepared) - [5.0, 6.0, 7.0]) / [0.8, 0.9, 1.25]  # (K, J, I, 3): I, J, K
    expected = ndimage.map_coordinates(
        hu.astype(float), np.moveaxis(index[..., ::-1], -1, 0), order=1, mode="nearest"
    )
    assert np.abs(prepared_hu(prepared) - expected).max() < 0.05


def test_a_scan_coarser_than_the_grid_is_not_blurred():
    scan = scan_of(bumpy, np.eye(3), (1.5, 1.5, 3.0), (30, 30, 12))
    on, off = (prepare(scan, GridSpec(antialias=value)) for value in (True, False))
    assert np.array_equal(on.volume, off.volume)


@pytest.mark.parametrize("axis_at_3_mm", [0, 1, 2])
def test_smoothing_follows_the_patients_axes_not_the_scans(axis_at_3_mm):
    # Whichever index axis lies along S is sampled every 3 mm, the others every 1.5 mm.
    order = [(2, 0, 1), (0, 2, 1), (0, 1, 2)][axis_at_3_mm]  # physical axis of I, J, K
    scan = scan_of(bumpy, np.eye(3)[:, list(order)], (1.0, 1.0, 1.0), (40, 40, 40))
    upright = scan_of(bumpy, np.eye(3), (1.0, 1.0, 1.0), (40, 40, 40))
    assert np.abs(prepare(scan).volume - prepare(upright).volume).max() < 1e-4


def test_crop_and_pad_keep_the_centre():
    scan = scan_of(bumpy, np.eye(3), (1.5, 1.5, 3.0), (40, 30, 8))
    whole, cut = prepare(scan), prepare(scan, GridSpec(crop=(20, 50)))
    assert whole.volume.shape == (8, 30, 40)
    assert cut.volume.shape == (8, 50, 20)
    # I: 10 of 40 cut on each side; J: 10 of air added on each side of 30.
    assert np.abs(cut.volume[:, 10:40] - whole.volume[:, :, 10:30]).max() < 1e-5
    assert cut.inside[:, 10:40].all()
    assert not cut.inside[:, :10].any() and not cut.inside[:, 40:].any()
    assert (cut.volume[:, :10] == 0).all()  # air


def test_inside_is_the_scans_field_of_view_and_air_surrounds_it():
    direction = rotation(30, 2)
    scan = scan_of(constant(500.0), direction, (1.0, 1.0, 2.0), (60, 60, 30))
    prepared = prepare(scan)
    points = world_of(prepared)
    deep, far = depth_mm(scan, points) > 1.01, depth_mm(scan, points) < -1.01
    assert prepared.inside[deep].all() and not prepared.inside[far].any()
    assert (prepared.volume[far] == 0).all()
    assert prepared.volume[prepared.inside] == pytest.approx(0.75, abs=1e-4)
    litres = prepared.inside.sum() * prepared.spec.voxel_litres
    assert litres == pytest.approx(60 * 60 * 60e-6, rel=0.02)


def test_a_voxel_size_in_another_unit_is_told_before_the_memory_ends():
    metres = Scan.from_array(np.zeros((4, 8, 8), np.int16), (4170.0, 4170.0, 3990.0))
    with pytest.raises(ScanError, match=r"measures 3\.336e\+04 x .* in another unit"):
        prepare(metres)
    microns = Scan.from_array(np.zeros((4, 8, 8), np.int16), (0.004, 0.004, 0.004))
    with pytest.raises(ScanError, match=r"0\.02 mm thick .*0\.004 mm: if that was in another unit"):
        prepare(microns)
