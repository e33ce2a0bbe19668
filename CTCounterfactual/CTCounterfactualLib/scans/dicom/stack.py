"""Frames as a stack: in the order of their positions, on the grid that these positions say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import ScanError
from ..oblique import straight_enough
from .agreement import normal
from .frames import PlacedFrame
from .gaps import check_gaps

# Degrees between slice normal and stacking direction above which the gantry was tilted; no gantry
# tilts by more than 30.
TILT_DEGREES = 0.5
MAX_TILT_DEGREES = 35.0
# How far, in pixels, a slice may lie beside the line through the others: less is rounding, up to
# the second a warning, more is another table position.
STRAIGHT_PIXELS = 0.1
MAX_SHIFT_PIXELS = 0.5


@dataclass(frozen=True)
class Stack:
    """A volume's frames from the first slice on, and its grid as ITK has it (LPS, mm).

    Parameters
    ----------
    frames : tuple of PlacedFrame
        Along growing K.
    spacing, origin : tuple of float
        (I, J, K) mm; LPS mm of voxel (0, 0, 0).
    direction : tuple of float
        3x3, row-major. Its third column isn't at right angles to the others where the gantry was
        tilted.
    warnings : tuple of (name, message)
        On uneven, shifted or tilted slices.
    """

    frames: tuple[PlacedFrame, ...]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    direction: tuple[float, ...]
    warnings: tuple[tuple[str, str], ...]


def along_normal(frames: Sequence[PlacedFrame]) -> np.ndarray:
    """Return where frames of one orientation lie along their normal: (frames,), mm."""
    return np.array([frame.position for frame in frames]) @ normal(frames[0].orientation)


def stack(frames: Sequence[PlacedFrame], told: str, lacking: str) -> Stack:
    """Return frames (checked, one at each position) as a stack.

    Parameters
    ----------
    frames : sequence of PlacedFrame
        Two or more, in any order.
    told : str
        The series in words, for errors.
    lacking : str
        Files that can't be read, in words; named where slices are missing.

    Raises
    ------
    ScanError
        Slices missing, another spacing in a part of the stack, shifted in plane, or stacked so
        obliquely that no gantry does it.
    """
    order = np.argsort(along_normal(frames), kind="stable")
    frames = tuple(frames[i] for i in order)
    along = along_normal(frames)
    warnings = list(check_gaps(frames, along, told, lacking))
    positions = np.array([frame.position for frame in frames])
    step = (positions[-1] - positions[0]) / (len(frames) - 1)
    warnings += _check_line(frames, positions, along, told)
    warnings += _check_tilt(step, normal(frames[0].orientation), told)
    rows_mm, columns_mm = frames[0].pixel_spacing
    between = float(np.linalg.norm(step))
    axes = np.column_stack([frames[0].orientation[:3], frames[0].orientation[3:], step / between])
    axes /= np.linalg.norm(axes, axis=0)
    return Stack(
        frames=frames,
        spacing=(columns_mm, rows_mm, between),
        origin=frames[0].position,
        direction=tuple(straight_enough(axes).ravel().tolist()),
        warnings=tuple(warnings),
    )


def _check_line(
    frames: Sequence[PlacedFrame], positions: np.ndarray, along: np.ndarray, told: str
) -> list[tuple[str, str]]:
    """Return a warning if slices lie a little beside a straight line; raise if far beside it."""
    # Sideways mm per mm along the normal, as most slices have it.
    across = normal(frames[0].orientation)
    gaps = np.diff(along)[:, None]
    sideways = np.diff(positions, axis=0) - gaps * across
    slope = np.median(sideways / gaps, axis=0)
    off = positions - positions[0] - np.outer(along - along[0], across + slope)
    off -= np.median(off, axis=0)
    beside = np.linalg.norm(off, axis=1) / min(frames[0].pixel_spacing)  # in pixels
    if beside.max() <= STRAIGHT_PIXELS:
        return []
    worst = int(np.argmax(beside))
    shift = float(np.linalg.norm(off[worst]))
    count = int(np.count_nonzero(beside > STRAIGHT_PIXELS))
    if beside.max() > MAX_SHIFT_PIXELS:
        raise ScanError(
            f"{told} has {count} of {len(frames)} slices shifted in plane, by up to {shift:.1f} mm "
            f"({frames[worst]}): was the table or the field of view moved? Keep the slices of one "
            f"position, or resample them onto one grid first."
        )
    return [
        (
            "shifted-slices",
            f"{count} slices lie beside the line of the others, by up to {shift:.2f} mm "
            f"({frames[worst]}); the scan is read as if they were on it.",
        )
    ]


def _check_tilt(step: np.ndarray, across: np.ndarray, told: str) -> list[tuple[str, str]]:
    cosine = abs(float(step @ across)) / float(np.linalg.norm(step))
    tilt = float(np.degrees(np.arccos(min(1.0, cosine))))
    if tilt > MAX_TILT_DEGREES:
        raise ScanError(
            f"{told} has slices stacked at {tilt:.0f} degrees to their normal, more than any "
            f"gantry tilts: their positions or orientations are wrong. Export it again."
        )
    if tilt <= TILT_DEGREES:
        return []
    return [
        (
            "gantry-tilt",
            f"The gantry was tilted by {tilt:.1f} degrees; each slice lies where its position "
            f"says.",
        )
    ]
