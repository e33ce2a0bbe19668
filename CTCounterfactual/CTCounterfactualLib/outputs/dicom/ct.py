"""A CT series of single-frame images: the counterfactual, or the scan where it isn't DICOM yet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ...scans.dicom.frames import PlacedFrame
from .codes import standard
from .headers import ACQUISITION, ACQUISITION_NEEDED, CT_IMAGE, UTF8, fill_empty
from .series import Series, equipment, new_uid
from .values import Rescale

if TYPE_CHECKING:
    from highdicom.base import SOPClass
    from pydicom.dataset import Dataset

BITS = 16
GEOMETRY = (
    "FrameOfReferenceUID", "ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing",
)  # fmt: skip
# The counterfactual is the scan plus a change, so this is how it was derived.
_ADDITION = ("113042", "DCM", "Pixel by pixel addition")
# highdicom's argument -> what of the header it takes.
_TAKEN_OVER: dict[str, Any] = {
    "patient_id": "PatientID",
    "patient_name": "PatientName",
    "patient_birth_date": "PatientBirthDate",
    "patient_sex": "PatientSex",
    "accession_number": "AccessionNumber",
    "study_id": "StudyID",
    "study_date": "StudyDate",
    "study_time": "StudyTime",
    "referring_physician_name": "ReferringPhysicianName",
}
_SOURCE = ("121322", "DCM", "Source image for image processing operation")


def write_ct(
    folder: Path,
    headers: Sequence[Dataset],
    volume: np.ndarray,
    rescale: Rescale,
    series: Series,
    derivation: str,
    frames: Sequence[PlacedFrame] = (),
    sources: bool = True,
    added: bool = False,
    check: Callable[[], None] = lambda: None,
) -> list[Dataset]:
    """Write a volume as `slice_NNNN.dcm` files and return their headers, without pixels.

    Each lies exactly where its header says, also of tilted and unevenly spaced series.

    Parameters
    ----------
    folder : Path
        Made here.
    headers : sequence of Dataset
        One a slice: patient, study and place are taken over.
    volume : numpy.ndarray
        (K, J, I), HU, along the headers.
    rescale : Rescale
        How HU are stored.
    series : Series
        Of the new images.
    derivation : str
        In words how they came about.
    frames : sequence of PlacedFrame
        The headers' frames, if their files have several.
    sources : bool
        Whether the headers are those of images that the new ones can refer to.
    added : bool
        Whether a change was added to these, as a counterfactual is made.
    check : callable
        Called before each slice; it may raise.
    """
    folder.mkdir(parents=True)
    written: list[Dataset] = []
    for k, header in enumerate(headers):
        check()
        image = _image(header, volume[k], rescale, series, k + 1)
        image.DerivationDescription = derivation
        if sources and header.get("SOPInstanceUID"):
            image.SourceImageSequence = [_reference(header, frames[k] if frames else None)]
        if added:
            image.DerivationCodeSequence = [standard(*_ADDITION)]
        image.save_as(folder / f"slice_{k + 1:04d}.dcm", enforce_file_format=True)
        del image.PixelData
        written.append(image)
    return written


def _image(
    header: Dataset, hu: np.ndarray, rescale: Rescale, series: Series, number: int
) -> SOPClass:
    from highdicom import ContributingEquipment
    from highdicom.base import SOPClass
    from pydicom.dataset import Dataset
    from pydicom.uid import ExplicitVRLittleEndian

    image = SOPClass(
        study_instance_uid=header.StudyInstanceUID,
        series_instance_uid=series.uid,
        series_number=series.number,
        series_description=series.description,
        sop_instance_uid=new_uid(),
        sop_class_uid=CT_IMAGE,
        instance_number=number,
        modality="CT",
        transfer_syntax_uid=ExplicitVRLittleEndian,
        specific_character_set=UTF8,
        **equipment(),
        **{argument: header.get(keyword) or None for argument, keyword in _TAKEN_OVER.items()},
    )
    told = Dataset()
    told.update(header)
    told.SOPClassUID = CT_IMAGE  # what an unknown kind of image says is the same
    image.copy_patient_and_study_information(told)
    with suppress(AttributeError, ValueError):  # the scanner, where its header can be believed
        image.ContributingEquipmentSequence = [ContributingEquipment.for_image_acquisition(told)]
    for keyword in (*GEOMETRY, *ACQUISITION):
        if keyword in header:
            image.add(header[keyword])
    fill_empty(image, ACQUISITION_NEEDED)
    if not image.get("BodyPartExamined"):
        image.Laterality = ""  # asked for then; both sides, or not known
    image.ImageType = ["DERIVED", "SECONDARY", "AXIAL"]
    image.BurnedInAnnotation = header.get("BurnedInAnnotation") or "NO"
    image.SamplesPerPixel = 1
    image.PhotometricInterpretation = "MONOCHROME2"
    image.Rows, image.Columns = hu.shape
    image.BitsAllocated = image.BitsStored = BITS
    image.HighBit = BITS - 1
    image.PixelRepresentation = int(rescale.signed)
    image.RescaleSlope, image.RescaleIntercept = rescale.slope, rescale.intercept
    image.RescaleType = "HU"
    stored = rescale.stored(hu)
    image.PixelData = stored.astype(stored.dtype.newbyteorder("<"), copy=False).tobytes()
    return image


def _reference(header: Dataset, frame: PlacedFrame | None) -> Dataset:
    """Return an item that refers to the image, or the frame of one, that a header is of."""
    from pydicom.dataset import Dataset

    item = Dataset()
    item.ReferencedSOPClassUID = header.SOPClassUID
    item.ReferencedSOPInstanceUID = header.SOPInstanceUID
    if frame is not None and frame.of > 1:
        item.ReferencedFrameNumber = frame.number + 1
    item.PurposeOfReferenceCodeSequence = [standard(*_SOURCE)]
    return item
