"""Training slices with planted findings, so that an autoencoder can draw what it may meet."""

from __future__ import annotations

import logging

import numpy as np

from ..errors import ScanError
from ..planting import FINDINGS, plant, ready_chest
from ..scans.grid import prepare
from ..scans.scan import Scan
from .slices import SliceStack

logger = logging.getLogger(__name__)

# A slice counts as one with a finding if that fills a voxel of it at least this much.
LEAST_COVER = 0.5


def stack_with_findings(scan: Scan, copies: int, seed: int) -> SliceStack | None:
    """Plant a finding into each of several copies of a scan; keep the slices that show it.

    Parameters
    ----------
    scan : Scan
        A chest, or a part of one.
    copies : int
        Findings to plant, each into a copy of its own, all kinds in turn.
    seed : int
        Of looks and places; of kinds, too, where copies are few.

    Returns
    -------
    SliceStack or None
        Named by the scan, with the weight of one; None where no finding has room: there is no lung
        (an abdomen), or too little of it.
    """
    rng = np.random.default_rng(seed)
    prepared = prepare(scan)
    window, spacing = prepared.spec.window, prepared.spec.spacing
    hu = window.to_hu(prepared.volume)
    parts = []
    try:
        chest = ready_chest(hu, prepared.lungs, spacing, scan.name)
    except ScanError as error:
        logger.info("no finding planted: %s", error)
        return None
    first = int(rng.integers(len(FINDINGS)))
    for copy in range(copies):
        try:
            planted = plant(FINDINGS[(first + copy) % len(FINDINGS)], hu, chest, spacing, rng)
        except ScanError as error:
            logger.info("no finding planted: %s", error)
            continue
        shows = (planted.cover >= LEAST_COVER).any(axis=(1, 2))  # (K,)
        parts.append(window.to_unit(planted.hu[shows]))
    slices = np.concatenate(parts).astype(np.float16) if parts else np.zeros((0, 1, 1))
    if not len(slices):
        return None
    return SliceStack(f"{scan.name} with planted findings", slices, 1.0)
