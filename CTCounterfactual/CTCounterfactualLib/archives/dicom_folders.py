"""DICOM series as archives hand them out: each in a folder of its own, however deep."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..events import CancelToken
from ..scans.dicom.headers import is_dicom, quiet, text

# Fewer images are a projection, a localizer or a broken download.
FEWEST_SLICES = 10
TAGS = ["PatientID", "SeriesInstanceUID", "Modality"]


@dataclass(frozen=True)
class SeriesFolder:
    """A folder with the files of one series.

    Parameters
    ----------
    path : Path
        The folder.
    patient, series, modality : str
        As its first file tells.
    files : int
        How many DICOM files it seems to hold, by their names.
    """

    path: Path
    patient: str
    series: str
    modality: str
    files: int

    @property
    def unfit(self) -> str:
        """Why it can't be a scan; empty if it can."""
        if self.modality != "CT":
            return f"no CT but {self.modality or 'of unknown modality'}"
        if self.files < FEWEST_SLICES:
            return f"a CT of fewer than {FEWEST_SLICES} images"
        return ""


def series_folders(root: Path, cancel: CancelToken) -> Iterator[SeriesFolder]:
    """Yield the folders below `root` that hold DICOM, in the order of their names.

    Of each only one file's header is read: archives have a folder for each series, and 400 scans
    are read in seconds. That a folder holds one series is checked when the scan is read.
    """
    for place, folders, names in os.walk(root):
        cancel.check()
        folders.sort()
        folder = Path(place)
        likely = sorted(name for name in names if _may_be_dicom(name))
        header = next(filter(None, (_header(folder / name) for name in likely)), None)
        if header is not None:
            patient, series, modality = (text(header, tag) for tag in TAGS)
            yield SeriesFolder(folder, patient, series, modality, len(likely))


def _may_be_dicom(name: str) -> bool:
    """Tell by a name: archives call them .dcm, or give no ending at all."""
    return not name.startswith(".") and Path(name).suffix.lower() in ("", ".dcm", ".ima")


def _header(path: Path):
    """Return a few values of a file's header; None if it is no DICOM."""
    import pydicom  # here: Slicer loads the engine at start-up

    try:
        if not is_dicom(path):
            return None
        with quiet():
            return pydicom.dcmread(path, stop_before_pixels=True, force=True, specific_tags=TAGS)
    except OSError:
        raise
    except Exception:  # pydicom raises many kinds on damaged files
        return None
