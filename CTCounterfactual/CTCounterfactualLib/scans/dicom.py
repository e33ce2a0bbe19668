"""Reading one DICOM series from a folder: which series there are, and whether it is sound."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..errors import ScanError
from .files import files_sha256
from .scan import Scan

TAG_MODALITY = "0008|0060"
TAG_SERIES_DESCRIPTION = "0008|103e"
TAG_GANTRY_TILT = "0018|1120"
TAG_POSITION = "0020|0032"
TAG_ORIENTATION = "0020|0037"
TAG_RESCALE_INTERCEPT = "0028|1052"
DICOM_PREAMBLE_BYTES = 128
DICOM_MAGIC = b"DICM"
# The index of a DICOM medium: DICOM itself, but no image.
DICOM_INDEX = "DICOMDIR"
# Slice gaps that differ by more than this share of their median are uneven.
UNEVEN_SHARE = 0.01
# Slices closer than this, in mm, lie at the same position.
SAME_POSITION_MM = 0.01
# A gap this many times the median means that slices are missing.
MISSING_FACTOR = 1.5
# Degrees between slice normal and stacking direction above which the gantry was tilted.
TILT_DEGREES = 0.5
MAX_LISTED = 10


@dataclass(frozen=True)
class Series:
    """One series of a folder: its UID, description, modality and files in slice order."""

    uid: str
    description: str
    modality: str
    files: tuple[str, ...]

    def __str__(self) -> str:
        files = "1 file" if len(self.files) == 1 else f"{len(self.files)} files"
        return f"{self.description or 'no description'} ({self.modality}, {files})"


def list_series(folder: Path) -> tuple[Series, ...]:
    """Return the DICOM series directly in a folder, largest first."""
    found = []
    if not any(_is_dicom(path) for path in sorted(folder.iterdir())):
        return ()  # asked of such a folder, GDCM writes a warning of its own to the terminal
    for uid in sitk.ImageSeriesReader.GetGDCMSeriesIDs(str(folder)):
        files = sitk.ImageSeriesReader.GetGDCMSeriesFileNames(str(folder), uid)
        header = _header(files[0])
        found.append(
            Series(
                uid, _tag(header, TAG_SERIES_DESCRIPTION), _tag(header, TAG_MODALITY), tuple(files)
            )
        )
    return tuple(sorted(found, key=lambda s: (-len(s.files), s.uid)))


def read_dicom_folder(folder: Path, series: str | None, assume_hu: bool) -> Scan:
    """Read the one CT series of a folder, or the one that `series` names.

    Parameters
    ----------
    folder : Path
        Holds the files directly.
    series : str or None
        Number (from 1) in the list of series, or UID.
    assume_hu : bool
        Accept another modality than CT.

    Raises
    ------
    ScanError
        No series, several and none chosen (they are listed), not CT, no rescale intercept, slices
        missing or at the same position, unreadable.
    """
    try:
        found = list_series(folder)
    except OSError as error:
        raise ScanError(f"Cannot read the folder {folder}: {error.strerror}.") from error
    chosen = _choose(folder, found, series)
    if chosen.modality != "CT" and not assume_hu:
        raise ScanError(
            f"The DICOM series {chosen} in {folder} has modality {chosen.modality or 'unknown'}, "
            f"not CT. Choose a CT series, or use --assume-hu if its values are HU."
        )
    if len(chosen.files) < 2:
        raise ScanError(
            f"The DICOM series {chosen} in {folder} has a single slice; a volume is expected. "
            f"Copy the whole series."
        )
    if not _tag(_header(chosen.files[0]), TAG_RESCALE_INTERCEPT) and not assume_hu:
        raise ScanError(
            f"The DICOM series {chosen} in {folder} lacks the rescale intercept (0028,1052), so "
            f"its values aren't HU. Export it again, or use --assume-hu if they are HU."
        )
    warnings = (*_check_geometry(chosen, folder), *_left_out(folder, found))
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(chosen.files)
    try:
        image = reader.Execute()
    except RuntimeError as error:
        raise ScanError(
            f"Cannot read the DICOM series {chosen} in {folder}: the slices differ in size or a "
            f"file is damaged."
        ) from error
    digest = files_sha256(Path(name) for name in chosen.files)
    return Scan(image, folder.resolve().name, str(folder), digest, warnings, chosen.uid)


def _choose(folder: Path, found: tuple[Series, ...], wanted: str | None) -> Series:
    if not found:
        raise ScanError(
            f"The folder {folder} holds no DICOM series that can be read. Give the folder that "
            f"holds the slices themselves, or an image file."
        )
    listing = "; ".join(f"{n}: {s}" for n, s in enumerate(found[:MAX_LISTED], start=1))
    if wanted is None:
        if len(found) == 1:
            return found[0]
        raise ScanError(
            f"The folder {folder} holds {len(found)} DICOM series. Choose one with "
            f"--series NUMBER: {listing}."
        )
    for number, series in enumerate(found, start=1):
        if wanted in (str(number), series.uid):
            return series
    raise ScanError(f"There is no series {wanted!r} in {folder}. Choose one of: {listing}.")


def _check_geometry(series: Series, folder: Path) -> tuple[tuple[str, str], ...]:
    """Return warnings on uneven spacing and gantry tilt; raise if slices are missing."""
    headers = [_header(name) for name in series.files]
    positions = _numbers(headers, TAG_POSITION, 3)
    orientation = _numbers(headers[:1], TAG_ORIENTATION, 6)
    if positions is None or orientation is None:
        message = "The DICOM files lack slice positions; spacing may be off."
        return (("no-slice-positions", message),)
    normal = np.cross(orientation[0, :3], orientation[0, 3:])
    along = positions @ normal
    gaps = np.diff(np.sort(along))
    if gaps.min() < SAME_POSITION_MM:
        raise ScanError(
            f"The DICOM series {series} in {folder} has several slices at the same position (two "
            f"reconstructions or phases in one series?). Keep one slice at each position."
        )
    median = float(np.quantile(gaps, 0.5, method="lower"))  # of two gaps the smaller
    if gaps.max() > MISSING_FACTOR * median:
        raise ScanError(
            f"The DICOM series {series} in {folder} misses slices: gaps run from "
            f"{gaps.min():.2f} to {gaps.max():.2f} mm. Copy the whole series."
        )
    warnings = []
    if np.ptp(gaps) > UNEVEN_SHARE * median:
        warnings.append((
            "uneven-slice-spacing",
            f"Slice gaps run from {gaps.min():.2f} to {gaps.max():.2f} mm; the scan is read as "
            f"if they were even.",
        ))
    stacking = positions[-1] - positions[0]
    cosine = abs(float(stacking @ normal)) / (np.linalg.norm(stacking) * np.linalg.norm(normal))
    tilt = float(np.degrees(np.arccos(min(1.0, cosine))))
    if tilt > TILT_DEGREES:
        warnings.append((
            "gantry-tilt",
            f"The gantry was tilted by {tilt:.1f} degrees; slices are read as if stacked upright.",
        ))
    return tuple(warnings)


def _left_out(folder: Path, found: tuple[Series, ...]) -> tuple[tuple[str, str], ...]:
    """Return a warning if DICOM files of the folder are in no series: GDCM skips damaged ones."""
    listed = {Path(name).name for series in found for name in series.files} | {DICOM_INDEX}
    skipped = sorted(p.name for p in folder.iterdir() if p.name not in listed and _is_dicom(p))
    if not skipped:
        return ()
    names = ", ".join(skipped[:MAX_LISTED])
    return ((
        "unreadable-dicom-files",
        f"{len(skipped)} DICOM file(s) of the folder cannot be read and were left out ({names}); "
        f"the scan may lack slices. Copy the whole series again.",
    ),)


def _is_dicom(path: Path) -> bool:
    """Tell a DICOM file by its magic word, which follows a preamble of 128 bytes."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        file.seek(DICOM_PREAMBLE_BYTES)
        return file.read(len(DICOM_MAGIC)) == DICOM_MAGIC


def _header(name: str) -> sitk.ImageFileReader:
    reader = sitk.ImageFileReader()
    reader.SetFileName(name)
    try:
        reader.ReadImageInformation()
    except RuntimeError as error:
        raise ScanError(f"The DICOM file {name} is damaged or truncated.") from error
    return reader


def _tag(header: sitk.ImageFileReader, tag: str) -> str:
    return header.GetMetaData(tag).strip() if header.HasMetaDataKey(tag) else ""


def _numbers(headers: list[sitk.ImageFileReader], tag: str, count: int) -> np.ndarray | None:
    """Return the tag's backslash-separated numbers of each file (files, count), None if lacking."""
    rows = [_tag(header, tag).split("\\") for header in headers]
    if any(len(row) != count or not all(row) for row in rows):
        return None
    return np.array(rows, dtype=float)
