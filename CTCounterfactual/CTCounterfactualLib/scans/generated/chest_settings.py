"""What to ask of the generated chest (`ChestSettings`) and what comes back (`GeneratedChest`)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...checked import check_limits, take_types
from ...errors import SettingsError
from ...limits import SEED

# Field of view of a default scan, mm (I, J, K): holds every body the seeds draw, with air around
# it and the table below it, and is a multiple of 32 voxels in-plane at 1.5 mm.
FIELD_OF_VIEW_MM = (384.0, 336.0, 300.0)
# Centre of that field of view, LPS mm; the spine stands at x = 0, the lung bases near z = 0.
FIELD_CENTRE_MM = (0.0, -8.0, 136.0)
# Above this no adult hemithorax keeps an aerated lung to compare with.
MAX_EFFUSION_ML = 2500.0
# Coarser voxels than this no longer resolve a rib or the trachea.
MAX_SPACING_MM = 12.0


@dataclass(frozen=True)
class ChestSettings:
    """Describe one synthetic chest CT; the same settings give the same voxels.

    spacing: voxel size (I, J, K), mm. size: voxels (I, J, K) about the centre of the chest, or
    None for the whole chest. seed: chooses the patient (body, lungs, heart, vessels, noise).
    effusion_ml, effusion_side: free pleural fluid of a supine patient; anatomy and noise do not
    depend on them, so two settings differing only here are a matched pair.
    noise_hu, contrast, table: None lets the seed choose (11..24 HU standard deviation in soft
    tissue; intravenous contrast in two of five; table in four of five).

    Raises SettingsError for settings that no scan can have.
    """

    spacing: tuple[float, float, float] = (1.5, 1.5, 3.0)
    size: tuple[int, int, int] | None = None
    seed: int = 0
    effusion_ml: float = 0.0
    effusion_side: str = "left"
    noise_hu: float | None = None
    contrast: bool | None = None
    table: bool | None = None

    def __post_init__(self) -> None:
        take_types(self)
        check_limits(self, seed=SEED)
        if len(self.spacing) != 3 or not all(0.0 < s <= MAX_SPACING_MM for s in self.spacing):
            raise SettingsError(
                f"spacing must be three voxel sizes (I, J, K) above 0 and up to "
                f"{MAX_SPACING_MM:g} mm, got {self.spacing!r}"
            )
        if self.size is not None and (len(self.size) != 3 or not all(n >= 1 for n in self.size)):
            raise SettingsError(
                f"size must be three voxel counts (I, J, K) >= 1, got {self.size!r}"
            )
        if not 0.0 <= self.effusion_ml <= MAX_EFFUSION_ML:
            raise SettingsError(
                f"effusion_ml must be between 0 and {MAX_EFFUSION_ML:g} ml, "
                f"got {self.effusion_ml!r}"
            )
        if self.effusion_side not in ("left", "right"):
            raise SettingsError(
                f"effusion_side must be 'left' or 'right' (the patient's), "
                f"got {self.effusion_side!r}"
            )
        if self.noise_hu is not None and not (self.noise_hu >= 0.0):
            raise SettingsError(f"noise_hu must be >= 0 HU or None, got {self.noise_hu!r}")

    def voxels(self) -> tuple[int, int, int]:
        """Number of voxels (I, J, K) of the scan."""
        if self.size is not None:
            return self.size
        i, j, k = (
            max(1, math.ceil(f / s - 1e-6))
            for f, s in zip(FIELD_OF_VIEW_MM, self.spacing, strict=True)
        )
        return i, j, k

    def origin(self) -> tuple[float, float, float]:
        """Centre of voxel (0, 0, 0), LPS mm."""
        x, y, z = (
            c - 0.5 * (n - 1) * s
            for c, n, s in zip(FIELD_CENTRE_MM, self.voxels(), self.spacing, strict=True)
        )
        return x, y, z


@dataclass(frozen=True)
class GeneratedChest:
    """A synthetic chest CT and the truth it was made from.

    hu: (K, J, I) int16, HU; I grows to the patient's Left, J to Posterior, K to Superior, so the
    direction is the identity in LPS. spacing: (I, J, K) mm. origin: centre of voxel (0, 0, 0),
    (x, y, z) LPS mm. masks: (K, J, I) bool by name: body, lungs, left_lung, right_lung (aerated
    lung with its vessels, without pleural fluid), heart, trachea (lumen down to the main
    bronchi), bone, vessels (pulmonary, inside the lungs), effusion.
    """

    hu: np.ndarray
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    masks: dict[str, np.ndarray]

    def volume_ml(self, mask: str) -> float:
        """Volume of a mask, ml."""
        return float(np.count_nonzero(self.masks[mask]) * math.prod(self.spacing) / 1000.0)
