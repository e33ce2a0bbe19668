"""What the explanation of one scan by any method but a counterfactual consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..counterfactual.result import Flag, ModelInfo, PreparedInfo, TargetInfo
from ..scans.scan import Scan
from .levels import Level


@dataclass(frozen=True)
class MethodInfo:
    """Which method, what its values mean, with which of its options."""

    name: str
    description: str
    sign: str
    options: Mapping[str, Any]


@dataclass(frozen=True)
class Attribution:
    """A finished map of one scan; volumes lie on the scan's own grid.

    Parameters
    ----------
    scan, prepared : Scan, PreparedInfo
        The input, and the grid on which the classifier saw it.
    method : MethodInfo
        How it was made.
    classifier, target : ModelInfo, TargetInfo
        Of what.
    autoencoder : ModelInfo or None
        If the method used one.
    score : float
        Of the prepared scan.
    values : numpy.ndarray
        (K, J, I), float32: the method's values, as `method.sign` says.
    heatmap : numpy.ndarray
        (K, J, I), uint8: labels of `levels`.
    levels : tuple of Level
        What each label means (0 is less than the first).
    parts : mapping of str to numpy.ndarray
        Named sets of voxels, (K, J, I), bool.
    facts : mapping
        What else the method knows, plain JSON values.
    flags : tuple of Flag
        Named warnings.
    seconds : mapping
        That `search` and `total` took.
    partial : bool
        Whether it was cancelled and holds what was there.
    """

    scan: Scan
    prepared: PreparedInfo
    method: MethodInfo
    classifier: ModelInfo
    target: TargetInfo
    autoencoder: ModelInfo | None
    score: float
    values: np.ndarray
    heatmap: np.ndarray
    levels: tuple[Level, ...]
    flags: tuple[Flag, ...]
    seconds: Mapping[str, float]
    peak_memory_mb: float
    versions: Mapping[str, str]
    device: str
    seed: int
    parts: Mapping[str, np.ndarray] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    partial: bool = False
