"""What models are checked on: a generated chest, on the model's own grid."""

from __future__ import annotations

from ....scans.grid import GridSpec, PreparedScan, prepare
from ....scans.scan import Scan

# Finer than this only takes longer to generate; the grid resamples it anyway.
FINEST_MM = (1.5, 1.5, 3.0)
COARSEST_MM = 6.0
# The same chest at every check, so that its numbers can be compared.
SEED = 0


def generated_chest(grid: GridSpec) -> PreparedScan:
    """Return a generated chest on a model's grid; for another modality than CT as if it were one.

    There are numbers to check it on then; what it says of them means nothing.
    """
    from ....scans.generated import ChestSettings, generate_chest

    i, j, k = (
        min(max(wanted, finest), COARSEST_MM)
        for wanted, finest in zip(grid.spacing, FINEST_MM, strict=True)
    )
    chest = generate_chest(ChestSettings(spacing=(i, j, k), seed=SEED))
    scan = Scan.from_array(
        chest.hu, chest.spacing, chest.origin, name="chest", modality=grid.modality
    )
    return prepare(scan, grid)
