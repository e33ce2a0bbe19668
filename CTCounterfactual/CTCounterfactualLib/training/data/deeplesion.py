"""DeepLesion's slices: 16-bit PNGs with an offset, and the table of pixel sizes and key slices.

Yan et al., "DeepLesion: automated mining of large-scale lesion annotations and universal lesion
detection with deep learning", J. Med. Imaging 2018: HU = value - 32768; folders are named
patient_study_series, files by the slice's number; `DL_info.csv` has a row for each lesion.
"""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ...errors import ScanError
from ...scans.hu_likeness import what_speaks_against_hu
from ...storage.names import printable, reason
from ..slice_file import PIXEL_MM, SliceFile

OFFSET_HU = 32768
TABLE = "DL_info.csv"
SERIES_NAME = re.compile(r"(\d{6})_\d{2}_\d{2}")
FILE, KEY, SPACING = "File_name", "Key_slice_index", "Spacing_mm_px_"
# How far above the PNGs the table may lie: beside `Images_png`, or beside its parts.
HEIGHT = 4


@dataclass(frozen=True)
class KeySlices:
    """What the table says of a series.

    Parameters
    ----------
    series : str
        Name of its folder.
    pixel_mm : float
        Side of a pixel.
    indices : tuple of int
        Numbers of the slices with an annotated lesion.
    """

    series: str
    pixel_mm: float
    indices: tuple[int, ...]

    @property
    def patient(self) -> str:
        """Whose it is: the first part of the name."""
        return f"deeplesion-{self.series[:6]}"


def key_slices_of(folder: Path) -> KeySlices:
    """Return what `DL_info.csv`, in a folder above, says of the series in this one.

    Raises
    ------
    ScanError
        If there is no table, or it lacks the series.
    """
    for above in list(folder.parents)[:HEIGHT]:
        if (above / TABLE).is_file():
            known = _table(above / TABLE).get(folder.name)
            if known is None:
                raise ScanError(f"{above / TABLE} has no row of the series {folder.name}.")
            return known
    raise ScanError(
        f"{folder} holds slices of DeepLesion, but {TABLE} lies in no folder above: without it "
        f"the size of a pixel isn't known. Put it beside Images_png."
    )


_read: dict[tuple[Path, int], dict[str, KeySlices]] = {}


def _table(path: Path) -> dict[str, KeySlices]:
    """Return the table by series; each file is read once."""
    try:
        stamp = (path.absolute(), path.stat().st_mtime_ns)
        if stamp not in _read:
            _read[stamp] = _read_table(path)
        return _read[stamp]
    except OSError as error:
        raise ScanError(f"Cannot read {path}: {reason(error)}.") from error


def _read_table(path: Path) -> dict[str, KeySlices]:
    pixel: dict[str, float] = {}
    keys: dict[str, set[int]] = {}
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            for row in csv.DictReader(file):
                series = row[FILE].rsplit("_", 1)[0]
                pixel[series] = float(row[SPACING].split(",")[0])
                keys.setdefault(series, set()).add(int(row[KEY]))
    except (KeyError, ValueError, AttributeError, TypeError, csv.Error) as error:
        raise ScanError(
            f"{path} is no table of DeepLesion's: columns {FILE}, {KEY} and {SPACING} are "
            f"expected ({printable(str(error))})."
        ) from error
    return {
        series: KeySlices(series, pixel[series], tuple(sorted(keys[series]))) for series in pixel
    }


def read_png_series(folder: Path, keys: KeySlices) -> SliceFile:
    """Read all PNGs of a series, by their numbers.

    Raises
    ------
    ScanError
        If one is damaged or no 16-bit slice of the others' size, or values can't be HU.
    """
    files = sorted(
        (
            path
            for path in folder.iterdir()
            if path.suffix.lower() == ".png" and path.stem.isdigit()
        ),
        key=lambda path: int(path.stem),
    )
    if not files:
        raise ScanError(f"{folder} holds no slices: PNG files with numbers for names are expected.")
    if not PIXEL_MM.holds(keys.pixel_mm):
        raise ScanError(f"{folder}: a pixel of {keys.pixel_mm:g} mm; {PIXEL_MM} mm are expected.")
    slices = [_read_png(path) for path in files]
    if len({one.shape for one in slices}) > 1:
        raise ScanError(f"{folder}: its slices have different sizes.")
    hu = np.stack(slices)
    against = what_speaks_against_hu(hu)
    if against:
        raise ScanError(f"{folder}: values minus {OFFSET_HU} aren't HU: {against}.")
    spacing = np.full((len(hu), 2), keys.pixel_mm)
    return SliceFile(folder.name, hu, spacing, np.zeros(len(hu), int))


def _read_png(path: Path) -> np.ndarray:
    """Return a slice (H, W), int16, HU."""
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise ScanError(f"{path} is no PNG, or a damaged one. Copy it again.") from error
    values = sitk.GetArrayViewFromImage(image)
    if values.ndim != 2 or values.dtype != np.uint16:
        raise ScanError(
            f"{path}: {values.ndim} dimensions of {values.dtype}; a slice of 16 bits is expected."
        )
    return (values.astype(np.int32) - OFFSET_HU).astype(np.int16)
