"""The way back to the scan: bit-for-bit where nothing changed, and slabs that meet exactly."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.counterfactual.heatmap import label_change
from CTCounterfactualLib.counterfactual.result import Outcome
from CTCounterfactualLib.counterfactual.write_back import (
    add_to_scan,
    change_on_scan,
    chunk_heatmap,
    combine_heatmaps,
    whole_hu,
)
from CTCounterfactualLib.scans.grid import prepare
from CTCounterfactualLib.scans.read import read_scan
from CTCounterfactualLib.scans.scan import Scan

EDGES = (10.0, 25.0, 50.0, 100.0, 200.0)
HU_PER_UNIT = 2000.0
# Columns: where the index axes I, J, K point in LPS.
OBLIQUE = (0.9397, -0.3420, 0, 0.3420, 0.9397, 0, 0, 0, 1)  # 20 degrees about S
TILTED = (1, 0, 0, 0, 0.8660254, -0.5, 0, 0.5, 0.8660254)  # 30 degrees about L
SAGITTAL = (0, 0, 1, 1, 0, 0, 0, -1, 0)  # J runs down, slices run to the left
CORONAL = (1, 0, 0, 0, 0, 1, 0, -1, 0)
STACKS = {
    # spacing, size (I, J, K), direction
    "axial": ((1.0, 1.2, 1.0), (30, 24, 31), (1, 0, 0, 0, 1, 0, 0, 0, 1)),
    "axial on the grid": ((1.5, 1.5, 3.0), (20, 20, 12), (1, 0, 0, 0, 1, 0, 0, 0, 1)),
    "flipped K": ((1.0, 1.2, 1.0), (30, 24, 31), (1, 0, 0, 0, 1, 0, 0, 0, -1)),
    "thick": ((1.0, 1.0, 5.0), (30, 30, 9), (-1, 0, 0, 0, -1, 0, 0, 0, 1)),
    "turned about S": ((1.0, 1.0, 1.3), (30, 24, 29), OBLIQUE),
    "tilted": ((1.0, 1.0, 1.3), (30, 24, 29), TILTED),
    "sagittal": ((0.9, 0.9, 2.0), (24, 36, 14), SAGITTAL),
    "coronal": ((0.9, 0.9, 2.0), (24, 36, 14), CORONAL),
}


def prepared_stack(name, origin=(3.3, -7.1, 100.1)):
    spacing, size, direction = STACKS[name]
    rng = np.random.default_rng(11)
    hu = rng.integers(-1000, 400, size[::-1]).astype(np.int16)
    return prepare(Scan.from_array(hu, spacing, origin, direction))


def outcome(prepared, start, stop):
    slab = prepared.slab_mm(start, stop)
    return Outcome(start, stop, slab, -1.0, 4.0, 3.5, "target-reached", 0.01, ())


def ranges(slices, chunk):
    return [(start, min(start + chunk, slices)) for start in range(0, slices, chunk)]


def heatmaps_of(prepared, change, chunk):
    return tuple(
        chunk_heatmap(prepared, change[start:stop], outcome(prepared, start, stop), EDGES)
        for start, stop in ranges(prepared.slices, chunk)
    )


def heights(image):
    """S coordinate of every voxel centre of an image: (K, J, I), mm."""
    slope = np.array(image.GetDirection()).reshape(3, 3)[2] * np.array(image.GetSpacing())
    k, j, i = np.indices(image.GetSize()[::-1])
    return image.GetOrigin()[2] + i * slope[0] + j * slope[1] + k * slope[2]


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
    same = add_to_scan(whole_hu(prepared.scan.array), np.zeros(prepared.scan.array.shape, np.int16))
    assert same.dtype == np.int16
    assert np.array_equal(same, prepared.scan.array)


def test_unchanged_voxels_keep_every_bit_beside_changed_ones():
    prepared = with_extremes()
    change = np.zeros(prepared.scan.array.shape, np.int16)
    change[4:8, 2:9, 3:15] = 70
    changed = add_to_scan(whole_hu(prepared.scan.array), change)
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
    scan = whole_hu(prepared.scan.array)
    assert (add_to_scan(scan, np.full((2, 3, 3), change, np.int16)) == expected).all()


def test_no_voxel_moves_further_than_its_change_nor_the_other_way():
    prepared = with_extremes()
    rng = np.random.default_rng(13)
    change = rng.integers(-300, 300, prepared.scan.array.shape).astype(np.int16)
    moved = add_to_scan(whole_hu(prepared.scan.array), change).astype(int) - prepared.scan.array
    assert (np.abs(moved) <= np.abs(change)).all()
    assert (moved * change.astype(int) >= 0).all()


def test_values_of_a_float_scan_are_rounded():
    hu = np.full((2, 3, 3), 39.6, np.float32)
    hu[0, 0, 0] = 40_000.0  # beyond int16
    prepared = prepare(Scan.from_array(hu, (1.5, 1.5, 3.0)))
    same = add_to_scan(whole_hu(prepared.scan.array), np.zeros(hu.shape, np.int16))
    assert same.dtype == np.int16
    assert same[0, 0, 0] == 32_767
    assert same[1, 1, 1] == 40


def test_real_padding_and_metal_survive_a_change_of_the_middle(shared_ct):
    prepared = prepare(read_scan(shared_ct("abdomen_crlm1004.nii.gz")))
    assert prepared.scan.array.min() == -3024
    change = np.zeros(prepared.volume.shape, np.float32)
    depth, height, width = (n // 3 for n in change.shape)
    change[depth:-depth, height:-height, width:-width] = -40 / HU_PER_UNIT
    change_hu = change_on_scan(prepared, change)
    changed = add_to_scan(whole_hu(prepared.scan.array), change_hu)
    same = change_hu == 0
    assert 0.5 < same.mean() < 0.99
    assert np.array_equal(changed[same], prepared.scan.array[same])
    assert (changed == -3024).sum() == (prepared.scan.array == -3024).sum()
    difference = changed - prepared.scan.array
    free = np.abs(prepared.scan.array.astype(int)) < 900  # far from the ends of the range
    assert np.array_equal(difference[free], change_hu[free])


# --- chunk heatmaps


@pytest.mark.parametrize("chunk", [1, 3, 5])
@pytest.mark.parametrize("name", STACKS)
def test_slabs_label_every_voxel_exactly_once(name, chunk):
    prepared = prepared_stack(name)
    change = np.full(prepared.volume.shape, 60 / HU_PER_UNIT, np.float32)
    times = np.zeros(prepared.scan.array.shape, int)
    for heatmap in heatmaps_of(prepared, change, chunk):
        i, j, k = prepared.scan.image.TransformPhysicalPointToIndex(heatmap.image.GetOrigin())
        labels = label_array(heatmap)
        depth, height, width = labels.shape
        times[k : k + depth, j : j + height, i : i + width] += labels > 0
    assert (times == 1).all()


@pytest.mark.parametrize("z", [0.0, 0.1, 1 / 3, -271.3, 1234.567])
@pytest.mark.parametrize("thickness", [1.0, 0.6, 1.5])
def test_voxels_on_the_face_between_two_slabs_count_once(z, thickness):
    # An odd number of scan slices puts voxel centres on the faces of prepared slices.
    hu = np.zeros((31, 6, 6), np.int16)
    prepared = prepare(Scan.from_array(hu, (1.5, 1.5, thickness), (0, 0, z)))
    change = np.full(prepared.volume.shape, 60 / HU_PER_UNIT, np.float32)
    depths = [
        int((label_array(heatmap) > 0).any(axis=(1, 2)).sum())
        for heatmap in heatmaps_of(prepared, change, 1)
    ]
    assert sum(depths) == 31


def label_array(heatmap):
    labels = sitk.GetArrayFromImage(heatmap.image)
    assert labels.dtype == np.uint8
    return labels


@pytest.mark.parametrize("name", STACKS)
def test_labels_lie_within_the_slab_and_the_box_on_the_scans_grid(name):
    prepared = prepared_stack(name)
    change = np.full(prepared.volume.shape, -60 / HU_PER_UNIT, np.float32)
    scan = prepared.scan.image
    for heatmap, (start, stop) in zip(
        heatmaps_of(prepared, change, 4), ranges(prepared.slices, 4), strict=True
    ):
        assert (heatmap.start, heatmap.stop) == (start, stop)
        image = heatmap.image
        assert image.GetSpacing() == scan.GetSpacing()
        assert image.GetDirection() == scan.GetDirection()
        corner = scan.TransformPhysicalPointToContinuousIndex(image.GetOrigin())
        assert corner == pytest.approx(np.rint(corner), abs=1e-6)
        low, high = prepared.slab_mm(start, stop)
        height = heights(image)[label_array(heatmap) > 0]
        assert height.min() >= low - 1e-3 and height.max() <= high + 1e-3


@pytest.mark.parametrize("name", ["axial", "flipped K", "thick", "turned about S"])
def test_box_of_an_axial_stack_is_cut_in_k_only_to_the_slab(name):
    prepared = prepared_stack(name)
    change = np.zeros(prepared.volume.shape, np.float32)
    width, height, _ = prepared.scan.size
    for heatmap, (start, stop) in zip(
        heatmaps_of(prepared, change, 4), ranges(prepared.slices, 4), strict=True
    ):
        assert heatmap.image.GetSize()[:2] == (width, height)
        slab = np.subtract(*prepared.slab_mm(start, stop)[::-1])
        # No more slices than fit, counting one on each face.
        assert heatmap.image.GetSize()[2] <= slab / prepared.scan.spacing[2] + 1


@pytest.mark.parametrize("name", ["sagittal", "coronal"])
def test_box_of_an_upright_stack_is_cut_in_its_rows(name):
    prepared = prepared_stack(name)
    change = np.zeros(prepared.volume.shape, np.float32)
    width, height, depth = prepared.scan.size
    i, j, k = heatmaps_of(prepared, change, 4)[0].image.GetSize()
    assert (i, k) == (width, depth)
    assert j < height / 2


def lively_change(prepared):
    rng = np.random.default_rng(14)
    return rng.normal(0, 60 / HU_PER_UNIT, prepared.volume.shape).astype(np.float32)


def labels_of_sum(prepared, change):
    return label_change(change_on_scan(prepared, change), EDGES)


def test_combined_map_of_a_scan_on_the_grid_is_the_map_of_the_sum():
    prepared = prepared_stack("axial on the grid")
    change = lively_change(prepared)
    combined = combine_heatmaps(prepared, heatmaps_of(prepared, change, 5))
    assert combined.dtype == np.uint8
    assert len(np.unique(combined)) == 11
    assert np.array_equal(combined, labels_of_sum(prepared, change))


@pytest.mark.parametrize("name", ["axial", "flipped K", "turned about S", "tilted", "sagittal"])
def test_combined_map_is_the_map_of_the_sum_away_from_the_faces(name):
    prepared = prepared_stack(name)
    change = lively_change(prepared)
    combined = combine_heatmaps(prepared, heatmaps_of(prepared, change, 5))
    # Within half a slice of a face, each chunk fades out into its unchanged neighbour.
    position = (heights(prepared.scan.image) - prepared.slab_mm(0, 1)[0]) / 3.0  # in slices
    bounds = [stop for _, stop in ranges(prepared.slices, 5)][:-1]
    to_face = np.min([np.abs(position - face) for face in bounds], axis=0)
    away = to_face > 0.5 + 1e-3
    assert 0.5 < away.mean() < 0.95
    assert np.array_equal(combined[away], labels_of_sum(prepared, change)[away])


def test_a_chunk_fades_out_over_half_a_slice_at_its_faces():
    hu = np.zeros((30, 6, 6), np.int16)
    prepared = prepare(Scan.from_array(hu, (1.5, 1.5, 1.0)))  # three scan slices to a prepared one
    change = np.full((2, *prepared.volume.shape[1:]), 60 / HU_PER_UNIT, np.float32)
    heatmap = chunk_heatmap(prepared, change, outcome(prepared, 4, 6), (30.0, 50.0))
    # Slices 12..17: the outer ones are 2/3 inside, 40 HU; the others have the full 60.
    column = label_array(heatmap)[:, 3, 3]
    corner = prepared.scan.image.TransformPhysicalPointToIndex(heatmap.image.GetOrigin())
    assert {corner[2] + n: int(v) for n, v in enumerate(column) if v} == {
        12: 3, 13: 4, 14: 4, 15: 4, 16: 4, 17: 3,
    }  # fmt: skip


def test_unchanged_chunks_make_an_empty_map():
    prepared = prepared_stack("tilted")
    change = np.zeros(prepared.volume.shape, np.float32)
    assert not combine_heatmaps(prepared, heatmaps_of(prepared, change, 4)).any()
