"""Headers for a scan that isn't DICOM: its geometry, new UIDs, and nothing of a patient."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...errors import OutputError
from ...scans.greys import LEVEL_HU, WINDOW_HU
from ...scans.scan import Scan
from .headers import ACQUISITION_NEEDED, CT_IMAGE, PATIENT, STUDY, UTF8, fill_empty, numbers

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

# How far the cosine between rows and columns may be from 0: what rounding in files makes.
RIGHT_ANGLE = 1e-4


def plain_headers(scan: Scan) -> tuple[Dataset, ...]:
    """Return a header a slice: where it lies; patient and study are there, as DICOM wants, empty.

    Raises
    ------
    OutputError
        If rows and columns aren't at right angles.
    """
    from pydicom.dataset import Dataset
    from pydicom.uid import generate_uid

    across, down, along = np.array(scan.image.GetDirection()).reshape(3, 3).T  # LPS, columns
    if abs(float(across @ down)) > RIGHT_ANGLE:
        raise OutputError(
            f"The rows and columns of {scan.name} are at "
            f"{np.degrees(np.arccos(float(across @ down))):.1f} degrees to each other; DICOM "
            f"images have right angles. Resample the scan onto such a grid, and explain that."
        )
    study, reference = generate_uid(prefix=None), generate_uid(prefix=None)
    series = generate_uid(prefix=None)
    origin = np.array(scan.image.GetOrigin())
    columns, rows, slices = scan.size
    headers = []
    for k in range(slices):
        header = Dataset()
        header.SpecificCharacterSet = UTF8
        header.SOPClassUID = CT_IMAGE
        header.SOPInstanceUID = generate_uid(prefix=None)
        header.StudyInstanceUID, header.SeriesInstanceUID = study, series
        header.FrameOfReferenceUID = reference
        header.Modality = "CT"
        header.Rows, header.Columns = rows, columns
        header.ImagePositionPatient = numbers(origin + k * scan.spacing[2] * along)
        header.ImageOrientationPatient = numbers((*across, *down))
        header.PixelSpacing = numbers((scan.spacing[1], scan.spacing[0]))  # rows first
        header.SliceThickness = numbers((scan.spacing[2],))[0]
        header.WindowCenter, header.WindowWidth = numbers((LEVEL_HU, WINDOW_HU))
        fill_empty(header, (*PATIENT, *STUDY, *ACQUISITION_NEEDED))
        headers.append(header)
    return tuple(headers)
