"""Frames: volumes on the way from the scan to the counterfactual, for an animation of lambda.

Each shows the change at a fraction of the lambda that was found: of the whole search's, or, where
only chunks were searched, of every chunk's own at once. Only the box around what changed is kept.
"""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ..scans.grid import PreparedScan
from ..scans.pieces import pieces
from .added import add_to_scan, limits_of
from .region import PreparedRegion
from .result import Frame, Outcome
from .run import Run
from .steps import FRAME
from .write_back import change_on_scan

# All frames together take at most this much memory; a viewer holds them at once.
FRAME_BYTES = 256_000_000
# Of most scans.
BYTES_PER_VOXEL = np.dtype(np.int16).itemsize

# First and stop index, and step, along each axis (K, J, I) of the scan's grid.
Cut = tuple[slice, slice, slice]


def make_frames(
    run: Run,
    prepared: PreparedScan,
    outcomes: tuple[Outcome, ...],
    difference: np.ndarray,
    region: PreparedRegion | None = None,
) -> tuple[Frame, ...]:
    """Return the frames that the settings ask for.

    Parameters
    ----------
    run : Run
        Whose searches are done.
    prepared : PreparedScan
        Where its slices lie.
    outcomes : tuple of Outcome
        Those whose changes make up the counterfactual.
    difference : numpy.ndarray
        (K, J, I), HU: counterfactual minus scan, on the scan's grid.
    region : PreparedRegion, optional
        Its outside keeps the scan's voxels.

    Returns
    -------
    tuple of Frame
        Empty if nothing moved, or nothing changed by the first heatmap level.
    """
    count = run.settings.frames
    if not count or all(outcome.lam == 0 for outcome in outcomes):
        return ()
    voxel_bytes = prepared.scan.array.itemsize
    cut = cut_around(difference, run.settings.level_edges[0], count, FRAME_BYTES, voxel_bytes)
    if cut is None:
        return ()
    shown = take(prepared.scan.image, cut)
    limits = limits_of(prepared.scan.array.dtype, prepared.spec)
    inside = None if region is None else region.inside[cut]
    frames = []
    for number in range(1, count + 1):
        fraction = number / (count + 1)
        change = run.change_of(outcomes, fraction)
        score = run.score(prepared.volume + change)
        change_hu = change_on_scan(prepared, change, shown)
        if inside is not None:
            change_hu *= inside
        frames.append(Frame(fraction, score, _added(shown, change_hu, limits)))
        run.reporter.report(
            FRAME.name,
            f"Frame {number} of {count} at {fraction:.0%} of lambda: score {score:.4g}",
            FRAME.at(number / count),
            number=number,
            of=count,
            of_lambda=fraction,
            score=score,
        )
    return tuple(frames)


def cut_around(
    difference: np.ndarray,
    edge: float,
    count: int,
    limit: int = FRAME_BYTES,
    voxel_bytes: int = BYTES_PER_VOXEL,
) -> Cut | None:
    """Return the box of what changed, one voxel wider, with steps in plane that keep it small.

    Parameters
    ----------
    difference : numpy.ndarray
        (K, J, I), HU.
    edge : float
        Least |difference| that counts as a change, HU.
    count : int
        How many frames there will be.
    limit : int
        Greatest number of bytes of all of them together.
    voxel_bytes : int
        Bytes of a voxel of the scan's type, which is the frames'.

    Returns
    -------
    tuple of slice or None
        Along (K, J, I); None if nothing changed.
    """
    planes = _changed_planes(difference, edge)
    if not planes[0].any():
        return None
    ends = []
    for plane in planes:
        where = np.flatnonzero(plane)
        ends.append((max(where[0] - 1, 0), min(where[-1] + 2, len(plane))))
    step = 1
    while True:
        k, j, i = (
            slice(int(first), int(stop), s)
            for (first, stop), s in zip(ends, (1, step, step), strict=True)
        )
        voxels = np.prod([len(range(s.start, s.stop, s.step)) for s in (k, j, i)])
        if voxels * count * voxel_bytes <= limit or voxels == ends[0][1] - ends[0][0]:
            return k, j, i
        step += 1


def _changed_planes(difference: np.ndarray, edge: float) -> list[np.ndarray]:
    """Tell for each index along K, J and I, each as bool, whether anything changed there."""
    planes = [np.zeros(n, bool) for n in difference.shape]
    for part in pieces(difference.shape):
        changed = np.abs(difference[part]) >= edge
        planes[0][part] = changed.any(axis=(1, 2))
        planes[1] |= changed.any(axis=(0, 2))
        planes[2] |= changed.any(axis=(0, 1))
    return planes


def take(image: sitk.Image, cut: Cut) -> sitk.Image:
    """Return the cut-out of an image on the scan's grid, with its own geometry."""
    k, j, i = cut
    return image[i, j, k]


def _added(shown: sitk.Image, change_hu: np.ndarray, limits: tuple[float, float]) -> sitk.Image:
    """Return a cut-out of the scan with a change (K, J, I), HU, added to it."""
    changed = add_to_scan(sitk.GetArrayViewFromImage(shown), change_hu, limits)
    image = sitk.GetImageFromArray(changed)
    image.CopyInformation(shown)
    return image
