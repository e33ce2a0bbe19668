"""Reading a CT scan from a file or a DICOM folder, and refusing what isn't one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ..errors import ScanError
from ..storage.hashing import file_sha256, files_sha256
from ..storage.names import check_name
from .checks import check_scan
from .dicom.headers import is_dicom
from .dicom.read import read_dicom_file, read_dicom_folder
from .formats.detached import files_of
from .formats.itk import read_by_itk
from .formats.metaimage import OTHER_MODALITY
from .formats.nifti import is_nifti, read_nifti
from .modality import CT
from .pixel_types import in_least_type
from .scan import Scan

# Suffixes of what is read; the longer ones first.
SUFFIXES = (
    ".nii.gz", ".nii", ".hdr", ".img.gz", ".img", ".nrrd", ".nhdr", ".mha", ".mhd", ".dcm",
    ".dicom", ".ima",
)  # fmt: skip


def read_scan(
    path: str | Path, series: str | None = None, assume_hu: bool = False, modality: str = CT
) -> Scan:
    """Read a CT scan in HU, or a scan of another modality as it is.

    Parameters
    ----------
    path : str or Path
        An NRRD, NIfTI, MetaImage or (multi-frame) DICOM file, or a folder with a DICOM series.
    series : str, optional
        Which DICOM series of the folder: its number in the list that the error shows, or its UID;
        of several phases or acquisitions in it, "2.1" is the first of series 2.
    assume_hu : bool
        Go on although the values don't look like HU; the scan then carries a warning.
    modality : str
        What the scan is; of another one than CT nothing is expected of the numbers, but a DICOM
        series must say that it is of this one.

    Raises
    ------
    ScanError
        One line on what was found, what was expected and what to do: missing, unreadable or
        truncated files, several series, 4D or single-slice images, NaN, values that aren't HU.
    """
    path = check_name(path, ScanError)
    try:
        if not path.exists():
            raise ScanError(f"There is no file or folder {path}. Check the path.")
        if path.is_dir():
            scan = read_dicom_folder(path, series, assume_hu, modality)
        else:
            scan = read_file(path, series, assume_hu, modality)
    except OSError as error:  # no permission, or the disk fails
        raise ScanError(
            f"Cannot read {path}: {error.strerror}. Check its permissions, or copy it again."
        ) from error
    scan = check_scan(scan if modality == CT else _as(scan, modality), assume_hu)
    return replace(scan, image=in_least_type(scan.image))


def _as(scan: Scan, modality: str) -> Scan:
    """Return a scan as one of another modality than CT; that it is no CT is no news then."""
    kept = tuple(warning for warning in scan.warnings if warning[0] != OTHER_MODALITY)
    return replace(scan, modality=modality, warnings=kept)


def read_file(
    path: Path, series: str | None = None, assume_hu: bool = True, modality: str = CT
) -> Scan:
    """Read one image file as it is, whole and 3D; whether its values are HU isn't asked.

    Of a DICOM file it is asked what its header says of the unit, unless `assume_hu`; `series`
    chooses one of its phases.

    Raises
    ------
    ScanError
        As `read_scan`, but for what it says of the values.
    """
    if path.stat().st_size == 0:
        raise ScanError(f"The file {path} is empty (0 bytes). Export or copy it again.")
    if is_dicom(path):
        return read_dicom_file(path, base_name(path), series, assume_hu, modality)
    read = read_nifti if is_nifti(path) else read_by_itk
    image, warnings = read(path)
    files = files_of(path)
    digest = file_sha256(path) if len(files) == 1 else files_sha256(files)
    return Scan(image, base_name(path), str(path), digest, warnings)


def base_name(path: Path) -> str:
    """Return a file's name without the suffix of its format, whatever dots are before it."""
    name = path.name
    for suffix in SUFFIXES:
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            return name[: -len(suffix)]
    return name
