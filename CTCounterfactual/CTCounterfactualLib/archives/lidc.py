"""LIDC-IDRI: scans of which four radiologists marked the nodules.

As The Cancer Imaging Archive hands it out: `LIDC-IDRI-0001/STUDY/SERIES/*.dcm`, with an XML file
of the readings in the folder of each CT (or all of them in a folder of their own). A scan is a
positive if enough readers outlined one and the same nodule of 3 mm or more, a negative if no reader
outlined any; what is between is left out.

Armato et al., "The Lung Image Database Consortium (LIDC) and Image Database Resource Initiative
(IDRI): a completed reference database of lung nodules on CT scans", Medical Physics 38 (2011).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ScanError, SettingsError
from ..events import CancelToken
from ..scans.dicom.headers import quiet
from .dicom_folders import SeriesFolder, series_folders
from .lidc_readings import Readings, most_agreeing, read_readings
from .listed import Archive, Listed, Option, Row

LAYOUT = "DICOM folders of LIDC-IDRI with the readings' XML files beside the images"
READERS = Option(
    "readers", "readers who must have outlined the same nodule for a positive, of 4", 3
)
MOST_READERS = 4


def read_lidc(folder: Path, options: Mapping[str, Any], masks: Path, cancel: CancelToken) -> Listed:
    """List the scans by whether readers agree on a nodule.

    Raises
    ------
    ScanError
        If there is no XML file of readings.
    SettingsError
        If the number of readers is none of 1 to 4.
    """
    wanted = int(options["readers"])
    if not 1 <= wanted <= MOST_READERS:
        raise SettingsError(f"readers is {wanted}; choose 1 to {MOST_READERS}.")
    listed = Listed()
    readings = _readings(folder, listed, cancel)
    if not readings:
        raise ScanError(f"{folder} holds no readings of a CT; expected: {LAYOUT}.")
    scans = [found for found in series_folders(folder, cancel)]
    fit = [scan for scan in scans if not scan.unfit]
    several = Counter(scan.patient for scan in fit)
    for scan in scans:
        name = _name(scan, several)
        if scan.unfit:
            listed.leave(name, scan.unfit)
        elif scan.series not in readings:
            listed.leave(name, "no readings")
        else:
            cancel.check()
            _add(listed, name, scan, readings[scan.series], wanted)
    for series in sorted(set(readings) - {scan.series for scan in scans}):
        listed.leave(series, "readings without their CT")
    return listed


def _add(listed: Listed, name: str, scan: SeriesFolder, readings: Readings, wanted: int) -> None:
    agreeing = most_agreeing(readings, _spacing(scan.path)) if readings.nodules else 0
    if 0 < agreeing < wanted:
        listed.leave(name, f"no {wanted} readers agree, but some outlined a nodule")
        return
    label = float(agreeing >= wanted)
    listed.rows.append(Row(name, scan.path, label, scan.series, scan.patient))


def _name(scan: SeriesFolder, several: Counter[str]) -> str:
    """Return the patient's name; with the end of the series' where there is more than one."""
    if several[scan.patient] == 1 and not scan.unfit:
        return scan.patient
    return f"{scan.patient}-{scan.series.rpartition('.')[2]}"


def _readings(folder: Path, listed: Listed, cancel: CancelToken) -> dict[str, Readings]:
    found: dict[str, Readings] = {}
    for path in sorted(folder.rglob("*.xml")):
        cancel.check()
        try:
            readings = read_readings(path)
        except ValueError as error:
            listed.leave(path.relative_to(folder).as_posix(), f"a file of readings that {error}")
            continue
        if readings is not None:
            found.setdefault(readings.series, readings)
    return found


def _spacing(folder: Path) -> tuple[float, float]:
    """Return column and row spacing in mm, of the first image that tells."""
    import pydicom

    for path in sorted(folder.glob("*.dcm")):
        with quiet():
            header = pydicom.dcmread(path, stop_before_pixels=True, force=True)
        if (spacing := header.get("PixelSpacing")) is not None:
            return float(spacing[1]), float(spacing[0])
    raise ScanError(f"{folder} has no image that tells its PixelSpacing; download it again.")


LIDC = Archive("lidc", "LIDC-IDRI", LAYOUT, (READERS,), read_lidc)
