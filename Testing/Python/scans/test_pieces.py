"""Parts of a volume: they cover it, and what is done part by part is what is done at once."""

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.scans import pieces as pieces_module
from CTCounterfactualLib.scans.pieces import image_pieces, pieces
from CTCounterfactualLib.scans.scan import Scan
from CTCounterfactualLib.scans.smoothing import smooth_for_spacing


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("voxels", [1, 60, 10**6])
def test_pieces_cover_an_axis_once(axis, voxels, monkeypatch):
    monkeypatch.setattr(pieces_module, "PIECE_VOXELS", voxels)
    shape = (7, 5, 6)
    parts = list(pieces(shape, axis))
    covered = np.concatenate([np.arange(shape[axis])[part] for part in parts])
    assert covered.tolist() == list(range(shape[axis]))
    plane = 7 * 5 * 6 // shape[axis]
    assert all((part.stop - part.start) * plane <= max(voxels, plane) for part in parts)


def test_an_empty_volume_has_no_pieces():
    assert list(pieces((0, 5, 6))) == []


def test_image_pieces_cut_along_the_axis_that_is_asked_for(monkeypatch):
    monkeypatch.setattr(pieces_module, "PIECE_VOXELS", 2 * 7 * 6)
    everything = slice(None)
    assert list(image_pieces(sitk.Image(7, 5, 6, sitk.sitkInt16), axis=1)) == [
        (everything, slice(0, 2), everything),
        (everything, slice(2, 4), everything),
        (everything, slice(4, 5), everything),
    ]


def test_smoothing_by_parts_is_itks_smoothing_of_the_whole_to_the_bit(monkeypatch):
    rng = np.random.default_rng(3)
    scan = Scan.from_array(rng.normal(0, 300, (24, 22, 20)).astype(np.float32), (0.8, 0.7, 1.0))
    whole = scan.image
    target = np.array([1.5, 1.5, 3.0])
    for axis in range(3):
        sigma = np.sqrt(target[axis] ** 2 - scan.spacing[axis] ** 2) / (2 * np.sqrt(2 * np.log(2)))
        whole = sitk.RecursiveGaussian(whole, float(sigma), direction=axis)
    monkeypatch.setattr(pieces_module, "PIECE_VOXELS", 3 * 22 * 20)
    smooth = Scan.from_array(scan.array, scan.spacing).image
    smooth_for_spacing(smooth, target)
    assert np.array_equal(Scan(smooth).array, Scan(whole).array)
