"""Where a run may change the scan: in the patient's body, in a region, or wherever both are.

Air around a patient, clothes, table and padding are no anatomy, and a change there explains
nothing; so with setting `within` at `body` none is made, to the bit, on the scan's own grid. The
body has no soft border as a region has: the skin is an edge already, and none is drawn by ending
a change there.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from ..errors import ScanError
from ..scans.grid import PreparedScan
from ..scans.pieces import image_pieces
from ..scans.resample import Check
from ..wording import say
from .region import PreparedRegion
from .settings import ExplainSettings


def confine(
    prepared: PreparedScan,
    settings: ExplainSettings,
    region: PreparedRegion | None = None,
    check: Check | None = None,
) -> PreparedRegion | None:
    """Return where the scan may change: `region` without what isn't body, as the settings ask.

    None is everywhere: with `within` at `volume`, with the paper's baseline, which redraws the
    whole scan, of another modality than CT, and of a scan that shows no body at all (a phantom of
    foam, air).

    Parameters
    ----------
    region : PreparedRegion, optional
        The user's.
    check : callable, optional
        Asked now and then; raises if the work is to stop.

    Raises
    ------
    ScanError
        If no part of the region lies in the body.
    """
    if settings.within != "body" or settings.baseline != "scan" or not prepared.spec.is_ct:
        return region
    body = prepared.body
    if not body.any():
        return region
    inside = on_scan_grid(prepared, body, check)
    if region is None:
        return PreparedRegion("", inside, body.astype(np.float32))
    inside &= region.inside
    weight = region.weight * body
    if not weight.any():
        raise ScanError(
            f"The region {region.name!r} lies outside the patient's body, where nothing may "
            f"change. Choose another region, or use {say('within', 'volume')}."
        )
    return replace(region, inside=inside, weight=weight)


def on_scan_grid(
    prepared: PreparedScan, mask: np.ndarray, check: Check | None = None
) -> np.ndarray:
    """Bring a mask (K, J, I) of the prepared grid, bool, to the scan's grid: nearest voxels."""
    scan = prepared.scan.image
    image = prepared.as_image(mask.astype(np.uint8))
    found = np.empty(scan.GetSize()[::-1], bool)
    for part in image_pieces(scan):
        if check is not None:
            check()
        here = sitk.Resample(image, scan[part], sitk.Transform(), sitk.sitkNearestNeighbor, 0)
        found[part[2]] = sitk.GetArrayViewFromImage(here)
    return found
