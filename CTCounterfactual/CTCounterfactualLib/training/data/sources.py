"""Scans of a data set: which there are in a folder or a list, whose they are, how each is read."""

from __future__ import annotations

import csv
import os
import re
from dataclasses import dataclass
from pathlib import Path

from ...errors import ScanError
from ...scans.read import SUFFIXES
from ...storage.bounded import MOST_SETTINGS_BYTES
from ...storage.names import check_name, printable, reason
from .deeplesion import SERIES_NAME, KeySlices, key_slices_of

# Kinds of sources: one file or DICOM folder that is a scan; a folder of DeepLesion's PNGs.
SCAN, PNG_SERIES = "scan", "png series"
DICOM_SUFFIXES = (".dcm", ".dicom", ".ima")
# Folders that hold labels of the scan beside them, in the public sets; and names of label files.
LABEL_FOLDERS = {"segmentations", "seg-lungs-luna16", "masks", "labels"}
LABEL_NAME = re.compile(r"(_|-|\.)(seg|segmentation|mask|label|labels|lungs)$", re.IGNORECASE)
# TotalSegmentator names all scans alike: a subject is its folder.
SCAN_OF_SUBJECT = {"ct", "volume", "image"}
COLUMNS = ("path", "patient")


@dataclass(frozen=True)
class Source:
    """A scan to be read.

    Parameters
    ----------
    path : Path
        A file, or a folder (DICOM series, PNGs).
    patient : str
        Whose it is, as far as names tell: what may not be on both sides of a split.
    kind : str
        `SCAN` or `PNG_SERIES`.
    key_slices : KeySlices, optional
        Of PNGs: pixel size and annotated slices, by their table.
    """

    path: Path
    patient: str
    kind: str = SCAN
    key_slices: KeySlices | None = None


def find_sources(path: str | Path) -> list[Source]:
    """Return all scans of a folder (in any depth), or of a CSV list with `path` and `patient`.

    Known as users download them: LUNA16 (`subset*/UID.mhd`), TotalSegmentator (`sNNNN/ct.nii.gz`),
    DeepLesion (`Images_png/PPPPPP_SS_NN/*.png` with `DL_info.csv` beside), and folders of any
    files that `read_scan` reads. Files of labels are left out, by their names.

    Raises
    ------
    ScanError
        If there is no such folder or list, or no scan in it.
    """
    given = check_name(path, ScanError)
    try:
        found = _listed(given) if given.is_file() else _in_folder(given)
    except OSError as error:
        raise ScanError(f"Cannot read {given}: {reason(error)}.") from error
    if not found:
        raise ScanError(
            f"There is no CT in {given}: no file that ends in {', '.join(SUFFIXES)}, and no folder "
            f"of DeepLesion's PNGs. Check the path."
        )
    return found


def _in_folder(folder: Path) -> list[Source]:
    if not folder.is_dir():
        raise ScanError(f"There is no folder or list {folder}. Check the path.")
    found: list[Source] = []
    for place, inner, files in os.walk(folder):
        inner[:] = sorted(name for name in inner if name.lower() not in LABEL_FOLDERS)
        here = Path(place)
        names = sorted(name for name in files if not name.startswith("."))
        if SERIES_NAME.fullmatch(here.name) and any(n.lower().endswith(".png") for n in names):
            keys = key_slices_of(here)
            found.append(Source(here, keys.patient, PNG_SERIES, keys))
        elif any(name.lower().endswith(DICOM_SUFFIXES) for name in names):
            found.append(Source(here, _patient(here.name, here)))
        else:
            found += [
                Source(here / name, _patient(stem, here))
                for name in names
                if (stem := _stem(name)) is not None
                and not LABEL_NAME.search(stem)
                and not (name == f"{stem}.img" and f"{stem}.hdr" in names)  # one scan, two files
            ]
    return found


def _stem(name: str) -> str | None:
    """Return a scan file's name without its suffix; None of other files."""
    for suffix in SUFFIXES:
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return None


def _patient(stem: str, folder: Path) -> str:
    return folder.name if stem.lower() in SCAN_OF_SUBJECT else stem


def _listed(path: Path) -> list[Source]:
    if path.stat().st_size > MOST_SETTINGS_BYTES:
        raise ScanError(f"{path} is too large for a list of scans.")
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            if "path" not in (reader.fieldnames or ()):
                raise ScanError(
                    f"{path} is no list of scans: a CSV with the column path is expected, and "
                    f"patient where names don't tell."
                )
            rows = [row for row in reader if row["path"]]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ScanError(f"{path} is no list of scans: {printable(str(error))}.") from error
    found = []
    for row in rows:
        scan = path.parent / row["path"]
        stem = _stem(scan.name) or scan.name
        found.append(Source(scan, row.get("patient") or _patient(stem, scan.parent)))
    return found
