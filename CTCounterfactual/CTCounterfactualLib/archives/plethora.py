"""PleThora: effusions outlined on the scans of NSCLC-Radiomics; the study of the paper.

As The Cancer Imaging Archive hands it out, both anywhere below one folder:

    .../LUNG1-001/STUDY/SERIES/*.dcm             NSCLC-Radiomics, by the NBIA Data Retriever
    Effusions/LUNG1-001/*_effusion_first_reviewer.nii.gz
    Thoracic_Cavities/LUNG1-001/*.nii.gz         of all 402 patients that were looked at

A patient with an effusion mask is a positive, one with a thoracic cavity only a negative; others
were never looked at, and are left out. Of several reviewers the first one's mask is taken.

Kiser et al., "PleThora: Pleural effusion and thoracic cavity segmentations in diseased lungs for
benchmarking chest CT processing pipelines", Medical Physics 47 (2020).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ScanError
from ..events import CancelToken
from .dicom_folders import SeriesFolder, series_folders
from .listed import Archive, Listed, Row

EFFUSIONS, CAVITIES = "Effusions", "Thoracic_Cavities"
MASKS = "*.nii.gz"
LAYOUT = "folders Effusions and Thoracic_Cavities of PleThora, and the DICOM of NSCLC-Radiomics"


def read_plethora(
    folder: Path, options: Mapping[str, Any], masks: Path, cancel: CancelToken
) -> Listed:
    """List the scans that PleThora tells an answer of.

    Raises
    ------
    ScanError
        If either folder of masks lacks: then nobody can be told from who wasn't looked at.
    """
    effusions, cavities = (_masks(folder, name) for name in (EFFUSIONS, CAVITIES))
    by_patient: dict[str, list[SeriesFolder]] = {}
    listed = Listed()
    for found in series_folders(folder, cancel):
        if found.modality in ("RTSTRUCT", "SEG"):  # NSCLC-Radiomics' tumours, beside each scan
            continue
        if found.unfit:
            listed.leave(f"{found.patient} {found.series}", found.unfit)
        else:
            by_patient.setdefault(found.patient, []).append(found)
    for patient, scans in sorted(by_patient.items()):
        cancel.check()
        if patient not in cavities and patient not in effusions:
            listed.leave(patient, "not looked at by PleThora")
        elif len(scans) > 1:
            listed.leave(patient, "several CT series: it isn't told which one was outlined")
        elif patient in effusions and not _holds_anything(effusions[patient]):
            listed.leave(patient, "its effusion mask is empty or can't be read")
        else:
            (scan,) = scans
            mask = effusions.get(patient)
            label = float(mask is not None)
            listed.rows.append(Row(patient, scan.path, label, scan.series, patient, mask))
    for patient in sorted({*effusions, *cavities} - set(by_patient)):
        listed.leave(patient, "a mask without a CT")
    return listed


def check_plethora(folder: Path) -> None:
    """Raise `ScanError` unless both folders of masks are there: before anything is fetched."""
    for name in (EFFUSIONS, CAVITIES):
        _places(folder, name)


def _masks(folder: Path, name: str) -> dict[str, Path]:
    """Return patient -> the first reviewer's mask, of the folder called `name` anywhere below."""
    found: dict[str, Path] = {}
    for place in _places(folder, name):
        for path in sorted(place.glob(f"*/{MASKS}")):  # first, primary, second ... reviewer
            found.setdefault(path.parent.name, path)
    return found


def _places(folder: Path, name: str) -> list[Path]:
    places = sorted(path for path in folder.rglob(name) if path.is_dir())
    if not places:
        raise ScanError(f"{folder} holds no folder {name}; expected: {LAYOUT}.")
    return places


def _holds_anything(path: Path) -> bool:
    import SimpleITK as sitk

    try:
        return bool(sitk.GetArrayFromImage(sitk.ReadImage(str(path))).any())
    except RuntimeError:
        return False


PLETHORA = Archive("plethora", "NSCLC-Radiomics with PleThora", LAYOUT, (), read_plethora)
