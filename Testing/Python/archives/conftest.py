"""Small trees of files, laid out as public archives hand them out."""

import numpy as np
import pytest
import SimpleITK as sitk

from dicom_trees import write_slices


@pytest.fixture
def write_ct():
    """Return a function that writes a small CT series of a patient into a folder."""

    def write(folder, patient, series, modality="CT", slices=12):
        def edit(k, dataset):
            dataset.PatientID, dataset.SeriesInstanceUID = patient, series
            dataset.Modality = modality

        return write_slices(folder, edit, range(slices))

    return write


@pytest.fixture
def write_image():
    """Return a function that writes an array (its axes turned round) as an image file."""

    def write(path, voxels, like=None):
        path.parent.mkdir(parents=True, exist_ok=True)
        image = sitk.GetImageFromArray(np.ascontiguousarray(voxels), isVector=False)
        if like is not None:
            image.CopyInformation(like)
        sitk.WriteImage(image, str(path))
        return path

    return write
