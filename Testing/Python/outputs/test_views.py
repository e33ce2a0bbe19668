"""Pictures are turned the radiological way, whatever order the scan's voxels have."""

import itertools

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.outputs.views import Oriented, TurnedGrid, busiest
from CTCounterfactualLib.scans.scan import Scan

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


TURN = (0.8776, -0.4794, 0, 0.4794, 0.8776, 0, 0, 0, 1)  # 27.5 degrees about S


@pytest.mark.parametrize("oblique", [False, True])
def test_an_array_on_a_scans_grid_is_turned_as_itk_turns_the_image_but_not_copied(oblique):
    image = sitk.GetImageFromArray(np.arange(5 * 6 * 7, dtype=np.int16).reshape(5, 6, 7))
    image.SetSpacing(SPACING)
    if oblique:
        image.SetDirection(TURN)
    for axes in itertools.permutations(("RL", "AP", "SI")):
        for code in itertools.product(*axes):
            scan = Scan(sitk.DICOMOrient(image, "".join(code)))
            wanted = sitk.DICOMOrient(scan.image, "LPS")
            voxels = sitk.GetArrayFromImage(scan.image)
            turned = Oriented.on_grid(scan.image, voxels)
            assert np.array_equal(turned.voxels, sitk.GetArrayViewFromImage(wanted))
            assert turned.spacing == wanted.GetSpacing()
            assert np.shares_memory(turned.voxels, voxels)


SHEAR = (1, 0, 0, 0, 1, 0.3907, 0, 0, 0.9205)  # a gantry tilted by 23 degrees


@pytest.mark.parametrize("direction", [None, TURN, SHEAR])
@pytest.mark.parametrize("code", ["LPS", "RAS", "SPL", "AIR", "PIR"])
def test_the_grid_is_turned_as_itk_turns_the_image(direction, code):
    image = sitk.GetImageFromArray(np.arange(5 * 6 * 7, dtype=np.int16).reshape(5, 6, 7))
    image.SetSpacing(SPACING)
    image.SetOrigin((5.0, -6.0, 7.0))
    if direction:
        image.SetDirection(direction)
    image = sitk.DICOMOrient(image, code)
    wanted, grid = sitk.DICOMOrient(image, "LPS"), TurnedGrid(image)
    assert grid.size == wanted.GetSize()
    assert np.allclose(grid.point((1, 2, 3.5)),
                       wanted.TransformContinuousIndexToPhysicalPoint((1, 2, 3.5)))  # fmt: skip
    for plane, piece in (
        ("axial", wanted[:, :, 3:4]), ("coronal", wanted[:, 3:4, :]), ("sagittal", wanted[3:4]),
    ):  # fmt: skip
        found = grid.slice(plane, 3)
        assert found.GetSize() == piece.GetSize()
        for name in ("GetOrigin", "GetSpacing", "GetDirection"):
            assert np.allclose(getattr(found, name)(), getattr(piece, name)())


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
