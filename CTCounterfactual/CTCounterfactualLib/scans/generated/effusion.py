"""Free pleural fluid of a supine patient: where its surface lies for a given volume."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .chest_settings import ChestSettings
from .fields import Fields, hemithorax_distance
from .lattice import LATTICE_STEP_MM
from .patient import Patient
from .shapes import coverage, ramp

# Fluid climbs this far up the chest wall (meniscus) within this distance of the pleura.
MENISCUS_MM, MENISCUS_REACH_MM = 26.0, 26.0
# It pools at the base: the surface falls towards the apex by this much over 100 mm.
BASAL_SLOPE = 0.22


@dataclass(frozen=True)
class Effusion:
    """Fluid fills the pleural space of one side below (behind) `level` mm."""

    right: bool
    level: float


def _depth(cage: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """How dependent a point is, mm: grows to the back, the base and the chest wall."""
    near_wall = ramp(cage, -MENISCUS_REACH_MM, 0.0)
    return y - BASAL_SLOPE * (z - 100.0) + MENISCUS_MM * near_wall


def fluid_distance(effusion: Effusion, patient: Patient, x, y, z, cage) -> np.ndarray:
    """Signed distance (mm) to the fluid's surface, negative in fluid, large on the other side."""
    distance = effusion.level - _depth(cage, y, z)
    return np.where((x < 0.0) == effusion.right, distance, np.float32(1e3))


def solve_effusion(settings: ChestSettings, fields: Fields) -> Effusion | None:
    """Find the fluid level that holds `settings.effusion_ml`, or None without fluid.

    The volume below each level is summed on the lattice, so it does not depend on the spacing.
    """
    if settings.effusion_ml == 0.0:
        return None
    right = settings.effusion_side == "right"
    space = hemithorax_distance(fields.cage, fields.abdomen, fields.mediastinum)
    filled = coverage(space, LATTICE_STEP_MM) * ((fields.x < 0.0) == right)
    inside = filled > 0.0
    depth = _depth(fields.cage, fields.y, fields.z)[inside]
    order = np.argsort(-depth)
    volume = np.cumsum(filled[inside][order], dtype=float) * LATTICE_STEP_MM**3 / 1000.0
    index = min(int(np.searchsorted(volume, settings.effusion_ml)), len(order) - 1)
    return Effusion(right, float(depth[order[index]]))
