"""Small prepared scans in many orientations, and chunks of changes on them."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from CTCounterfactualLib.counterfactual.result import Outcome
from CTCounterfactualLib.counterfactual.write_back import chunk_heatmap
from CTCounterfactualLib.scans.grid import prepare
from CTCounterfactualLib.scans.scan import Scan

EDGES = (10.0, 25.0, 50.0, 100.0, 200.0)
HU_PER_UNIT = 2000.0
# Columns: where the index axes I, J, K point in LPS.
OBLIQUE = (0.9397, -0.3420, 0, 0.3420, 0.9397, 0, 0, 0, 1)  # 20 degrees about S
TILTED = (1, 0, 0, 0, 0.8660254, -0.5, 0, 0.5, 0.8660254)  # 30 degrees about L
SAGITTAL = (0, 0, 1, 1, 0, 0, 0, -1, 0)  # J runs down, slices run to the left
CORONAL = (1, 0, 0, 0, 0, 1, 0, -1, 0)
STACKS = {
    # spacing, size (I, J, K), direction
    "axial": ((1.0, 1.2, 1.0), (30, 24, 31), (1, 0, 0, 0, 1, 0, 0, 0, 1)),
    "axial on the grid": ((1.5, 1.5, 3.0), (20, 20, 12), (1, 0, 0, 0, 1, 0, 0, 0, 1)),
    "flipped K": ((1.0, 1.2, 1.0), (30, 24, 31), (1, 0, 0, 0, 1, 0, 0, 0, -1)),
    "thick": ((1.0, 1.0, 5.0), (30, 30, 9), (-1, 0, 0, 0, -1, 0, 0, 0, 1)),
    "turned about S": ((1.0, 1.0, 1.3), (30, 24, 29), OBLIQUE),
    "tilted": ((1.0, 1.0, 1.3), (30, 24, 29), TILTED),
    "sagittal": ((0.9, 0.9, 2.0), (24, 36, 14), SAGITTAL),
    "coronal": ((0.9, 0.9, 2.0), (24, 36, 14), CORONAL),
}


def prepared_stack(name, origin=(3.3, -7.1, 100.1)):
    spacing, size, direction = STACKS[name]
    rng = np.random.default_rng(11)
    hu = rng.integers(-1000, 400, size[::-1]).astype(np.int16)
    return prepare(Scan.from_array(hu, spacing, origin, direction))


def outcome(prepared, start, stop):
    slab = prepared.slab_mm(start, stop)
    return Outcome(start, stop, slab, -1.0, 4.0, 3.5, "target-reached", 0.01, ())


def ranges(slices, chunk):
    return [(start, min(start + chunk, slices)) for start in range(0, slices, chunk)]


def heatmaps_of(prepared, change, chunk):
    return tuple(
        chunk_heatmap(prepared, change[start:stop], outcome(prepared, start, stop), EDGES)
        for start, stop in ranges(prepared.slices, chunk)
    )


def heights(image):
    """S coordinate of every voxel centre of an image: (K, J, I), mm."""
    slope = np.array(image.GetDirection()).reshape(3, 3)[2] * np.array(image.GetSpacing())
    k, j, i = np.indices(image.GetSize()[::-1])
    return image.GetOrigin()[2] + i * slope[0] + j * slope[1] + k * slope[2]


def lively_change(prepared):
    rng = np.random.default_rng(14)
    return rng.normal(0, 60 / HU_PER_UNIT, prepared.volume.shape).astype(np.float32)


def label_array(heatmap):
    labels = sitk.GetArrayFromImage(heatmap.image)
    assert labels.dtype == np.uint8
    return labels
