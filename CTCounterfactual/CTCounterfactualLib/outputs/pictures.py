"""Slices as pixels: grey in the figure's window, changes in colour over them, PNG bytes."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..methods.levels import EDGES
from ..scans.greys import CT_GREYS
from .figure import FULL_OPACITY

# Change in the figure's limits (-1 strongest fall, +1 strongest rise) -> RGB: the "RdBu" scheme of
# ColorBrewer (C. Brewer, colorbrewer2.org), blue for falling, red for rising HU.
CHANGE_RGB = (
    (5, 48, 97),
    (33, 102, 172),
    (67, 147, 195),
    (146, 197, 222),
    (209, 229, 240),
    (247, 247, 247),
    (253, 219, 199),
    (244, 165, 130),
    (214, 96, 77),
    (178, 24, 43),
    (103, 0, 31),
)
# The colours end at this multiple of the highest heatmap level, as the figure's do.
LIMIT_OF_LAST_EDGE = 2.0
# What is black and what is white, in the scan's unit.
Ends = tuple[float, float]
# Of a set of voxels laid over a scan.
PART_OPACITY = 0.6


def grey(values: np.ndarray, ends: Ends = CT_GREYS) -> np.ndarray:
    """Return voxels of any shape as 0..255 (uint8), in the figure's window unless told otherwise.

    Parameters
    ----------
    values : numpy.ndarray
        HU, or the scan's own unit.
    ends : tuple of float
        What is black and what is white; see `scans.greys`.
    """
    black, white = ends
    shade = np.clip((np.asarray(values, np.float32) - black) / (white - black), 0.0, 1.0)
    return np.rint(shade * 255).astype(np.uint8)


def change_over(
    base: np.ndarray, change: np.ndarray, edges: tuple[float, ...], ends: Ends = CT_GREYS
) -> np.ndarray:
    """Lay a change over a scan's slice: invisible below the first level, solid from the last on.

    Parameters
    ----------
    base, change : numpy.ndarray
        (rows, columns), HU, or the scan's own unit.
    edges : tuple of float
        Heatmap levels, in that unit.
    ends : tuple of float
        What is black and what is white.

    Returns
    -------
    numpy.ndarray
        (rows, columns, 3), uint8, RGB.
    """
    change = change.astype(np.float32)
    span = max(edges[-1] - edges[0], float(np.finfo(np.float32).tiny))
    opacity = np.clip((np.abs(change) - edges[0]) / span, 0, 1) * FULL_OPACITY
    return _blended(base, change_rgb(change / change_limit(edges)), opacity, ends)


def values_over(
    base: np.ndarray, values: np.ndarray, top: float, ends: Ends = CT_GREYS
) -> np.ndarray:
    """Lay a map's values over a scan's slice: invisible below the first level of the strongest.

    Parameters
    ----------
    base, values : numpy.ndarray
        (rows, columns), the scan's own unit and the method's values.
    top : float
        The strongest value, above 0.
    ends : tuple of float
        What is black and what is white.

    Returns
    -------
    numpy.ndarray
        (rows, columns, 3), uint8, RGB.
    """
    share = values.astype(np.float32) / top
    opacity = np.clip((np.abs(share) - EDGES[0]) / (EDGES[-1] - EDGES[0]), 0, 1)
    return _blended(base, change_rgb(share), opacity * FULL_OPACITY, ends)


def mask_over(
    base: np.ndarray, mask: np.ndarray, rgb: tuple[int, int, int], ends: Ends = CT_GREYS
) -> np.ndarray:
    """Lay a set of voxels over a scan's slice in one colour, 0..255; see `values_over`."""
    return _blended(base, np.array(rgb, np.float32), mask * PART_OPACITY, ends)


def outlined(pixels: np.ndarray, mask: np.ndarray, rgb: tuple[int, int, int]) -> np.ndarray:
    """Return a picture (rows, columns, 3) with the inner border of a set of its pixels drawn."""
    padded = np.pad(mask, 1)
    inner = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    drawn = pixels.copy()
    drawn[mask & ~inner] = rgb
    return drawn


def _blended(base: np.ndarray, rgb: np.ndarray, opacity: np.ndarray, ends: Ends) -> np.ndarray:
    shown = np.asarray(opacity, np.float32)[..., None]
    return np.rint(grey(base, ends)[..., None] * (1 - shown) + rgb * shown).astype(np.uint8)


def change_limit(edges: tuple[float, ...]) -> float:
    """Return the change at which the colours end, in the edges' unit."""
    return edges[-1] * LIMIT_OF_LAST_EDGE


def change_rgb(strength: np.ndarray) -> np.ndarray:
    """Return the colours (..., 3), 0..255, of changes from -1 to +1."""
    stops = np.linspace(-1, 1, len(CHANGE_RGB))
    channels = np.array(CHANGE_RGB, np.float32).T
    return np.stack([np.interp(strength, stops, channel) for channel in channels], axis=-1)


def png(pixels: np.ndarray) -> bytes:
    """Return (rows, columns) grey or (rows, columns, 3) RGB, uint8, as a PNG file's bytes."""
    image = sitk.GetImageFromArray(np.ascontiguousarray(pixels), isVector=pixels.ndim == 3)
    with tempfile.TemporaryDirectory() as folder:  # SimpleITK only writes to files
        path = Path(folder) / "picture.png"
        sitk.WriteImage(image, str(path), useCompression=True)
        return path.read_bytes()
