"""Reading a CT scan from a file or a DICOM folder, and refusing what isn't one."""

from __future__ import annotations

import gzip
import math
import re
import zlib
from dataclasses import replace
from pathlib import Path

import SimpleITK as sitk

from ..errors import ScanError
from .checks import check_scan, check_shape
from .dicom import read_dicom_folder
from .files import file_sha256, unpacked_size
from .pixel_types import in_least_type
from .scan import Scan

# Longest part of an ITK message that is shown.
MAX_REASON = 200
# Formats that hold a scan's whole geometry and whose truncated files are recognised; ITK reads
# others too (TIFF, legacy VTK), but a truncated one as fewer slices or random values.
FORMATS = ("NrrdImageIO", "NiftiImageIO", "MetaImageIO", "GDCMImageIO")


def read_scan(path: str | Path, series: str | None = None, assume_hu: bool = False) -> Scan:
    """Read a CT scan in HU.

    Parameters
    ----------
    path : str or Path
        An NRRD, NIfTI, MetaImage or (multi-frame) DICOM file, or a folder with a DICOM series.
    series : str, optional
        Which DICOM series of the folder: its number in the list that the error shows, or its UID.
    assume_hu : bool
        Go on although the values don't look like HU; the scan then carries a warning.

    Raises
    ------
    ScanError
        One line on what was found, what was expected and what to do: missing, unreadable or
        truncated files, several series, 4D or single-slice images, NaN, values that aren't HU.
    """
    path = Path(path)
    try:
        if not path.exists():
            raise ScanError(f"There is no file or folder {path}. Check the path.")
        scan = read_dicom_folder(path, series, assume_hu) if path.is_dir() else read_file(path)
    except OSError as error:  # no permission, or the disk fails
        raise ScanError(
            f"Cannot read {path}: {error.strerror}. Check its permissions, or copy it again."
        ) from error
    scan = check_scan(scan, assume_hu)
    return replace(scan, image=in_least_type(scan.image))


def read_file(path: Path) -> Scan:
    """Read one image file as it is, whole and 3D; whether its values are HU isn't asked.

    Raises
    ------
    ScanError
        As `read_scan`, but for what it says of the values.
    """
    if path.stat().st_size == 0:
        raise ScanError(f"The file {path} is empty (0 bytes). Export or copy it again.")
    try:
        available = unpacked_size(path)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ScanError(
            f"The file {path} is truncated or damaged ({error}). Copy it again."
        ) from error
    if sitk.ImageFileReader.GetImageIOFromFileName(str(path)) not in FORMATS:
        raise ScanError(
            f"The file {path} is not in a format that CT scans are read from. Give an NRRD, NIfTI, "
            f"MetaImage or DICOM file, or a folder with a DICOM series."
        )
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        size, components = reader.GetSize(), reader.GetNumberOfComponents()
        check_shape(str(path), size, components)
        _check_nifti_length(path, reader, available)
        image = reader.Execute()
    except RuntimeError as error:
        raise ScanError(
            f"Cannot read {path} as an image: {_reason(error)} The file may be truncated or "
            f"damaged: export or copy it again."
        ) from error
    if image.GetDimension() > 3:  # trailing axes of length 1, as check_shape made sure
        image = image[(slice(None),) * 3 + (0,) * (image.GetDimension() - 3)]
    name = path.name.split(".")[0]
    return Scan(image, name, str(path), file_sha256(path))


def _check_nifti_length(path: Path, reader: sitk.ImageFileReader, available: int) -> None:
    """Raise if a NIfTI file ends before its last voxel; ITK would leave what lacks at 0."""
    if not reader.HasMetaDataKey("vox_offset"):
        return
    bits = math.prod(reader.GetSize()) * int(reader.GetMetaData("bitpix"))
    expected = int(float(reader.GetMetaData("vox_offset"))) + bits // 8
    if path.suffix.lower() in (".hdr", ".img"):  # the voxels lie in the .img of the pair
        available = path.with_suffix(".img").stat().st_size
    if available < expected:
        raise ScanError(
            f"The file {path} is truncated: {available} of {expected} bytes are there. "
            f"Copy it again."
        )


def _reason(error: RuntimeError) -> str:
    """Return the one line of an ITK exception that says what is wrong, as a sentence."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    told = next((line for line in reversed(lines) if "ERROR" in line or "Error" in line), None)
    line = told.split(": ", 1)[-1] if told else (lines or ["unknown reason"])[-1]
    # "NrrdImageIO(0x55a3b95fbda0): " tells the user nothing.
    return re.sub(r"\w+\(0x[0-9a-f]+\): ", "", line)[:MAX_REASON].rstrip(":. ") + "."
