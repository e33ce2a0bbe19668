"""Heatmaps of chunks: slabs that meet exactly, and boxes that lie where they say."""

from __future__ import annotations

import numpy as np
import pytest
from stacks import (
    EDGES,
    HU_PER_UNIT,
    STACKS,
    heatmaps_of,
    heights,
    label_array,
    lively_change,
    outcome,
    prepared_stack,
    ranges,
)

from CTCounterfactualLib.counterfactual.heatmap import label_change
from CTCounterfactualLib.counterfactual.write_back import (
    change_on_scan,
    chunk_heatmap,
    combine_heatmaps,
)
from CTCounterfactualLib.scans.grid import prepare
from CTCounterfactualLib.scans.scan import Scan


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


def labels_of_sum(prepared, change):
    """Labels of what can be added of a change: no voxel leaves what a scanner stores."""
    scan = prepared.scan.array.astype(int)
    added = np.clip(scan + change_on_scan(prepared, change), -1024, 3071) - scan
    return label_change(added, EDGES)


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


@pytest.mark.parametrize("name", STACKS)
def test_a_chunks_map_is_that_of_a_volume_in_which_only_the_chunk_changes(name):
    prepared = prepared_stack(name)
    change = lively_change(prepared)
    for start, stop in ranges(prepared.slices, 4):
        alone = np.zeros_like(change)
        alone[start:stop] = change[start:stop]
        wanted = labels_of_sum(prepared, alone)
        heatmap = chunk_heatmap(prepared, change[start:stop], outcome(prepared, start, stop), EDGES)
        found = combine_heatmaps(prepared, (heatmap,))
        slice_number = prepared.slice_at(heights(prepared.scan.image))
        inside = (slice_number >= start) & (slice_number < stop)
        assert np.array_equal(found, np.where(inside, wanted, 0))


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
