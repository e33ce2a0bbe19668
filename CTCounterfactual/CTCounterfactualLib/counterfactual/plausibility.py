"""Could the changed scan exist? How many mL of it became what no body holds in that place.

Scores can't tell: a classifier is satisfied by whatever it reacts to. So these measures look at
the picture, before (x) and after (x'), HU on the prepared grid; `plausible` says what they are.

Noise and single voxels count for nothing: but for the wall and the air outside, all is measured on
x and x' smoothed a little. It is done a few slices at a time, in the memory of those.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from ..scans.grid import GridSpec
from .plausible import Plausibility
from .rib_cage import BONE_HU, Ribs

# Standard deviation of the smoothing, which leaves thin rims, and of that for haze, which vessels
# and noise aren't; slices around a piece that its smoothing and distances see.
FINE_MM, SMOOTH_MM = 1.5, 3.0
PIECE_SLICES, HALO_SLICES = 32, 12
# |change| of the smoothed picture that is seen, that no reader misses, and that makes of it another
# tissue.
VISIBLE_HU, PLAIN_HU, STRONG_HU = 25.0, 100.0, 200.0
# The same that is no trifle; and of the plain one, where none is allowed.
CHANGED_HU, CHANGED_OUTSIDE_HU = 50.0, 50.0
# Fat and denser is tissue; what is below is lung or air, if it isn't in between.
TISSUE_HU, LUNG_HU = -200.0, -500.0
# Fluid, organs and muscle, smoothed; contrast medium apart, nothing soft is brighter.
SOFT_HU, BRIGHT_HU = 0.0, 130.0
# Rise over the lung within `AROUND_MM` that makes a haze; below `LUNG_EDGE_HU` it is still lung.
HAZE_HU, LUNG_EDGE_HU, AROUND_MM = 100.0, -250.0, 15.0
AIR_HU = -950.0
# So near the lung's border its own partial volume and its movement look like haze.
LUNG_BORDER_MM = 9.0
# So far outside the body a change is none of its surface.
SKIN_MM = 6.0


def plausibility(
    before: np.ndarray,
    after: np.ndarray,
    spec: GridSpec,
    lungs: np.ndarray | None = None,
    body: np.ndarray | None = None,
) -> Plausibility:
    """Measure what a change did to a prepared scan.

    Parameters
    ----------
    before, after : numpy.ndarray
        (K, J, I), 0..1: the prepared scan and its counterfactual.
    spec : GridSpec
        Of both.
    lungs, body : numpy.ndarray, optional
        (K, J, I), bool, of the scan. Without lungs there is no haze, without a body no wall (but
        for bone) and no outside.
    """
    ribs = None if body is None else Ribs(before, body, lungs, spec)
    found = Plausibility()
    for start in range(0, len(before), PIECE_SLICES):
        stop = min(start + PIECE_SLICES, len(before))
        around = slice(max(start - HALO_SLICES, 0), min(stop + HALO_SLICES, len(before)))
        changed = (before[around] != after[around]).any(0)
        if not changed.any():
            continue
        box = (around, *_box(changed, spec))
        kept = slice(start - around.start, stop - around.start)
        found += _piece(
            spec.window.to_hu(before[box]),
            spec.window.to_hu(after[box]),
            kept,
            spec,
            None if lungs is None else lungs[box],
            None if body is None else body[box],
            None if ribs is None else ribs.wall(start, stop)[:, box[1], box[2]],
        )
    return found


def _box(changed: np.ndarray, spec: GridSpec) -> tuple[slice, slice]:
    """Return rows and columns that hold what changed (J, I), with some around it."""
    found = []
    for axis, size in ((1, spec.spacing[1]), (0, spec.spacing[0])):
        (where,) = np.nonzero(changed.any(axis))
        margin = round(2 * AROUND_MM / size)
        found.append(slice(max(where[0] - margin, 0), where[-1] + margin + 1))
    return found[0], found[1]


def _piece(x, to, kept, spec, lungs, body, wall) -> Plausibility:
    """Measure slices `kept` of a piece in HU, with what is around them; `wall` has these alone."""

    def ml(mask: np.ndarray) -> float:
        return float(np.count_nonzero(mask[kept])) * spec.voxel_litres * 1e3

    carved = (x > TISSUE_HU) & (to < LUNG_HU)
    carved[kept] &= (x[kept] > BONE_HU) if wall is None else (x[kept] > BONE_HU) | wall
    b, a = _smoothed(x, FINE_MM, spec), _smoothed(to, FINE_MM, spec)
    change = a - b
    # Where the change itself lies: smoothed alone it would reach into what is beside it.
    thinned = (x > SOFT_HU - CHANGED_HU) & (to - x < -CHANGED_HU) & (change < -CHANGED_HU)
    # Both: smoothing mixes bone into what is beside it, noise alone is bright here and there.
    bright = (a > BRIGHT_HU) & (to > BRIGHT_HU) & (b < BRIGHT_HU)
    return Plausibility(
        wall_to_air=ml(carved),
        brightened=ml(bright & (change > CHANGED_HU)),
        denser_tissue=ml((b > SOFT_HU) & (change > CHANGED_HU)),
        haze=0.0 if lungs is None else ml(_haze(x, to, lungs, spec)),
        changed=ml(np.abs(change) > VISIBLE_HU),
        plainly=ml(np.abs(change) > PLAIN_HU),
        moved=ml((np.abs(change) > VISIBLE_HU) & (b > TISSUE_HU)),
        strongly=ml((np.abs(change) > STRONG_HU) & (b > TISSUE_HU)),
        raised=ml((change > CHANGED_HU) & (a > TISSUE_HU)),
        lowered=ml((change < -CHANGED_HU) & (b > TISSUE_HU)),
        thinned=ml(thinned),
        emptied=ml(thinned & (to < LUNG_HU)),
        outside=0.0 if body is None else ml(_outside(to - x, body, spec)),
    )


def _haze(x, to, lungs, spec) -> np.ndarray:
    """Return where the lung, smoothed, became denser than the lung around it; away from borders."""
    a, b = _smoothed(to, SMOOTH_MM, spec), _smoothed(x, SMOOTH_MM, spec)
    change = a - b
    denser = lungs & (change > HAZE_HU) & (b > AIR_HU)
    if not denser.any():
        return denser
    # Where a finding became lung is lung, too, and what was beside it is no longer a border.
    still = (lungs | (change < -HAZE_HU)) & (a < LUNG_EDGE_HU)
    still = ndimage.binary_fill_holes(still)  # what became solid in its midst is no border
    core = _distance(still, spec) > LUNG_BORDER_MM
    # Air in the pleura is among the lungs, and becomes lung: no denser than the lung around was.
    was = _mean_within(b, lungs & (b > AIR_HU), spec)
    more = np.minimum(a - was, change - _mean_within(change, still, spec))
    return denser & core & (more > HAZE_HU / 2)


def _outside(change: np.ndarray, body: np.ndarray, spec: GridSpec) -> np.ndarray:
    """Return what changed in the air, further than the skin."""
    found = (np.abs(change) > CHANGED_OUTSIDE_HU) & ~body
    if found.any():
        found &= ndimage.distance_transform_edt(~body, spec.spacing[::-1]) > SKIN_MM
    return found


def _mean_within(values: np.ndarray, mask: np.ndarray, spec: GridSpec) -> np.ndarray:
    """Return the mean of the values in a mask, around each voxel."""
    sigma = _voxels(AROUND_MM, spec)
    weight = ndimage.gaussian_filter(mask.astype(np.float32), sigma, mode="nearest")
    total = ndimage.gaussian_filter(
        np.where(mask, values, 0).astype(np.float32), sigma, mode="nearest"
    )
    return total / np.maximum(weight, 1e-3)


def _smoothed(hu: np.ndarray, mm: float, spec: GridSpec) -> np.ndarray:
    return ndimage.gaussian_filter(hu, _voxels(mm, spec), mode="nearest")


def _distance(mask: np.ndarray, spec: GridSpec) -> np.ndarray:
    """Return how far inside a mask each voxel lies, mm; the volume's own border is none."""
    return ndimage.distance_transform_edt(np.pad(mask, 1, mode="edge"), spec.spacing[::-1])[
        1:-1, 1:-1, 1:-1
    ]


def _voxels(mm: float, spec: GridSpec) -> tuple[float, ...]:
    """Return a length along (K, J, I) in voxels."""
    return tuple(mm / size for size in spec.spacing[::-1])
