"""The prepared grid of upright scans: sizes, faces and values worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.scans.grid import GridSpec, prepare
from CTCounterfactualLib.scans.hounsfield import IntensityWindow
from CTCounterfactualLib.scans.read import read_scan
from CTCounterfactualLib.scans.scan import Scan
from CTCounterfactualLib.scans.smoothing import smooth_for_spacing


def prepared_hu(prepared):
    return prepared.spec.window.to_hu(prepared.volume)


def scan_at_zero(size, hu=100.0):
    return Scan.from_array(np.full(size[::-1], hu, np.float32))


def test_size_and_origin_of_an_upright_scan():
    # 40 x 30 mm in plane and 31 mm high, from -0.5 mm to 39.5, 29.5 and 30.5 mm.
    prepared = prepare(scan_at_zero((40, 30, 31)))
    assert prepared.volume.shape == (11, 20, 27)  # 31 / 3, 30 / 1.5, 40 / 1.5, rounded up
    # Centred on (19.5, 14.5, 15) LPS; I and J grow to Right and Anterior, so they start at the
    # greatest L and P: 19.5 + 13 * 1.5, 14.5 + 9.5 * 1.5, and 15 - 5 * 3 below.
    assert prepared.origin == pytest.approx((39.0, 28.75, 0.0))
    assert prepared.slices == 11


def test_slabs_have_known_faces_and_meet_to_the_last_bit():
    hu = np.zeros((30, 8, 8), np.int16)
    prepared = prepare(Scan.from_array(hu, origin=(0, 0, 100.1)))  # from 99.6 to 129.6 mm
    assert prepared.slices == 10
    assert prepared.slab_mm(0, 10) == pytest.approx((99.6, 129.6))
    assert prepared.slab_mm(2, 5) == pytest.approx((105.6, 114.6))
    for face in range(1, 10):
        assert prepared.slab_mm(0, face)[1] == prepared.slab_mm(face, 10)[0]


def test_heights_belong_to_the_slice_around_them():
    prepared = prepare(scan_at_zero((8, 8, 30)))  # slices of 3 mm from -0.5 mm on
    heights = np.array([-0.4, 1.0, 2.4, 2.5, 2.6, 29.4, -9.0, 99.0])
    # A face counts to the slice above; beyond the ends the outermost slice is nearest.
    assert prepared.slice_at(heights).tolist() == [0, 0, 0, 1, 1, 9, 0, 9]
    assert prepared.slice_at(np.array(2.5 - 1e-9)) == 1  # rounding error doesn't change that


def test_identity_grid_is_a_plain_copy_both_ways():
    rng = np.random.default_rng(1)
    hu = rng.integers(-1000, 1000, (7, 20, 24)).astype(np.int16)
    scan = Scan.from_array(hu, (1.5, 1.5, 3.0))
    prepared = prepare(scan)
    # (K, J, I): J and I run the other way round on the prepared grid.
    assert np.abs(prepared_hu(prepared) - hu[:, ::-1, ::-1]).max() < 1e-3
    assert np.array_equal(prepared.to_scan_grid(hu[:, ::-1, ::-1]), hu.astype(np.float32))


def test_antialiasing_averages_noise_but_keeps_the_mean():
    rng = np.random.default_rng(3)
    noise = rng.normal(0, 100, (60, 64, 64)).astype(np.float32)
    scan = Scan.from_array(noise, (0.5, 0.5, 1.0))
    smooth, plain = (
        prepared_hu(prepare(scan, GridSpec(antialias=on)))[2:-2, 2:-2, 2:-2] for on in (True, False)
    )
    assert smooth.std() < 0.5 * plain.std()
    assert abs(smooth.mean() - noise.mean()) < 2


def test_window_maps_known_hu_and_clips():
    hu = np.repeat(np.array([-3024, -1000, 0, 500, 1000, 3071], np.int16), 4)
    scan = Scan.from_array(np.tile(hu[:, None, None], (1, 8, 8)), (1.5, 1.5, 3.0))
    values = prepare(scan).volume[1::4, 4, 4]
    assert values == pytest.approx([0, 0, 0.5, 0.75, 1, 1], abs=1e-6)
    narrow = GridSpec(window=IntensityWindow(-160.0, 240.0))
    assert prepare(scan, narrow).volume[1::4, 4, 4] == pytest.approx([0, 0, 0.4, 1, 1, 1], abs=1e-6)


@pytest.mark.parametrize("antialias", [True, False])
def test_padding_and_metal_do_not_bleed(antialias):
    rng = np.random.default_rng(4)
    hu = rng.integers(-1000, 1000, (30, 60, 60)).astype(np.int16)
    hu[:, :20], hu[:, 20:30] = -1000, 1000
    extreme = hu.copy()
    extreme[:, :20], extreme[:, 20:30] = -3024, 3071
    spec = GridSpec(antialias=antialias)
    volumes = [prepare(Scan.from_array(v, (0.7, 0.7, 1.0)), spec).volume for v in (hu, extreme)]
    assert np.array_equal(*volumes)


def test_change_outside_the_crop_is_zero_on_the_scan():
    scan = scan_at_zero((60, 60, 12))
    prepared = prepare(scan, GridSpec(crop=(20, 20)))  # the middle 30 x 30 mm
    back = prepared.to_scan_grid(np.ones_like(prepared.volume))
    assert (back[:, 15:45, 15:45] == 1).all()
    assert back.sum() == 12 * 30 * 30


def test_prepared_volume_is_float32_within_0_and_1(shared_ct):
    prepared = prepare(read_scan(shared_ct("chest_lidc0002_slab.nii.gz")))
    assert prepared.volume.dtype == np.float32
    assert prepared.inside.dtype == bool
    assert 0 <= prepared.volume.min() < 0.01 and prepared.volume.max() <= 1
    # 512 x 0.68 mm = 346 mm in plane, 12 x 1.25 mm = 15 mm high.
    assert prepared.slices == 5
    assert abs(prepared.volume.shape[1] * 1.5 - 512 * prepared.scan.spacing[1]) < 1.5


@pytest.mark.parametrize(("thickness", "works"), [(0.7, False), (0.74, False), (0.8, True)])
def test_a_scan_thinner_than_half_a_slice_is_refused(thickness, works):
    scan = Scan.from_array(np.zeros((2, 20, 20), np.int16), (1.0, 1.0, thickness))
    if works:
        assert prepare(scan).slices == 1
        return
    with pytest.raises(ScanError) as caught:
        prepare(scan)
    assert f"is {2 * thickness:.2f} mm thick from head to foot" in str(caught.value)
    assert "1.50 mm are needed to make one slice of 3 mm" in str(caught.value)


def test_voxel_volume_in_litres():
    assert GridSpec().voxel_litres == pytest.approx(6.75e-6)  # 1.5 x 1.5 x 3 mm


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_smoothing_has_the_width_that_the_two_spacings_ask_for(axis):
    impulse = np.zeros((41, 41, 41), np.float32)
    impulse[20, 20, 20] = 1000
    target = np.ones(3)
    target[axis] = 3.0
    smooth = Scan.from_array(impulse).image
    smooth_for_spacing(smooth, target)
    profile = Scan(smooth).array.sum(axis=tuple(n for n in range(3) if n != 2 - axis))
    offset = np.arange(41) - 20
    # Full widths at half maximum add in squares: (3^2 - 1^2) / (8 ln 2) = 1.443 mm^2. ITK's
    # recursive filter is a few per cent narrower than the Gaussian that it stands for.
    assert (profile * offset**2).sum() / profile.sum() == pytest.approx(1.443, rel=0.08)
    assert (Scan(smooth).array > 1e-3).any(axis=2 - axis).sum() == 1  # the other axes stay sharp
