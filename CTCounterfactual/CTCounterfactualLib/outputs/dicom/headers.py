"""Headers of the input's images: what the new files take over from them, made fit to be written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...scans.dicom.frames import PlacedFrame, merged_groups
from ...scans.dicom.headers import quiet

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

CT_IMAGE = "1.2.840.10008.5.1.4.1.1.2"
# All text of ours is in this character set, and all that is taken over.
UTF8 = "ISO_IR 192"
# What DICOM wants to be there, if only empty (type 2).
PATIENT = ("PatientName", "PatientID", "PatientBirthDate", "PatientSex")
STUDY = ("StudyID", "StudyDate", "StudyTime", "AccessionNumber", "ReferringPhysicianName")
# How the scan was made, and what its images are to be shown by: taken over where it is told.
ACQUISITION = (
    "KVP", "DataCollectionDiameter", "ReconstructionDiameter", "DistanceSourceToDetector",
    "DistanceSourceToPatient", "GantryDetectorTilt", "TableHeight", "RotationDirection",
    "ExposureTime", "XRayTubeCurrent", "Exposure", "FilterType", "GeneratorPower", "FocalSpots",
    "ConvolutionKernel", "PatientPosition", "BodyPartExamined", "ContrastBolusAgent",
    "ScanOptions", "SliceThickness", "AcquisitionNumber", "AcquisitionDate", "AcquisitionTime",
    "PositionReferenceIndicator", "WindowCenter", "WindowWidth", "LossyImageCompression",
    "LossyImageCompressionRatio", "LossyImageCompressionMethod", "BurnedInAnnotation",
    "LongitudinalTemporalInformationModified",
)  # fmt: skip
# The least that a CT image must have of them, if only empty.
ACQUISITION_NEEDED = ("KVP", "AcquisitionNumber", "PatientPosition", "PositionReferenceIndicator")
SEXES = ("M", "F", "O", "")
# Groups of overlays and curves, of which odd copies repeat in 16 steps.
_DRAWN = (0x5000, 0x6000)
_GROUPS = ("SharedFunctionalGroupsSequence", "PerFrameFunctionalGroupsSequence")


def read_headers(frames: Iterable[PlacedFrame]) -> tuple[tuple[Dataset, ...], tuple[str, ...]]:
    """Return a header for each frame, as of a single-frame image, without pixels.

    Parameters
    ----------
    frames : iterable of PlacedFrame
        In the order of the volume's slices.

    Returns
    -------
    headers : tuple of Dataset
        Text in Unicode, private elements and overlays left out. Of a multi-frame file each frame
        has its own, with what its functional groups say in its root, and `SOPInstanceUID` of the
        file.
    left_out : tuple of str
        Keywords whose values no new file may hold (another sex than M, F and O, impossible dates);
        they are empty.

    Raises
    ------
    OSError
        If a file can't be read.
    """
    files: dict[Path, Dataset] = {}
    headers = []
    left_out: set[str] = set()
    with quiet():
        for frame in frames:
            if frame.path not in files:
                files[frame.path] = _file_header(frame.path, left_out)
            whole = files[frame.path]
            grouped = any(name in whole for name in _GROUPS)
            headers.append(_of_frame(whole, frame) if grouped else whole)
    return tuple(headers), tuple(sorted(left_out))


def fill_empty(header: Dataset, keywords: Iterable[str]) -> None:
    """Add what lacks of some elements, empty."""
    for keyword in keywords:
        if keyword not in header:
            setattr(header, keyword, None if keyword == "AcquisitionNumber" else "")


def complete(headers: Sequence[Dataset], thickness: float) -> None:
    """Give headers of one volume what new images need and careless files lack: a study, a frame.

    `thickness`, mm, is taken where a slice doesn't say its own.
    """
    from pydicom.uid import generate_uid

    for keyword in ("StudyInstanceUID", "FrameOfReferenceUID"):
        new = generate_uid(prefix=None)
        for header in headers:
            if not header.get(keyword):
                setattr(header, keyword, new)
    for header in headers:
        if not header.get("SliceThickness"):
            header.SliceThickness = numbers((thickness,))[0]
        fill_empty(header, ACQUISITION_NEEDED)


def place(header: Dataset, frame: PlacedFrame) -> None:
    """Let a header say where a frame lies."""
    header.ImagePositionPatient = numbers(frame.position)
    header.ImageOrientationPatient = numbers(frame.orientation)
    header.PixelSpacing = numbers(frame.pixel_spacing)


def numbers(values: Iterable[float]) -> list[Any]:
    """Return numbers as decimal strings hold them: in 16 characters at most."""
    from pydicom.valuerep import DSfloat

    return [DSfloat(float(value), auto_format=True) for value in values]


def _file_header(path: Path, left_out: set[str]) -> Dataset:
    import pydicom

    header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
    header.remove_private_tags()
    tags = list(header.keys())  # without decoding the values
    for tag in tags:
        if (tag.group & 0xFF00) in _DRAWN:
            del header[tag]
    header.decode()
    header.SpecificCharacterSet = UTF8
    fill_empty(header, (*PATIENT, *STUDY))
    _make_valid(header, left_out)
    return header


def _make_valid(header: Dataset, left_out: set[str]) -> None:
    """Empty what could not be written: values that DICOM doesn't allow there."""
    from pydicom.valuerep import DA, TM

    if str(header.PatientSex or "") not in SEXES:
        header.PatientSex = ""
        left_out.add("PatientSex")
    for keyword, kind in (("PatientBirthDate", DA), ("StudyDate", DA), ("StudyTime", TM)):
        try:
            kind(getattr(header, keyword) or "")
        except (TypeError, ValueError):
            setattr(header, keyword, "")
            left_out.add(keyword)


def _of_frame(whole: Dataset, frame: PlacedFrame) -> Dataset:
    """Return the header of one frame of a multi-frame file as of a single-frame image."""
    from pydicom.dataset import Dataset

    header = Dataset()
    for element in whole:
        if element.keyword not in (*_GROUPS, "NumberOfFrames", "DimensionIndexSequence"):
            header.add(element)
    shared = merged_groups(whole.get(_GROUPS[0]))
    own = merged_groups((whole.get(_GROUPS[1]) or [])[frame.number : frame.number + 1])
    for said in (shared, own):
        for keyword in ACQUISITION:
            if keyword in said:
                header.add(said[keyword])
    place(header, frame)
    return header
