"""A real series, as another library reads it."""

from __future__ import annotations

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.scans.read import read_scan


def test_real_series_is_read_in_hu_from_foot_to_head(shared_ct):
    folder = shared_ct("chest_lidc0001_dicom")
    scan = read_scan(folder)
    assert scan.size == (512, 512, 16)
    assert scan.spacing == pytest.approx((0.703125, 0.703125, 2.5))
    assert scan.image.GetOrigin() == pytest.approx((-166.0, -171.699997, -132.5))
    assert scan.image.GetPixelID() == sitk.sitkInt16
    assert scan.array.min() == -2048  # padding outside the field of view
    assert (scan.name, scan.warnings) == ("chest_lidc0001_dicom", ())
    assert len(scan.sha256) == 64
    # Slice 8 as another library reads it, at -132.5 + 8 * 2.5 = -112.5 mm.
    slice_8 = pydicom.dcmread(folder / "-112.500000.dcm")
    hu = slice_8.pixel_array.astype(int) * slice_8.RescaleSlope + slice_8.RescaleIntercept
    assert np.array_equal(scan.array[8], hu)
