"""Pictures are turned the radiological way, whatever order the scan's voxels have."""

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.outputs.views import Oriented, busiest

SPACING = (1.0, 2.0, 4.0)


@pytest.fixture
def marked():
    """A volume (K, J, I) in LPS order with a marked voxel at the patient's right, front, top."""
    voxels = np.zeros((5, 6, 7), np.int16)
    voxels[-1, 0, 0] = 9
    image = sitk.GetImageFromArray(voxels)
    image.SetSpacing(SPACING)
    return image


@pytest.mark.parametrize("code", ["LPS", "RAS", "SPL", "AIR", "PIR"])
def test_any_axis_order_gives_the_same_picture(marked, code):
    volume = Oriented.of(sitk.DICOMOrient(marked, code))
    assert volume.spacing == pytest.approx(SPACING)
    assert volume.plane("axial", 4)[0, 0] == 9  # front on top, patient's right on the left
    assert volume.plane("coronal", 0)[0, 0] == 9  # head on top, patient's right on the left
    assert volume.plane("sagittal", 0)[0, 0] == 9  # head on top, front on the left


def test_aspect_and_extent_are_in_millimetres(marked):
    volume = Oriented.of(marked)
    assert volume.aspect("axial") == 2.0
    assert volume.aspect("coronal") == 4.0
    assert volume.aspect("sagittal") == 2.0
    assert volume.extent_mm("axial") == (12.0, 7.0)
    assert volume.extent_mm("coronal") == (20.0, 7.0)
    assert volume.extent_mm("sagittal") == (20.0, 12.0)


def test_busiest_slice_has_the_greatest_change():
    change = np.zeros((5, 6, 7), np.int16)
    change[3, 2, 1] = -50
    change[1, 2, 5] = 40
    volume = Oriented(change, SPACING)
    assert busiest(volume, "axial") == 3
    assert busiest(volume, "coronal") == 2
    assert busiest(volume, "sagittal") == 1


def test_without_any_change_the_middle_slice_is_shown():
    assert busiest(Oriented(np.zeros((5, 6, 7), np.int16), SPACING), "axial") == 2
