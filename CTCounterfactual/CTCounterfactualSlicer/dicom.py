"""A result as DICOM files, in the study of the series that the scan was loaded from."""

from __future__ import annotations

from pathlib import Path

import slicer

from CTCounterfactualLib.errors import OutputError, worded_for
from CTCounterfactualLib.events import CancelToken, ProgressCallback
from CTCounterfactualLib.wording import Place

from .result import AnyResult

# What Slicer's DICOM module notes on a volume that it loads: UIDs of its images, with spaces.
INSTANCES = "DICOM.instanceUIDs"


def export_dicom(
    result: AnyResult,
    folder: str | Path,
    force: bool = False,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    place: Place = Place.CONSOLE,
) -> Path:
    """Write a result as DICOM files; all or nothing.

    Parameters
    ----------
    result : AnyResult
        What `explain` or `load` returned.
    folder : str or Path
        Where to; made if it isn't there.
    force : bool
        Replace an earlier export there.
    progress, cancel
        As for the engine's `export_dicom`.
    place : Place
        Where the user reads the messages.

    Returns
    -------
    Path
        The folder. Patient and study are those of the series that the volume was loaded from; of
        a volume that didn't come from DICOM they are empty.

    Raises
    ------
    MissingExtraError
        If highdicom isn't installed; says how to.
    OutputError, ScanError
        If the series' files have gone or aren't the scan, or the folder can't be written.
    """
    from CTCounterfactualLib.outputs.dicom.export import export_dicom as write

    with worded_for(place):
        files = dicom_files(result.nodes.scan)
        return write(result.explanation, folder, files, force, progress, cancel)


def dicom_files(volumeNode) -> list[Path] | None:
    """Return the DICOM files that a volume was loaded from; None if it didn't come from DICOM.

    Raises
    ------
    OutputError
        If Slicer's DICOM database doesn't know them any more.
    """
    uids = ((volumeNode.GetAttribute(INSTANCES) if volumeNode else None) or "").split()
    if not uids:
        return None
    database = getattr(slicer, "dicomDatabase", None)
    found = [database.fileForInstance(uid) if database else "" for uid in uids]
    lacking = sum(not path or not Path(path).is_file() for path in found)
    if lacking:
        raise OutputError(
            f"'{volumeNode.GetName()}' was loaded from DICOM, but {lacking} of its {len(uids)} "
            f"images aren't in Slicer's DICOM database any more. Import the series again, or "
            f"choose another database in the DICOM module."
        )
    return [Path(path) for path in dict.fromkeys(found)]
