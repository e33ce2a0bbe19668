"""Put a table top under the patient: two thin shells with foam between, curved up at the sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..errors import ScanError
from .layers import Layer, between
from .patient import Patient

# From the lowest skin to the table: a mattress, or none; mm.
GAP_MM, THICK_MM, SHELL_MM = (0.0, 25.0), (15.0, 40.0), (1.2, 2.5)
# Carbon fibre and resin; foam.
SHELL_HU, FOAM_HU = (-350.0, 50.0), (-980.0, -900.0)
# Radius of the curve, mm: from a trough to nearly flat.
CURVE_MM = (450.0, 2000.0)
# The skin is the lowest over this share of slices, so that no single one decides.
LOWEST_SHARE = 0.02
# It is seen if at least this much of its thickness is.
LEAST_SEEN_MM = 5.0


@dataclass(frozen=True)
class Table:
    """A table top below the whole patient.

    Parameters
    ----------
    surface_mm : float
        J of its upper surface in the middle, mm.
    middle_mm : float
        I of its middle, mm.
    gap_mm, thick_mm, shell_mm, curve_mm : float
        Below the lowest skin; of the plate; of each shell; radius of its curve.
    shell_hu, foam_hu : float
        Densities.
    """

    surface_mm: float
    middle_mm: float
    gap_mm: float
    thick_mm: float = 25.0
    shell_mm: float = 1.8
    curve_mm: float = 900.0
    shell_hu: float = -150.0
    foam_hu: float = -950.0


def draw_table(patient: Patient, rng: np.random.Generator) -> Table:
    """Draw a table top; raise `ScanError` if the field of view ends before it."""
    rows = patient.body.any(axis=2).argmax(axis=1)[patient.body.any(axis=(1, 2))]  # (K,): lowest J
    lowest = float(np.quantile(rows, LOWEST_SHARE)) * patient.steps[1]
    gap = float(rng.uniform(GAP_MM[0], min(GAP_MM[1], max(lowest - LEAST_SEEN_MM, 0.0))))
    if lowest < LEAST_SEEN_MM:
        raise ScanError(
            f"No room in {patient.name} for a table top: the field of view ends {lowest:.0f} mm "
            f"behind the patient."
        )
    columns = np.flatnonzero(patient.body.any(axis=(0, 1)))
    middle = (columns[0] + columns[-1]) / 2 * patient.steps[2]
    return Table(
        lowest - gap,
        float(middle),
        gap,
        float(rng.uniform(*THICK_MM)),
        float(rng.uniform(*SHELL_MM)),
        float(rng.uniform(*CURVE_MM)),
        float(rng.uniform(*SHELL_HU)),
        float(rng.uniform(*FOAM_HU)),
    )


def paint_table(patient: Patient, table: Table, rng: np.random.Generator) -> list[Layer]:
    """Return foam and shells as layers; nothing within the body."""
    _, rows, columns = patient.hu.shape
    j = (np.arange(rows) * patient.steps[1])[:, None]
    i = (np.arange(columns) * patient.steps[2] - table.middle_mm)[None]
    aside = np.minimum(np.abs(i), 0.9 * table.curve_mm)
    rise = table.curve_mm - np.sqrt(table.curve_mm**2 - aside**2)
    depth = table.surface_mm + rise - j  # (J, I): mm below the upper surface
    width = float(patient.steps[1])
    box = tuple(slice(0, n) for n in patient.hu.shape)
    free = ~patient.body
    core = between(depth, table.shell_mm, table.thick_mm - table.shell_mm, width)
    shells = between(depth, 0.0, table.thick_mm, width) - core
    return [Layer(box, core * free, table.foam_hu), Layer(box, shells * free, table.shell_hu)]


def words(patient: Patient, table: Table) -> str:
    """Return where it lies."""
    return f"{table.gap_mm:.0f} mm below the back, {table.thick_mm:.0f} mm thick"
