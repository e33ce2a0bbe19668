"""A small scan with a bright block, and a black box that looks for it."""

from __future__ import annotations

import numpy as np

from CTCounterfactualLib.models.classifier import Target
from CTCounterfactualLib.scans.grid import GridSpec
from CTCounterfactualLib.scans.scan import Scan

GRID = GridSpec(spacing=(2.0, 2.0, 4.0))
SIZE = (8, 16, 20)
# Of the prepared grid (K, J, I); the scan's own axes I and J run the other way.
BLOCK = (slice(2, 5), slice(6, 10), slice(3, 8))
BLOCK_HU, ELSEWHERE_HU = 150, -600
BRIGHT = 0.55  # 100 HU as 0..1


def scan_with_block():
    hu = np.full(SIZE, ELSEWHERE_HU, np.int16)
    hu[0] = hu[-1] = 0  # some soft tissue
    hu[scan_block()] = BLOCK_HU
    return Scan.from_array(hu, GRID.spacing, (0.0, 0.0, 0.0), name="block")


def scan_block():
    """Return the block on the scan's own grid: prepared is RAS, the scan LPS."""
    k, *in_plane = BLOCK
    turned = [
        slice(size - part.stop, size - part.start)
        for part, size in zip(in_plane, SIZE[1:], strict=True)
    ]
    return (k, *turned)


class BlockFinder:
    """A black box: the share of the block that is bright; it has no gradient."""

    name = "block finder"
    grid = GRID
    targets = (Target("block", "probability", threshold=0.5),)
    differentiable = False

    def score(self, x, target=None):
        assert not x.requires_grad
        return (x[(slice(None), 0, *BLOCK)] > BRIGHT).float().mean(dim=(1, 2, 3))
