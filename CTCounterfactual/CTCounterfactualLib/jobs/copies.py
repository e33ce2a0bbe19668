"""A copy of a scan's voxels in another file: what else the scan is goes along, number by number."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from ..checked import check_fields
from ..errors import ScanError
from ..scans.scan import Scan
from ..storage.atomic import write_json
from ..storage.bounded import MOST_SETTINGS_BYTES
from ..storage.objects import read_json


@dataclass(frozen=True)
class _Facts:
    """All of a `Scan` but its voxels; a file's geometry may be rounded in the last digit."""

    name: str
    path: str
    series: str
    sha256: str
    warnings: list
    spacing: tuple[float, ...]
    origin: tuple[float, ...]
    direction: tuple[float, ...]


def write_facts(scan: Scan, path: Path) -> None:
    """Write down what a scan is besides its voxels, for `with_facts`."""
    write_json(
        path,
        {
            "name": scan.name,
            "path": scan.path,
            "series": scan.series,
            "sha256": scan.sha256,
            "warnings": [list(warning) for warning in scan.warnings],
            "spacing": list(scan.image.GetSpacing()),
            "origin": list(scan.image.GetOrigin()),
            "direction": list(scan.image.GetDirection()),
        },
    )


def with_facts(copy: Scan, path: str | Path) -> Scan:
    """Return a copy as the scan that it was made of: its name, origin, warnings, exact geometry.

    Raises
    ------
    ScanError
        If the facts can't be read, or are none.
    """
    try:
        values: Any = read_json(Path(path), MOST_SETTINGS_BYTES)
        facts = _Facts(**check_fields(_Facts, values, f"The facts of a scan {path}"))
        image = sitk.Image(copy.image)
        image.SetSpacing(facts.spacing)
        image.SetOrigin(facts.origin)
        image.SetDirection(facts.direction)
        warnings = tuple((str(kind), str(text)) for kind, text in facts.warnings)
    except (OSError, ValueError, TypeError, RuntimeError) as error:
        raise ScanError(
            f"Cannot read of which scan {copy.name} is a copy ({path}): {error}. Leave out copy_of."
        ) from error
    return replace(
        copy,
        image=image,
        name=facts.name,
        path=facts.path,
        series=facts.series,
        sha256=facts.sha256,
        warnings=warnings,
    )
