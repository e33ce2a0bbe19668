"""The region of a run from end to end: found by itself if asked, searched, and controlled."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..scans.grid import PreparedScan
from . import steps
from .auto_region import find_most_changed, region_of_mask
from .evidence import as_outcome
from .outcome import Outcome
from .region import PreparedRegion
from .region_controls import control_flags, search_controls
from .region_search import RegionSearch
from .result import Flag
from .run import Run, reach_of

NOT_FOUND = "no-region-found"


@dataclass(frozen=True)
class Regional:
    """A run and the region that it is kept to.

    Parameters
    ----------
    run : Run
        That searches in the region.
    region : PreparedRegion or None
        None is everywhere.
    search : RegionSearch or None
        Of a region that was found, or has controls.
    flags : tuple of Flag
        What speaks against it.
    """

    run: Run
    region: PreparedRegion | None
    search: RegionSearch | None = None
    flags: tuple[Flag, ...] = ()


def find_region(run: Run, prepared: PreparedScan, allowed: PreparedRegion | None) -> Regional:
    """Search without a region, and keep the run to what changed most, and that which touches it.

    The gradient isn't taken anew, and the change limit stays that of the unrestricted run. Where
    that changed nothing there is no region: a flag says so, and the run stays unrestricted.

    Parameters
    ----------
    allowed : PreparedRegion or None
        Where the unrestricted run may change the scan: the body; None is everywhere.
    """
    steps.REGION.work(run.reporter, "Searching without a region")
    found = run.search(0, prepared.slices)
    outcome = as_outcome(found, prepared, 0, prepared.slices, run.settings.direction)
    change = run.change_at(outcome.lam, 0, prepared.slices) * prepared.spec.window.hu_per_unit
    most = find_most_changed(change, prepared.spec.spacing)
    if most is None:
        message = (
            f"No region was found: without one the search changed nothing worth a region "
            f"({outcome.stop_reason}), so this run has none."
        )
        return Regional(run, allowed, flags=(Flag(NOT_FOUND, message),))
    region = region_of_mask(prepared, most.mask, allowed, run.reporter.check)
    run.reporter.report(
        steps.REGION.name,
        f"Region found: {len(most.parts)} of {most.parts_found} changed parts with "
        f"{most.share:.0%} of the change; score without a region {outcome.score_after:.4g}",
        steps.REGION.end,
        parts_ml=list(most.parts),
        score_after=outcome.score_after,
    )
    search = replace(
        _described(prepared, region),
        unrestricted=outcome,
        threshold_hu=most.threshold_hu,
        parts=most.parts,
        parts_found=most.parts_found,
        share_of_change=most.share,
    )
    return Regional(run.within(region.weight, reach_of(found)), region, search)


def control(regional: Regional, prepared: PreparedScan, whole: Outcome | None) -> Regional:
    """Search the control regions of a region, if there is one, and flag those that do as well.

    Parameters
    ----------
    whole : Outcome or None
        What the region's search of all slices found; None: it wasn't asked for, and is made now.
    """
    run, region = regional.run, regional.region
    if region is None or not region.name:
        return regional
    if whole is None:
        found = run.search(0, prepared.slices)
        whole = as_outcome(found, prepared, 0, prepared.slices, run.settings.direction)
    search = regional.search or _described(prepared, region)
    reach = reach_of(search.unrestricted or whole)
    controls = search_controls(run, prepared, region.weight > 0, whole, reach)
    return replace(
        regional,
        search=replace(search, controls=controls),
        flags=(*regional.flags, *control_flags(controls, whole, run.unit)),
    )


def _described(prepared: PreparedScan, region: PreparedRegion) -> RegionSearch:
    scan = prepared.scan
    voxel_ml = float(np.prod(scan.spacing)) * 1e-3
    ml = round(float(np.count_nonzero(region.inside)) * voxel_ml, 2)
    return RegionSearch(scan.with_array(region.inside.astype(np.uint8)), ml)
