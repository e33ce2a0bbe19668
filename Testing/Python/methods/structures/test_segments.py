"""Label maps and segmentations brought to the prepared grid."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.methods.structures.segments import lungs_of, read_segments
from CTCounterfactualLib.scans.grid import prepare
from toy_body import GRID, LEFT, LUNG_HU, RIGHT, SIZE, body_scan, mask_of


@pytest.fixture(scope="module")
def prepared():
    return prepare(body_scan(), GRID)


def labelled():
    labels = np.zeros(SIZE, np.int16)
    labels[LEFT], labels[RIGHT] = 3, 9
    return labels


def written(tmp_path, labels, name="seg.nrrd", move=(0.0, 0.0, 0.0)):
    image = body_scan().with_array(labels)
    image.SetOrigin(move)
    sitk.WriteImage(image, str(tmp_path / name))
    return tmp_path / name


@pytest.mark.parametrize("name", ["seg.nrrd", "seg.nii.gz", "seg.mha"])
def test_labels_keep_their_places_and_get_names(tmp_path, prepared, name):
    found = read_segments(written(tmp_path, labelled(), name), prepared)
    assert np.array_equal(found.labels, labelled())
    assert found.names == {3: "label 3", 9: "label 9"} and found.overlapping_ml == 0


def test_labels_as_fractions_that_are_whole_are_taken(tmp_path, prepared):
    found = read_segments(written(tmp_path, labelled().astype(np.float32)), prepared)
    assert np.array_equal(found.labels, labelled())


def test_another_geometry_is_resampled_to_the_nearest(tmp_path, prepared):
    """A cut-out of half the spacing, with its axes turned round."""
    labels = labelled()[2:10].repeat(2, 0).repeat(2, 1).repeat(2, 2)[:, ::-1, ::-1]
    image = sitk.GetImageFromArray(np.ascontiguousarray(labels))
    image.SetSpacing((1.5, 1.5, 1.5))
    # Its voxel (0, 0, 0) is the scan's last one in plane; LPS = -(R, A).
    image.SetOrigin((-(47 * 3 + 0.75), -(39 * 3 + 0.75), 2 * 3 - 0.75))
    path = tmp_path / "fine.nrrd"
    sitk.WriteImage(image, str(path))
    assert np.array_equal(read_segments(path, prepared).labels, labelled())


def segmentation(tmp_path, layers, segments):
    """Write a Slicer segmentation: layers (K, J, I, n), and (name, layer, label) of each."""
    image = sitk.GetImageFromArray(layers, isVector=layers.shape[3] > 1)
    if layers.shape[3] == 1:
        image = sitk.GetImageFromArray(layers[..., 0])
    image.CopyInformation(body_scan().image)
    for number, (name, layer, label) in enumerate(segments):
        image.SetMetaData(f"Segment{number}_ID", f"Segment_{number + 1}")
        image.SetMetaData(f"Segment{number}_Name", name)
        image.SetMetaData(f"Segment{number}_Layer", str(layer))
        image.SetMetaData(f"Segment{number}_LabelValue", str(label))
    sitk.WriteImage(image, str(tmp_path / "s.seg.nrrd"))
    return tmp_path / "s.seg.nrrd"


def test_a_slicer_segmentation_brings_its_names(tmp_path, prepared):
    layers = labelled().astype(np.uint8)[..., None]
    path = segmentation(tmp_path, layers, [("left one", 0, 3), ("right one", 0, 9), ("no", 0, 5)])
    found = read_segments(path, prepared)
    assert found.names == {1: "left one", 2: "right one"}
    assert np.array_equal(found.labels == 1, mask_of(LEFT))
    assert np.array_equal(found.labels == 2, mask_of(RIGHT))


def test_overlapping_segments_in_layers_go_to_the_first_and_are_told(tmp_path, prepared):
    layers = np.zeros((*SIZE, 2), np.uint8)
    layers[(*LEFT, 0)] = 1
    layers[(slice(None), slice(None), slice(0, 24), 1)] = 1
    path = segmentation(tmp_path, layers, [("lesion", 0, 1), ("left half", 1, 1)])
    found = read_segments(path, prepared)
    assert np.array_equal(found.labels == 1, mask_of(LEFT))
    assert (found.labels == 2).sum() == SIZE[0] * SIZE[1] * 24 - mask_of(LEFT).sum()
    assert found.overlapping_ml == pytest.approx(mask_of(LEFT).sum() * 27 / 1000, abs=0.01)


def test_a_damaged_segmentation_is_told(tmp_path, prepared):
    layers = np.zeros((*SIZE, 1), np.uint8)
    path = segmentation(tmp_path, layers, [("x", 4, 1)])
    with pytest.raises(ScanError, match=r"puts 'x' into layer 4, of 1"):
        read_segments(path, prepared)
    path = segmentation(tmp_path, layers, [("x", 0, "many")])
    with pytest.raises(ScanError, match=r"header of the segmentation .* is damaged"):
        read_segments(path, prepared)


@pytest.mark.parametrize(
    ("labels", "said"),
    [
        (np.zeros(SIZE, np.uint8), "is empty: no voxel has a label"),
        (np.full(SIZE, -3, np.int16), "no label map: its values go from -3 to -3"),
        (np.full(SIZE, 0.5, np.float32), "no label map: its values go from 0.5"),
        (np.arange(np.prod(SIZE), dtype=np.int32).reshape(SIZE), r"has 23040 different values"),
    ],
)
def test_what_is_no_label_map_is_told_in_one_line(tmp_path, prepared, labels, said):
    with pytest.raises(ScanError, match=said) as told:
        read_segments(written(tmp_path, labels), prepared)
    assert "\n" not in str(told.value)


def test_a_missing_file_and_one_that_lies_elsewhere_are_told(tmp_path, prepared):
    with pytest.raises(ScanError, match=r"no file .* to take structures from"):
        read_segments(tmp_path / "none.nrrd", prepared)
    far = written(tmp_path, labelled(), move=(3000.0, 0.0, 0.0))
    with pytest.raises(ScanError, match=r"None of the structures .*covers \(3000, 0, 0\)"):
        read_segments(far, prepared)


def test_a_scan_s_own_lungs_are_parted_left_and_right():
    prepared = prepare(body_scan(), GRID)
    lungs = (body_scan().array == LUNG_HU) | mask_of(LEFT, RIGHT)
    prepared.__dict__["lungs"] = lungs  # too small to be found; finding is another test's
    found = lungs_of(prepared)
    assert found.names == {1: "left lung", 2: "right lung"}
    assert np.array_equal(found.labels > 0, lungs)
    left, right = (np.argwhere(found.labels == n)[:, 2] for n in (1, 2))
    assert left.max() < right.min()  # I grows to the right
    assert (found.labels[LEFT] == 1).all() and (found.labels[RIGHT] == 2).all()
