"""A finished explanation, read back with all that is measured of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..bench.case_result import CaseResult, read_case_result
from ..bench.volumes import body_and_outside, turned
from ..counterfactual.result import Explanation
from ..methods.attribution import Attribution
from ..methods.registry import LATENT_SHIFT
from ..outputs.attribution_reading import read_attribution
from ..outputs.reading import method_of, read_record, read_result
from ..scans.read import read_scan
from ..scans.scan import Scan


@dataclass(frozen=True)
class Subject:
    """A result to measure; arrays (K, J, I), K to Superior, J to Posterior, I to Left.

    Parameters
    ----------
    result : Explanation or Attribution
        As it was read, on the scan's own axes.
    scan : Scan
        Turned to the arrays' axes.
    volumes : CaseResult
        The counterfactual, or the map, on them.
    body, outside : numpy.ndarray
        bool: the patient, and what lies surely outside.
    """

    result: Explanation | Attribution
    scan: Scan
    volumes: CaseResult
    body: np.ndarray
    outside: np.ndarray

    @property
    def change(self) -> np.ndarray | None:
        """The counterfactual minus the scan, HU, float32; None of a map."""
        if self.volumes.changed is None:
            return None
        return self.volumes.changed - self.scan.array

    @property
    def method(self) -> str:
        """The name of the method that made it."""
        return method_name(self.result)


def method_name(result: Explanation | Attribution) -> str:
    """Return the name of the method that made a result."""
    return result.method.name if isinstance(result, Attribution) else LATENT_SHIFT


def read_any(folder: Path, scan: Scan | None = None) -> Explanation | Attribution:
    """Read a result folder of any method back; errors as `read_result`'s."""
    read = read_result if method_of(read_record(folder)) == LATENT_SHIFT else read_attribution
    return read(folder, scan)


def read_subject(folder: Path, scan: str | Path | None = None) -> Subject:
    """Read a result and its scan.

    Parameters
    ----------
    folder : Path
        A result folder.
    scan : str or Path, optional
        Where the scan is now, if it isn't where the record says.

    Raises
    ------
    OutputError, ScanError
        If either can't be read, or the scan is another one.
    """
    result = read_any(folder, None if scan is None else read_scan(scan, assume_hu=True))
    upright = turned(result.scan)
    volumes = read_case_result(folder, upright)
    others = () if volumes.changed is None else (upright.with_voxels(volumes.changed),)
    return Subject(result, upright, volumes, *body_and_outside(upright, *others))
