"""From a change on the prepared grid to the scan's own: counterfactual, difference, heatmaps.

A scan may have 1000 slices of 512 x 512: beside what is returned, no more than a few slices of it
are held in memory at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..scans.grid import ROUNDING, PreparedScan, resample_onto
from ..scans.pieces import image_pieces, pieces
from .added import add_to_scan, as_change, change_type, limits_of
from .added import difference as difference_of
from .heatmap import label_change
from .region import PreparedRegion
from .result import ChunkHeatmap, Outcome


@dataclass(frozen=True)
class WrittenBack:
    """Volumes on the scan's own grid, (K, J, I): HU in the scan's own type, signed HU, labels.

    The difference is counterfactual minus scan: int16, or of the scan's type where that has
    fractions. Labels are uint8.
    """

    counterfactual: np.ndarray
    difference: np.ndarray
    heatmap: np.ndarray


def write_back(
    prepared: PreparedScan,
    change: np.ndarray,
    heatmaps: tuple[ChunkHeatmap, ...],
    edges: tuple[float, ...],
    region: PreparedRegion | None = None,
) -> WrittenBack:
    """Add a change to the scan, and label it.

    Parameters
    ----------
    change : numpy.ndarray
        (K, J, I) of the prepared grid, in 0..1 intensities.
    heatmaps : tuple of ChunkHeatmap
        Put together they are the heatmap; without any, the change itself is labelled.
    edges : tuple of float
        Level edges in HU.
    region : PreparedRegion, optional
        Its outside keeps the scan's voxels.
    """
    difference = change_on_scan(prepared, change)
    if region is not None:
        difference *= region.inside  # interpolation fades out across the border
    counterfactual = np.empty(difference.shape, prepared.scan.array.dtype)
    _add(prepared, prepared.scan.array, difference, counterfactual)
    if heatmaps:
        return WrittenBack(counterfactual, difference, combine_heatmaps(prepared, heatmaps))
    return WrittenBack(counterfactual, difference, label_change(difference, edges))


def change_on_scan(
    prepared: PreparedScan, change: np.ndarray, cut: sitk.Image | None = None
) -> np.ndarray:
    """Resample a change to the scan's grid.

    Parameters
    ----------
    change : numpy.ndarray
        (K, J, I) of the prepared grid, in 0..1 intensities.
    cut : SimpleITK.Image, optional
        A cut-out of the scan, whose grid is taken instead of the whole scan's.

    Returns
    -------
    numpy.ndarray
        (K, J, I) of that grid, signed HU, of the type that `added.change_type` says.
    """
    image = prepared.as_image(_in_hu(prepared, change))
    scan_type = prepared.scan.array.dtype
    return _change_on(prepared.scan.image if cut is None else cut, image, scan_type)


def _in_hu(prepared: PreparedScan, change: np.ndarray) -> np.ndarray:
    """Return a change of 0..1 intensities in HU, float32."""
    return (change * prepared.spec.window.hu_per_unit).astype(np.float32, copy=False)


def _change_on(grid: sitk.Image, image: sitk.Image, scan_type: np.dtype) -> np.ndarray:
    """Resample a change in HU onto the grid of another image: (K, J, I), `change_type`."""
    resampled = np.empty(grid.GetSize()[::-1], change_type(scan_type))
    for part in image_pieces(grid):
        resampled[part[2]] = as_change(resample_onto(grid[part], image), scan_type)
    return resampled


def _add(
    prepared: PreparedScan,
    scan: np.ndarray,
    change_hu: np.ndarray,
    changed: np.ndarray | None = None,
) -> None:
    """Turn a change (K, J, I) into what can be added of it; put the changed scan into `changed`.

    Where a voxel meets the limits of the scanner, less is added than the change.
    """
    limits = limits_of(scan.dtype, prepared.spec)
    for part in pieces(scan.shape):
        voxels = add_to_scan(scan[part], change_hu[part], limits)
        change_hu[part] = difference_of(voxels, scan[part])
        if changed is not None:
            changed[part] = voxels


def chunk_heatmap(
    prepared: PreparedScan,
    change: np.ndarray,
    outcome: Outcome,
    edges: tuple[float, ...],
    region: PreparedRegion | None = None,
) -> ChunkHeatmap:
    """Label one chunk's change on the part of the scan's grid that its slab covers.

    The cut-out is the smallest box of scan voxels that holds every voxel centre of the slab; on an
    oblique scan it also holds others, whose label is 0.

    Parameters
    ----------
    change : numpy.ndarray
        (stop - start, J, I): the chunk's slices of the prepared grid, in 0..1 intensities.
    region : PreparedRegion, optional
        Its outside has label 0.
    """
    start, size = _slab_box(prepared, outcome)
    i, j, k = (slice(first, first + n) for first, n in zip(start, size, strict=True))
    box = prepared.scan.image[i, j, k]
    scan = prepared.scan.array[k, j, i]
    change_hu = _change_on(box, _chunk_image(prepared, change, outcome.start), scan.dtype)
    # Linear interpolation fades out over the neighbouring slices; the map ends with the slab.
    change_hu *= _inside_slab(prepared, outcome, start, size)
    if region is not None:
        change_hu *= region.inside[k, j, i]
    _add(prepared, scan, change_hu)
    labels = sitk.GetImageFromArray(label_change(change_hu, edges))
    labels.CopyInformation(box)
    return ChunkHeatmap(outcome.start, outcome.stop, labels)


def _chunk_image(prepared: PreparedScan, change: np.ndarray, start: int) -> sitk.Image:
    """Return a chunk's change in HU between its unchanged neighbours.

    That is as far as linear interpolation looks; beyond the volume's ends it goes on with the last
    slice, as it does on the whole volume.
    """
    below, above = start > 0, start + len(change) < prepared.slices
    image = prepared.as_image(np.pad(_in_hu(prepared, change), ((below, above), (0, 0), (0, 0))))
    image.SetOrigin(image.TransformIndexToPhysicalPoint((0, 0, start - below)))
    return image


def combine_heatmaps(prepared: PreparedScan, heatmaps: tuple[ChunkHeatmap, ...]) -> np.ndarray:
    """Put the chunks' label maps together on the scan's grid: (K, J, I), uint8."""
    combined = np.zeros(prepared.scan.array.shape, np.uint8)
    for heatmap in heatmaps:
        corner = prepared.scan.image.TransformPhysicalPointToIndex(heatmap.image.GetOrigin())
        i, j, k = corner
        labels = sitk.GetArrayViewFromImage(heatmap.image)
        depth, height, width = labels.shape
        part = combined[k : k + depth, j : j + height, i : i + width]
        np.maximum(part, labels, out=part, where=part == 0)  # slabs of an oblique scan overlap in K
    return combined


def _slab_box(prepared: PreparedScan, outcome: Outcome) -> tuple[list[int], list[int]]:
    """Return first index and size (I, J, K) of a box that holds the slab's voxel centres."""
    image = prepared.scan.image
    margin = ROUNDING * prepared.spec.spacing[2]  # as `slice_at` counts a face
    bottom, top = outcome.slab_mm[0] - margin, outcome.slab_mm[1] + margin
    # S is linear in the index: S(i, j, k) = S0 + a.(i, j, k). Each axis is cut to where the slab
    # can be reached with the other two free.
    origin = np.array(image.TransformIndexToPhysicalPoint((0, 0, 0)))[2]
    slope = np.array(image.GetDirection()).reshape(3, 3)[2] * np.array(image.GetSpacing())
    last = np.array(image.GetSize()) - 1
    reach = slope * last
    first_index, size = [0, 0, 0], [int(n) + 1 for n in last]
    for axis in range(3):
        if slope[axis] == 0:
            continue
        others = [a for a in range(3) if a != axis]
        low = sum(min(0.0, reach[a]) for a in others)
        high = sum(max(0.0, reach[a]) for a in others)
        ends = sorted(((bottom - origin - high) / slope[axis], (top - origin - low) / slope[axis]))
        first = int(np.clip(np.ceil(ends[0]), 0, last[axis]))
        final = int(np.clip(np.floor(ends[1]), first, last[axis]))
        first_index[axis], size[axis] = first, final - first + 1
    return first_index, size


def _inside_slab(
    prepared: PreparedScan, outcome: Outcome, start: list[int], size: list[int]
) -> np.ndarray:
    """Tell which voxels of a box of the scan have their centres in the outcome's slices.

    Returns (K, J, I), bool, with length 1 along axes on which this doesn't depend. Heights are
    counted from the scan's own first voxel, not the box's: the same voxel gets the same height in
    two boxes, to the last bit, and so belongs to exactly one slab.
    """
    image = prepared.scan.image
    slope = np.array(image.GetDirection()).reshape(3, 3)[2] * np.array(image.GetSpacing())
    i, j, k = (
        np.arange(a, a + n) * s if s else np.zeros(1)
        for a, n, s in zip(start, size, slope, strict=True)
    )
    height = image.GetOrigin()[2] + k[:, None, None] + j[None, :, None] + i[None, None, :]
    number = prepared.slice_at(height)
    return (number >= outcome.start) & (number < outcome.stop)
