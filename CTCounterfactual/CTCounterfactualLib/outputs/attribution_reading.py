"""Reading the result folder of a method's map back: the inverse of `write_result` for it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ..counterfactual.result import Explanation, Flag, ModelInfo, PreparedInfo, TargetInfo
from ..errors import OutputError
from ..methods.attribution import Attribution, MethodInfo
from ..methods.levels import Level
from ..methods.registry import LATENT_SHIFT
from ..scans.scan import Scan
from .attribution_record import ATTRIBUTION_FILE, HEATMAP_FILE
from .earlier import RECORD
from .reading import (
    damaged,
    image_of,
    method_of,
    read_record,
    read_result,
    scan_of_record,
    voxels_of,
)


def read_attribution(folder: str | Path, scan: Scan | None = None) -> Attribution:
    """Read the result folder of a method's map back; see `read_result` for scan and errors."""
    folder = Path(folder)
    record = read_record(folder)
    try:
        if method_of(record) == LATENT_SHIFT:
            raise OutputError(
                f"{folder} holds a counterfactual, not a method's map: read it with read_result."
            )
        return _attribution(folder, record, scan)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(folder / RECORD, error) from error


def read_any_result(folder: str | Path, scan: Scan | None = None) -> Explanation | Attribution:
    """Read a result folder of either kind back, as its record says; see `read_result`."""
    folder = Path(folder)
    record = read_record(folder)
    try:
        counterfactual = method_of(record) == LATENT_SHIFT
    except (KeyError, TypeError) as error:
        raise damaged(folder / RECORD, error) from error
    return read_result(folder, scan) if counterfactual else read_attribution(folder, scan)


def _attribution(folder: Path, record: dict[str, Any], scan: Scan | None) -> Attribution:
    prepared, autoencoder = record["prepared"], record["autoencoder"]
    image = image_of(folder, ATTRIBUTION_FILE)
    return Attribution(
        scan=scan_of_record(folder, record, scan, image)[0],
        prepared=PreparedInfo(prepared["slices"], tuple(prepared["spacing"])),
        method=MethodInfo(**record["method"]),
        classifier=ModelInfo(**record["classifier"]),
        target=TargetInfo(**record["target"]),
        autoencoder=ModelInfo(**autoencoder) if autoencoder else None,
        score=record["scores"]["original"],
        values=voxels_of(folder, ATTRIBUTION_FILE),
        heatmap=voxels_of(folder, HEATMAP_FILE),
        levels=tuple(_level(**level) for level in record["heat_levels"]),
        flags=tuple(Flag(**flag) for flag in record["flags"]),
        seconds=dict(record["timing"]),
        peak_memory_mb=float(record["peak_memory_mb"]),
        versions=dict(record["versions"]),
        device=record["device"],
        seed=record["seed"],
        parts={part["name"]: voxels_of(folder, part["file"]) > 0 for part in record["parts"]},
        facts=dict(record["facts"]),
        partial=record["partial"],
    )


def _level(label: int, name: str, low: float | None, high: float | None) -> Level:
    low = -math.inf if low is None else low
    return Level(label, name, low, math.inf if high is None else high)
