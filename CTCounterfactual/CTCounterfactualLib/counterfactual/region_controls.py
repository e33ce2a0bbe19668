"""Other regions that a found one should beat: the rest of the body, and one at random.

If the rest of the body moves the score as far, the evidence isn't in the region alone; if a random
place of the same volume does, the classifier can be moved from anywhere, and the region shows
little. Both are searched with the run's settings, from the same gradient, and with the same limit
of change in all.
"""

from __future__ import annotations

import numpy as np

from ..scans.grid import PreparedScan
from . import steps
from .evidence import as_outcome
from .outcome import Outcome
from .region import feather
from .region_search import COMPLEMENT, RANDOM, RegionControl
from .result import Flag
from .run import Run
from .scale import gain_on_scale, scale_unit

# A control that gains this share of what the region gains does (almost) as well.
AS_GOOD_SHARE = 0.8
# Smallest volume of a random region worth a search, as a share of the region's.
LEAST_VOLUME_SHARE = 0.5
NAME = "control-as-good"


def search_controls(
    run: Run,
    prepared: PreparedScan,
    mask: np.ndarray,
    region: Outcome,
    reach: float,
) -> tuple[RegionControl, ...]:
    """Search the complement of a region, and a random region of its volume, in the body.

    Parameters
    ----------
    run : Run
        Of the scan; its gradient is used again.
    mask : numpy.ndarray
        (K, J, I) of the prepared grid, bool: the region.
    region : Outcome
        What the region's own search of all slices found.
    reach : float
        Greatest |lambda|; see `Run.within`.
    """
    body = prepared.body if prepared.body.any() else prepared.inside
    rest = body & ~mask
    settings, unit = run.settings, run.unit
    voxel_ml = float(np.prod(prepared.spec.spacing)) * 1e-3
    masks = {COMPLEMENT: rest}
    random = random_region(rest, int(mask.sum()), prepared.spec.spacing, settings.seed)
    if random is not None:
        masks[RANDOM] = random
    gained = gain_on_scale(unit, settings.direction, region.score_before, region.score_after)
    controls = []
    for name, where in masks.items():
        steps.CONTROL.work(run.reporter, f"Searching the control region {name}")
        weight = feather(where.astype(np.float32), prepared, body) * where
        found, _, _ = run.within(weight, reach).search_moving()
        outcome = as_outcome(found, prepared, 0, prepared.slices, settings.direction)
        gain = gain_on_scale(unit, settings.direction, outcome.score_before, outcome.score_after)
        share = gain / gained if gained > 0 else 0.0
        ml = round(float(where.sum()) * voxel_ml, 2)
        controls.append(RegionControl(name, ml, outcome, share))
        run.reporter.report(
            steps.CONTROL.name,
            f"Control region {name}, {ml:.4g} mL: score {outcome.score_before:.4g} -> "
            f"{outcome.score_after:.4g}",
            steps.CONTROL.end,
            name=name,
            score_after=outcome.score_after,
            share=share,
        )
    return tuple(controls)


def random_region(
    allowed: np.ndarray, voxels: int, spacing: tuple[float, float, float], seed: int
) -> np.ndarray | None:
    """Return the voxels nearest to a random one: (K, J, I), bool; None where there are too few.

    Parameters
    ----------
    allowed : numpy.ndarray
        (K, J, I), bool: where it may lie.
    voxels : int
        How many it has; as many as there are, if that is at least `LEAST_VOLUME_SHARE` of these.
    spacing : tuple of float
        (I, J, K) mm.
    seed : int
        Decides the place.
    """
    places = np.argwhere(allowed)  # (N, 3) of K, J, I
    if not voxels or len(places) < LEAST_VOLUME_SHARE * voxels:
        return None
    centre = places[np.random.default_rng(seed).integers(len(places))]
    distance = (((places - centre) * np.array(spacing[::-1])) ** 2).sum(1)
    nearest = np.argsort(distance, kind="stable")[:voxels]
    region = np.zeros(allowed.shape, bool)
    region[tuple(places[nearest].T)] = True
    return region


def control_flags(
    controls: tuple[RegionControl, ...], region: Outcome, unit: str
) -> tuple[Flag, ...]:
    """Return the flag `control-as-good` for each control that does about as well as the region."""
    words = {COMPLEMENT: "the rest of the body", RANDOM: "a random region of the same volume"}
    flags = []
    for control in controls:
        if control.share < AS_GOOD_SHARE:
            continue
        after = control.outcome.score_after
        flags.append(
            Flag(
                NAME,
                f"Changing {words[control.name]} instead moves the score to {after:.4g}, which is "
                f"{control.share:.0%} of what the region does ({region.score_before:.4g} to "
                f"{region.score_after:.4g}{_on(unit)}): this region is not the only place, so it "
                f"says little on where the evidence lies.",
            )
        )
    return tuple(flags)


def _on(unit: str) -> str:
    scale = scale_unit(unit)
    return "" if scale == unit else f", on the {scale}"
