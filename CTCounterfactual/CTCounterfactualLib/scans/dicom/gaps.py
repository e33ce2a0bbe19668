"""The distances of slices: even, uneven, changed on purpose, or with slices missing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...errors import ScanError
from .frames import Frame

# Slice gaps that differ by more than this share of their median are uneven.
UNEVEN_SHARE = 0.01
# A gap this many times the median, the thickness or the told distance leaves slices out.
MISSING_FACTOR = 1.5
# How far uneven slices may lie from where an even stack puts them, as a share of the gap.
MAX_DISPLACEMENT = 0.5


def check_gaps(
    frames: Sequence[Frame], along: np.ndarray, told: str, lacking: str
) -> tuple[tuple[str, str], ...]:
    """Return warnings on uneven or distant slices; raise if slices are missing.

    Parameters
    ----------
    frames : sequence of Frame
        In the order of their positions.
    along : numpy.ndarray
        (frames,), mm along the normal, ascending.
    told, lacking : str
        The series, and the files that can't be read, in words.
    """
    gaps = np.diff(along)
    median = float(np.quantile(gaps, 0.5, method="lower"))  # of two gaps the smaller
    steps = _instance_steps(frames)
    span = f"gaps run from {gaps.min():.2f} to {gaps.max():.2f} mm"
    if gaps.max() > MISSING_FACTOR * median or MISSING_FACTOR * gaps.min() < median:
        if _changes_once(gaps, steps):
            at = int(np.argmax(np.abs(np.diff(gaps)))) + 1
            skips = steps is not None and steps.max() > steps.min()
            also = " (so do the instance numbers: copy the whole series if some lack)"
            raise ScanError(
                f"{told} changes its slice spacing from {gaps[at - 1]:.2f} to {gaps[at]:.2f} mm "
                f"at {frames[at]}{also if skips else ''}. Resample it to even spacing first, or "
                f"keep the slices of one spacing."
            )
        raise ScanError(f"{told} misses slices: {span}. {_copy(lacking)}")
    distant = _check_thickness(frames, median, steps, told, lacking)
    if np.ptp(gaps) <= UNEVEN_SHARE * median:
        return distant
    even = np.linspace(along[0], along[-1], len(along))
    if np.abs(along - even).max() > MAX_DISPLACEMENT * median:
        raise ScanError(
            f"{told} has a slice spacing that drifts: {span}. Resample it to even spacing first."
        )
    return (
        *distant,
        (
            "uneven-slice-spacing",
            f"Slice gaps run from {gaps.min():.2f} to {gaps.max():.2f} mm; the scan is read as if "
            f"they were even.",
        ),
    )


def _check_thickness(
    frames: Sequence[Frame], gap: float, steps: np.ndarray | None, told: str, lacking: str
) -> tuple[tuple[str, str], ...]:
    """Return a warning if slices lie further apart than they should; raise if some are missing."""
    first = frames[0]
    expected = next((v for v in (first.between, first.thickness) if v is not None and v > 0), None)
    if expected is None or gap <= MISSING_FACTOR * expected:
        return ()
    what = "are to be" if expected == first.between else "are"
    size = f"{expected:.4g} mm {'apart' if expected == first.between else 'thick'}"
    # As many numbers skipped as slices would fit in; else they were numbered with another series.
    if steps is not None and steps.min() > 1 and gap <= MISSING_FACTOR * steps.max() * expected:
        numbers = sorted(_instances(frames))
        raise ScanError(
            f"{told} misses slices: they {what} {size} but lie {gap:.2f} mm apart, and instance "
            f"numbers between {numbers[0]} and {numbers[1]} are missing. {_copy(lacking)}"
        )
    if steps is None and expected == first.between:
        raise ScanError(
            f"{told} misses slices: they {what} {size} but lie {gap:.2f} mm apart. {_copy(lacking)}"
        )
    return (
        (
            "gaps-between-slices",
            f"Slices {what} {size} but lie {gap:.2f} mm apart: what lies between wasn't scanned, "
            f"or slices are missing. It is interpolated.",
        ),
    )


def _instance_steps(frames: Sequence[Frame]) -> np.ndarray | None:
    """Return the steps of the instance numbers along the stack; None if they don't follow it."""
    numbers = _instances(frames)
    if len(numbers) < len(frames):
        return None
    steps = np.diff(numbers)
    return np.abs(steps) if (steps > 0).all() or (steps < 0).all() else None


def _instances(frames: Sequence[Frame]) -> list[int]:
    """Return the instance numbers of those frames that have one."""
    return [frame.instance for frame in frames if frame.instance is not None]


def _changes_once(gaps: np.ndarray, steps: np.ndarray | None) -> bool:
    """Tell a change of spacing from missing slices: numbers go on, or two even parts meet."""
    if steps is not None and (steps == steps[0]).all():
        return True
    changes = np.flatnonzero(np.abs(np.diff(gaps)) > UNEVEN_SHARE * gaps[:-1])
    return len(changes) == 1 and 1 <= changes[0] < len(gaps) - 2


def _copy(lacking: str) -> str:
    return f"{lacking} Copy the whole series." if lacking else "Copy the whole series."
