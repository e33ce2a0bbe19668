"""Reading a result folder back: the inverse of `write_result`, without torch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import SimpleITK as sitk

from ..counterfactual.added import difference as difference_of
from ..counterfactual.aim import Aim
from ..counterfactual.plausible import Plausibility
from ..counterfactual.result import (
    ChunkHeatmap,
    Explanation,
    Flag,
    Frame,
    ModelInfo,
    PreparedInfo,
    Scores,
    TargetInfo,
    Timing,
)
from ..counterfactual.settings import ExplainSettings
from ..errors import CTCounterfactualError, OutputError
from ..methods.registry import LATENT_SHIFT
from ..scans.geometry import same_grid, tolerance_mm
from ..scans.hounsfield import in_type
from ..scans.modality import CT
from ..scans.pieces import pieces
from ..scans.read import read_scan
from ..scans.scan import Scan
from ..storage.bounded import MOST_RECORD_BYTES
from ..storage.objects import read_json
from .earlier import RECORD
from .record import SCHEMA
from .recorded import level_of, outcome_of
from .region_record import region_search_of
from .volumes import LUNGS_FILE, SCAN_FILE, heatmap_file

# HU by which a scan with fractions may differ from itself read back: some ways keep fewer digits.
FRACTION_TOLERANCE_HU = 0.01


def read_result(folder: str | Path, scan: Scan | None = None) -> Explanation:
    """Read a result folder back.

    Needs neither torch nor the models, and may be called in a thread of its own.

    Parameters
    ----------
    folder : str or Path
        As `write_result` made it.
    scan : Scan, optional
        The scan that was explained. Default: the result's own `scan.nrrd`, or else the input that
        the record names.

    Returns
    -------
    Explanation
        Equal to the one that was written, except that warnings of the scan are among the flags
        only.

    Raises
    ------
    OutputError
        If it is no result, of another schema, files are missing or damaged, or the scan is another.
    """
    folder = Path(folder)
    record = read_record(folder)
    try:
        method = method_of(record)
        if method != LATENT_SHIFT:
            raise OutputError(
                f"{folder} holds the map of the method {method}, no counterfactual: read it with "
                f"read_attribution."
            )
        return _explanation(folder, record, scan)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(folder / RECORD, error) from error


def damaged(path: Path, error: Exception) -> OutputError:
    """Return what is said of a record that lacks something."""
    return OutputError(
        f"{path} is damaged: {type(error).__name__} {error}. Copy or compute the result again."
    )


def method_of(record: dict[str, Any]) -> str:
    """Return the name of the method that made a result; the first versions had one only."""
    return record["method"]["name"] if "method" in record else LATENT_SHIFT


def _explanation(folder: Path, record: dict[str, Any], scan: Scan | None) -> Explanation:
    settings = record["settings"]
    direction = settings["direction"]
    chunks = tuple(outcome_of(search, direction) for search in record["chunks"])
    files = record["files"]
    changed = image_of(folder, "counterfactual.nrrd")
    difference = voxels_of(folder, "difference.nrrd")
    return Explanation(
        scan=_scan(folder, record, scan, changed, difference),
        prepared=PreparedInfo(record["prepared"]["slices"], tuple(record["prepared"]["spacing"])),
        settings=ExplainSettings(
            **{name: settings[name] for name in ExplainSettings.names() if name in settings}
        ),
        classifier=ModelInfo(**record["classifier"]),
        target=TargetInfo(**record["target"]),
        autoencoder=ModelInfo(**record["autoencoder"]),
        scores=Scores(**record["scores"]),
        whole=outcome_of(record["whole"], direction) if record["whole"] else None,
        chunks=chunks,
        counterfactual=sitk.GetArrayFromImage(changed),
        difference=difference,
        heatmap=voxels_of(folder, "heatmap.nrrd"),
        chunk_heatmaps=tuple(
            ChunkHeatmap(o.start, o.stop, image_of(folder, heatmap_file(o.start, o.stop)))
            for o in chunks
        ),
        levels=tuple(level_of(**level) for level in record["heat_levels"]),
        flags=tuple(Flag(**flag) for flag in record["flags"]),
        timing=Timing(**record["timing"]),
        peak_memory_mb=float(record["peak_memory_mb"]),
        versions=dict(record["versions"]),
        device=record["device"],
        frames=tuple(
            Frame(frame["fraction"], frame["score"], image_of(folder, frame["file"]))
            for frame in record.get("frames", ())  # the first version wrote none
        ),
        lungs=image_of(folder, LUNGS_FILE) if LUNGS_FILE in files else None,
        region_name=record.get("region") or "",
        region_search=region_search_of(
            record.get("region_search"), direction, lambda name: image_of(folder, name)
        ),
        plausibility=Plausibility(**record["plausibility"]) if record.get("plausibility") else None,
        aim=Aim(**record["goal"]) if record.get("goal") else None,
    )


def read_record(folder: Path) -> dict[str, Any]:
    """Return a folder's record; raise `OutputError` if there is none, or not of this schema."""
    path = folder / RECORD
    try:
        record = read_json(path, MOST_RECORD_BYTES)
    except FileNotFoundError as error:
        raise OutputError(
            f"{folder} holds no result: there is no {RECORD} in it. Choose the folder that the "
            f"result was written to."
        ) from error
    except OSError as error:
        raise OutputError(f"Cannot read {path}: {error.strerror}.") from error
    except ValueError as error:
        raise OutputError(
            f"{path} is damaged: {error}. Copy or compute the result again."
        ) from error
    schema = record.get("schema") if isinstance(record, dict) else None
    if schema != SCHEMA:
        raise OutputError(
            f"{path} has schema {schema!r}; this version reads schema {SCHEMA}. Read it with the "
            f"version that wrote it."
        )
    return record


def _scan(
    folder: Path,
    record: dict[str, Any],
    scan: Scan | None,
    counterfactual: sitk.Image,
    difference: np.ndarray,
) -> Scan:
    """Return the scan under the record's name, making sure that it is the one that was changed."""
    scan, place = scan_of_record(folder, record, scan, counterfactual)
    if not _adds_up(scan.array, sitk.GetArrayViewFromImage(counterfactual), difference):
        raise OutputError(
            f"{place} is not the scan that was explained: its voxels differ from those that the "
            f"result was made from. Explain it again."
        )
    return scan


def scan_of_record(
    folder: Path, record: dict[str, Any], scan: Scan | None, on_its_grid: sitk.Image
) -> tuple[Scan, str]:
    """Return the scan that was explained, by its size and place, and where it was found.

    Parameters
    ----------
    scan : Scan, optional
        If it is at hand; None reads it.
    on_its_grid : SimpleITK.Image
        A volume of the result on the scan's own grid.
    """
    told = record["input"]
    place = "The given scan"
    if scan is None:
        own = SCAN_FILE in record["files"]
        if not own and not told["path"]:
            raise OutputError(
                f"{folder} doesn't hold the scan, and it was never in a file: give it as `scan`."
            )
        place = str(folder / SCAN_FILE if own else told["path"])
        try:
            # It was looked at when it was explained.
            series = None if own else told.get("series") or None
            scan = read_scan(place, series, assume_hu=True, modality=told.get("modality", CT))
        except CTCounterfactualError as error:
            raise OutputError(f"Cannot read the scan that was explained: {error}") from error
    scan = replace(
        scan,
        name=told["name"],
        path=told["path"],
        sha256=told["sha256"],
        series=told.get("series", ""),
        modality=told.get("modality", CT),
    )
    stretched = [np.diag([*spacing, 1.0]) for spacing in (scan.spacing, told["spacing"])]
    if list(scan.size) != told["size"] or not same_grid(scan.size, *stretched):
        raise OutputError(
            f"{place} is not the scan that was explained: it has {_grid(scan.size, scan.spacing)}, "
            f"that one had {_grid(told['size'], told['spacing'])}."
        )
    _check_place(scan.image, on_its_grid, place)
    return scan, place


def _adds_up(scan: np.ndarray, counterfactual: np.ndarray, difference: np.ndarray) -> bool:
    """Tell whether the difference is the counterfactual minus the scan.

    Earlier versions wrote whole HU whatever the scan's type was; so `in_type` rounds where needed.
    """
    tolerance = FRACTION_TOLERANCE_HU if counterfactual.dtype.kind == "f" else 0
    for part in pieces(scan.shape):
        changed = counterfactual[part]
        found = difference_of(changed, in_type(scan[part], changed.dtype))
        if not np.allclose(found, difference[part], rtol=0, atol=tolerance):
            return False
    return True


def _check_place(scan: sitk.Image, counterfactual: sitk.Image, place: str) -> None:
    """Raise `OutputError` if a scan lies elsewhere in space, or is turned otherwise, by its result.

    The counterfactual was written on the scan's own grid, so that results of every version tell.
    """
    wanted, found = Scan(counterfactual).ijk_to_ras(), Scan(scan).ijk_to_ras()
    if same_grid(scan.GetSize(), wanted, found):
        return
    moved = np.linalg.norm((found - wanted)[:3, 3])
    if moved > tolerance_mm(wanted):
        raise OutputError(
            f"{place} is not the scan that was explained: it lies {moved:.4g} mm away from where "
            f"that one lay. Give the scan in its own place."
        )
    raise OutputError(
        f"{place} is not the scan that was explained: its axes have other directions than that "
        f"one's. Give the scan with its own orientation."
    )


def _grid(size, spacing) -> str:
    extent = " x ".join(str(n) for n in size)
    return f"{extent} voxels of {' x '.join(f'{s:.4g}' for s in spacing)} mm"


def voxels_of(folder: Path, name: str) -> np.ndarray:
    """Return an image file's voxels: (K, J, I)."""
    return sitk.GetArrayFromImage(image_of(folder, name))


def image_of(folder: Path, name: str) -> sitk.Image:
    """Read an image file of a result; raise `OutputError` if it lacks or is damaged."""
    path = folder / name
    if not path.is_file():
        raise OutputError(
            f"{folder} lacks the file {name}, which its {RECORD} lists. Copy or compute the result "
            f"again."
        )
    try:
        return sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise OutputError(
            f"Cannot read {path}: the file is damaged or cut off. Copy or compute the result again."
        ) from error
