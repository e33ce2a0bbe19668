"""What a folder of results holds of one case: ours, or any other method's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import OutputError, ScanError
from ..outputs.earlier import RECORD
from ..scans.modality import CT
from ..scans.scan import Scan
from ..storage.bounded import MOST_RECORD_BYTES
from ..storage.objects import read_object
from .record import REVERSAL_FILE, CaseRecord
from .volumes import find_volume, read_onto

COUNTERFACTUAL, HEATMAP, ATTRIBUTION = "counterfactual", "heatmap", "attribution"
# A CT in HU spans thousands; a volume that spans less than this is in 0..1 or another unit.
LEAST_SPAN_HU = 100.0
# Slices may lean by so much against the chunks' faces, which are level: cosine of about 3 degrees.
_LEVEL = 0.9986


@dataclass(frozen=True)
class CaseResult:
    """The volumes of a result on the case's turned grid: (K, J, I), float32.

    Parameters
    ----------
    changed : numpy.ndarray or None
        The counterfactual, HU.
    back : numpy.ndarray or None
        The counterfactual explained the other way, HU.
    heatmap : numpy.ndarray or None
        Any unit: a rival's own. Ours holds labels and is no map of sizes: None.
    levels : numpy.ndarray or None
        HU: our heatmap of chunks, each label as the edge of its level that is nearer to 0.
    chunk : numpy.ndarray or None
        (K,), int: which of our chunks each slice belongs to.
    record : CaseRecord
        Scores and cost, as far as they are known.
    """

    changed: np.ndarray | None
    back: np.ndarray | None
    heatmap: np.ndarray | None
    levels: np.ndarray | None
    chunk: np.ndarray | None
    record: CaseRecord


def read_case_result(folder: Path, scan: Scan) -> CaseResult:
    """Read the result of a case.

    Parameters
    ----------
    folder : Path
        With `counterfactual` and `heatmap`, or one of them, in any format of scans, on any grid; of
        our own methods that make a map, `attribution`.
    scan : Scan
        The case's, turned.

    Raises
    ------
    ScanError, OutputError
        What lacks or is damaged.
    """
    if not folder.is_dir():
        raise ScanError(f"it has no result: there is no folder {folder}.")
    changed = find_volume(folder, COUNTERFACTUAL)
    heatmap = find_volume(folder, ATTRIBUTION) or find_volume(folder, HEATMAP)
    if changed is None and heatmap is None:
        raise ScanError(
            f"it has no result: {folder} holds neither {COUNTERFACTUAL}.nrrd nor {HEATMAP}.nrrd "
            f"(or one of them in another format)."
        )
    # The heatmap of a counterfactual holds labels; a map in a method's own unit doesn't.
    ours = (folder / RECORD).is_file() and changed is not None
    levels, chunk = _chunks(folder, scan, heatmap) if ours and heatmap else (None, None)
    back = folder / REVERSAL_FILE
    return CaseResult(
        changed=None if changed is None else _read_hu(changed, scan),
        back=_read_hu(back, scan) if back.is_file() else None,
        heatmap=None if ours or heatmap is None else read_onto(heatmap, scan, 0.0),
        levels=levels,
        chunk=chunk,
        record=CaseRecord.read(folder),
    )


def _read_hu(path: Path, scan: Scan) -> np.ndarray:
    """Return a counterfactual: where it doesn't reach, nothing has changed."""
    values = read_onto(path, scan, scan.array.astype(np.float32))
    low, high = float(values.min()), float(values.max())
    if scan.modality == CT and high - low < LEAST_SPAN_HU:
        raise ScanError(f"{path} holds values from {low:g} to {high:g}; expected is a CT in HU.")
    return values


def _chunks(folder: Path, scan: Scan, heatmap: Path) -> tuple[np.ndarray | None, np.ndarray | None]:
    """Return our heatmap of chunks in HU and the chunk of each slice; or None and None."""
    try:
        result = read_object(folder / RECORD, MOST_RECORD_BYTES)
        faces = [chunk["slab_mm"][1] for chunk in result["chunks"]]
        levels = {int(level["label"]): _nearer(level) for level in result["heat_levels"]}
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise OutputError(f"{folder / RECORD} can't be read: {error}.") from error
    if len(faces) < 2 or scan.image.GetDirection()[-1] < _LEVEL:
        return None, None
    labels = read_onto(heatmap, scan, 0.0).astype(np.int64)
    hu = np.zeros(max(*levels, int(labels.max())) + 1, np.float32)
    for label, value in levels.items():
        hu[label] = value
    heights = [scan.image.TransformIndexToPhysicalPoint((0, 0, k))[2] for k in range(len(labels))]
    return hu[labels], np.searchsorted(np.sort(faces)[:-1], heights, side="right")


def _nearer(level: dict[str, Any]) -> float:
    edges = [float(edge) for edge in (level["low_hu"], level["high_hu"]) if edge is not None]
    return min(edges, key=abs)
