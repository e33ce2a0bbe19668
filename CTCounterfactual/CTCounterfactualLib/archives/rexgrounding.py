"""ReXGroundingCT: findings of reports outlined in scans of CT-RATE.

    dataset.json                 splits, each a list of {"name": FILE, "findings": {"0": TEXT, ...}}
    segmentations/FILE           a volume with one more axis: a mask for each finding, in order
    anything else, FILE          the scans, which come from CT-RATE

A scan is a positive if one of its findings holds the word that was asked for, a negative if it has
findings, but none of these. The masks of the findings that do are joined, and written on the scan's
own grid, as a cohort takes them.

Baharoon et al., "ReXGroundingCT: A 3D Chest CT Dataset for Segmentation of Findings from Free-Text
Reports" (2025).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ScanError
from ..events import CancelToken
from ..storage.atomic import whole_file
from ..storage.bounded import MOST_RECORD_BYTES
from ..storage.objects import read_object
from .listed import Archive, Listed, Option, Row

INDEX, SEGMENTATIONS = "dataset.json", "segmentations"
LAYOUT = f"{INDEX}, folder {SEGMENTATIONS}, and the scans of CT-RATE by the names that it lists"
FINDING = Option("finding", "word in a finding's text that makes a scan a positive", "effusion")


def read_rexgrounding(
    folder: Path, options: Mapping[str, Any], masks: Path, cancel: CancelToken
) -> Listed:
    """List the scans by whether a finding holds the word; write the masks of those that do.

    Raises
    ------
    ScanError
        If the index lacks or is damaged, or nothing holds the word.
    OutputError
        If a mask can't be written.
    """
    word = str(options["finding"]).strip().casefold()
    if not word:
        raise ScanError("Give the word of the findings that make a positive, such as effusion.")
    listed = Listed()
    scans = {
        path.name: path
        for path in sorted(folder.rglob("*.nii.gz"))
        if SEGMENTATIONS not in path.relative_to(folder).parts
    }
    for split, entry in _entries(folder):
        cancel.check()
        name, findings = entry["name"], entry.get("findings") or {}
        held = [key for key, text in findings.items() if word in str(text).casefold()]
        if name not in scans:
            listed.leave(name, "the scan isn't there: get it from CT-RATE")
        elif not findings:
            listed.leave(name, f"no findings are told ({split})")
        else:
            listed.rows.append(_row(name, scans[name], held, len(findings), folder, masks))
    if listed.rows and not any(row.label for row in listed.rows):
        raise ScanError(f"No finding of a scan that is here holds '{word}'; give another word.")
    without = [row.id for row in listed.rows if row.label and row.mask is None]
    if without:
        listed.remarks.append(
            f"{len(without)} positives have no mask (withheld, or of another size than the scan): "
            f"{', '.join(without[:3])}{' ...' if len(without) > 3 else ''}."
        )
    return listed


def _row(name: str, scan: Path, held: list[str], findings: int, folder: Path, masks: Path) -> Row:
    id = name.removesuffix(".nii.gz")
    mask = folder / SEGMENTATIONS / name
    made = None
    if held and mask.is_file():
        made = _joined(mask, scan, [int(key) for key in held], findings, masks / name)
    # CT-RATE's names: split, patient, scan of the patient, reconstruction.
    group = "_".join(id.split("_")[:2])
    return Row(id, scan, float(bool(held)), group=group, mask=made)


def _joined(mask: Path, scan: Path, held: list[int], findings: int, out: Path) -> Path | None:
    """Write the joined masks of some findings on the scan's grid; None if sizes don't fit."""
    import numpy as np
    import SimpleITK as sitk

    try:
        reader = sitk.ImageFileReader()
        reader.SetFileName(str(scan))
        reader.ReadImageInformation()
        voxels = sitk.GetArrayFromImage(sitk.ReadImage(str(mask)))  # (K, J, I, F): axes turn round
    except RuntimeError:
        return None
    size = reader.GetSize()[::-1]
    if voxels.ndim == 3 and findings == 1:
        voxels = voxels[..., None]
    if voxels.ndim == 4 and voxels.shape[-1] != findings and voxels.shape[0] == findings:
        voxels = np.moveaxis(voxels, 0, -1)  # the findings as the last axis of the file
    if voxels.shape != (*size, findings) or not all(key < findings for key in held):
        return None
    joined = sitk.GetImageFromArray(np.asarray(np.any(voxels[..., held] > 0, axis=-1), np.uint8))
    joined.SetSpacing(reader.GetSpacing())
    joined.SetOrigin(reader.GetOrigin())
    joined.SetDirection(reader.GetDirection())
    with whole_file(out, parents=True) as path:
        sitk.WriteImage(joined, str(path), useCompression=True)
    return out


def _entries(folder: Path) -> list[tuple[str, dict[str, Any]]]:
    path = folder / INDEX
    try:
        splits = read_object(path, MOST_RECORD_BYTES)
    except FileNotFoundError:
        raise ScanError(f"{folder} holds no {INDEX}; expected: {LAYOUT}.") from None
    except (OSError, ValueError) as error:
        raise ScanError(f"Cannot read {path}: {error}.") from error
    found = [
        (split, entry)
        for split, entries in splits.items()
        if isinstance(entries, list)
        for entry in entries
        if isinstance(entry, dict) and isinstance(entry.get("name"), str)
    ]
    if not found:
        raise ScanError(f"{path} lists no scans; expected: {LAYOUT}.")
    return found


REXGROUNDING = Archive("rexgrounding", "ReXGroundingCT", LAYOUT, (FINDING,), read_rexgrounding)
