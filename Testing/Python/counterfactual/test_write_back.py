"""The way back to the scan: bit-for-bit where nothing changed."""

from __future__ import annotations

import numpy as np
import pytest
from stacks import HU_PER_UNIT, STACKS, heatmaps_of, label_array, lively_change, prepared_stack

from CTCounterfactualLib.counterfactual.added import add_to_scan, as_change, difference
from CTCounterfactualLib.counterfactual.heatmap import label_change
from CTCounterfactualLib.counterfactual.write_back import change_on_scan, write_back
from CTCounterfactualLib.scans import pieces as pieces_module
from CTCounterfactualLib.scans.grid import GridSpec, prepare
from CTCounterfactualLib.scans.hounsfield import IntensityWindow
from CTCounterfactualLib.scans.read import read_scan
from CTCounterfactualLib.scans.scan import Scan


@pytest.mark.parametrize("name", STACKS)
def test_a_uniform_change_reaches_every_voxel_of_the_scan(name):
    prepared = prepared_stack(name)
    change = np.full(prepared.volume.shape, -30 / HU_PER_UNIT, np.float32)
    on_scan = change_on_scan(prepared, change)
    assert on_scan.dtype == np.int16
    assert on_scan.shape == prepared.scan.array.shape
    assert (on_scan == -30).all()


def test_change_is_rounded_to_whole_hu():
    prepared = prepared_stack("axial on the grid")
    change = np.zeros(prepared.volume.shape, np.float32)
    change[0], change[1], change[2] = 0.4 / 2000, 0.6 / 2000, -0.6 / 2000
    assert change_on_scan(prepared, change)[:4, 5, 5].tolist() == [0, 1, -1, 0]


def with_extremes():
    """A scan on the prepared grid itself, with padding of -3024 and metal of 3071 and more."""
    rng = np.random.default_rng(12)
    hu = rng.integers(-1000, 400, (12, 20, 20)).astype(np.int16)
    hu[:, :3], hu[5, 8:10, 8:12] = -3024, (3071, 3072, 12_000, 30_000)
    return prepare(Scan.from_array(hu, (1.5, 1.5, 3.0)))


def test_no_change_keeps_every_bit():
    prepared = with_extremes()
    same = add_to_scan(prepared.scan.array, np.zeros(prepared.scan.array.shape, np.int16))
    assert same.dtype == np.int16
    assert np.array_equal(same, prepared.scan.array)


def test_unchanged_voxels_keep_every_bit_beside_changed_ones():
    prepared = with_extremes()
    change = np.zeros(prepared.scan.array.shape, np.int16)
    change[4:8, 2:9, 3:15] = 70
    changed = add_to_scan(prepared.scan.array, change)
    still = change == 0
    assert np.array_equal(changed[still], prepared.scan.array[still])
    tissue = ~still & (np.abs(prepared.scan.array) < 900)
    assert np.array_equal(changed[tissue], prepared.scan.array[tissue] + 70)


@pytest.mark.parametrize(
    ("hu", "change", "expected"),
    [
        (40, -30, 10),
        (-1000, -100, -1024),  # not below what a scanner stores
        (3000, 200, 3071),  # nor above
        (-3024, 50, -2974),  # padding moves by its change, it doesn't jump to -1024
        (-3024, -50, -3024),  # and not further out
        (-3024, 4000, 976),
        (12_000, -50, 11_950),  # metal likewise
        (12_000, 50, 12_000),
        (3071, 1, 3071),
        (30_000, 4000, 30_000),  # no int16 overflow
    ],
)
def test_a_change_is_clipped_to_what_a_scanner_stores(hu, change, expected):
    prepared = prepare(Scan.from_array(np.full((2, 3, 3), hu, np.int16), (1.5, 1.5, 3.0)))
    scan = prepared.scan.array
    assert (add_to_scan(scan, np.full((2, 3, 3), change, np.int16)) == expected).all()


def test_no_voxel_moves_further_than_its_change_nor_the_other_way():
    prepared = with_extremes()
    rng = np.random.default_rng(13)
    change = rng.integers(-300, 300, prepared.scan.array.shape).astype(np.int16)
    moved = add_to_scan(prepared.scan.array, change).astype(int) - prepared.scan.array
    assert (np.abs(moved) <= np.abs(change)).all()
    assert (moved * change.astype(int) >= 0).all()


TYPES = [np.int16, np.int32, np.uint16, np.int64, np.float32, np.float64]


def scan_of(dtype, fraction=0.0):
    """A scan on the prepared grid itself, with values that whole 16 bit can't hold."""
    hu = np.random.default_rng(21).uniform(-900, 900, (12, 20, 20))
    hu = hu if np.dtype(dtype).kind == "f" else np.rint(np.abs(hu))
    hu = hu.astype(dtype) + np.dtype(dtype).type(fraction)
    if np.iinfo(np.int16).max < 40_000 and np.dtype(dtype).itemsize > 2:
        hu[0, 0, :3] = 40_000  # metal
    return Scan.from_array(hu, (1.5, 1.5, 3.0))


@pytest.mark.parametrize("dtype", TYPES)
def test_the_counterfactual_keeps_the_scans_type_and_every_bit_where_nothing_changed(dtype):
    scan = scan_of(dtype)
    prepared = prepare(scan)
    change = np.zeros(prepared.volume.shape, np.float32)
    change[4:8, 5:9, 5:15] = 33.3 / HU_PER_UNIT
    written = write_back(prepared, change, (), (10.0, 25.0))
    assert written.counterfactual.dtype == scan.array.dtype
    floating = np.dtype(dtype).kind == "f"
    assert written.difference.dtype == (scan.array.dtype if floating else np.int16)
    still = written.difference == 0
    assert 0.9 < still.mean() < 1
    assert np.array_equal(written.counterfactual[still], scan.array[still])
    wide = np.float64 if floating else np.int64
    exact = written.counterfactual.astype(wide) - scan.array.astype(wide)
    if floating:  # as rounded by the type
        exact = exact.astype(dtype)
    assert np.array_equal(written.difference, exact)
    assert (~still).sum() == 4 * 4 * 10
    expected = 33.3 if floating else 33
    assert written.difference[~still] == pytest.approx(expected, abs=1e-2)  # float32 at 900 HU
    assert np.array_equal(written.heatmap, label_change(written.difference, (10.0, 25.0)))


@pytest.mark.parametrize("dtype", TYPES)
def test_a_change_of_nothing_is_the_scan(dtype):
    scan = scan_of(dtype, 0.37 if np.dtype(dtype).kind == "f" else 0)
    prepared = prepare(scan)
    written = write_back(prepared, np.zeros_like(prepared.volume), (), (10.0,))
    assert written.counterfactual.tobytes() == scan.array.tobytes()
    assert not written.difference.any() and not written.heatmap.any()


def test_a_minus_zero_stays_one():
    scan = np.full((2, 2, 2), -0.0, np.float32)
    assert np.signbit(add_to_scan(scan, np.zeros_like(scan))).all()


def test_unsigned_numbers_are_not_wrapped():
    scan = np.array([[[10, 65_535, 4000]]], np.uint16)
    changed = add_to_scan(scan, np.array([[[-50, -70, 200]]], np.int16))
    assert changed.tolist() == [[[0, 65_465, 4000]]]
    assert difference(changed, scan).tolist() == [[[-10, -70, 0]]]


def test_whole_changes_are_rounded_and_kept_within_their_type():
    change = np.array([0.4, 0.6, -0.6, 1e6, -1e6], np.float32)
    assert as_change(change.copy(), np.dtype(np.int32)).tolist() == [0, 1, -1, 32_767, -32_768]
    assert np.array_equal(as_change(change.copy(), np.dtype(np.float32)), change)


def test_a_chunks_heatmap_labels_what_was_added_not_what_was_asked_for():
    """Air at -1024 can't be darkened, and tissue at 3061 takes 10 of 60 HU."""
    hu = np.full((12, 20, 20), 40, np.int16)
    hu[5, 6, 7:9] = -1024, 3061
    prepared = prepare(Scan.from_array(hu, (1.5, 1.5, 3.0)))
    change = np.full(prepared.volume.shape, -60 / HU_PER_UNIT, np.float32)
    (down,) = heatmaps_of(prepared, change, 12)
    assert label_array(down)[5, 6, 6:10].tolist() == [3, 0, 3, 3]
    (up,) = heatmaps_of(prepared, -change, 12)
    assert label_array(up)[5, 6, 6:10].tolist() == [8, 8, 6, 8]


@pytest.mark.parametrize("low, high, step", [(-500.0, 500.0, 100.0), (-1000.0, 3000.0, 400.0)])
def test_a_tenth_of_another_window_is_so_many_hu(low, high, step):
    spec = GridSpec(window=IntensityWindow(low, high))
    prepared = prepare(Scan.from_array(np.zeros((4, 8, 8), np.int16), (1.5, 1.5, 3.0)), spec)
    written = write_back(prepared, np.full_like(prepared.volume, 0.1), (), (10.0,))
    assert (written.difference == step).all()


def test_real_padding_and_metal_survive_a_change_of_the_middle(shared_ct):
    prepared = prepare(read_scan(shared_ct("abdomen_crlm1004.nii.gz")))
    assert prepared.scan.array.min() == -3024
    change = np.zeros(prepared.volume.shape, np.float32)
    depth, height, width = (n // 3 for n in change.shape)
    change[depth:-depth, height:-height, width:-width] = -40 / HU_PER_UNIT
    change_hu = change_on_scan(prepared, change)
    changed = add_to_scan(prepared.scan.array, change_hu)
    same = change_hu == 0
    assert 0.5 < same.mean() < 0.99
    assert np.array_equal(changed[same], prepared.scan.array[same])
    assert (changed == -3024).sum() == (prepared.scan.array == -3024).sum()
    difference = changed - prepared.scan.array
    free = np.abs(prepared.scan.array.astype(int)) < 900  # far from the ends of the range
    assert np.array_equal(difference[free], change_hu[free])


@pytest.mark.parametrize("name", STACKS)
def test_a_few_slices_at_a_time_give_the_same_as_all_at_once(name, monkeypatch):
    prepared = prepared_stack(name)
    change = lively_change(prepared)
    edges = (10.0, 40.0)
    at_once = write_back(prepared, change, (), edges)
    maps = heatmaps_of(prepared, change, 4)
    monkeypatch.setattr(pieces_module, "PIECE_VOXELS", 1000)
    by_slices = write_back(prepared, change, (), edges)
    for part in ("counterfactual", "difference", "heatmap"):
        assert np.array_equal(getattr(at_once, part), getattr(by_slices, part))
    for found, wanted in zip(heatmaps_of(prepared, change, 4), maps, strict=True):
        assert np.array_equal(label_array(found), label_array(wanted))
