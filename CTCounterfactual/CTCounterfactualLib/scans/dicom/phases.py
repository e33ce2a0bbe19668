"""Several volumes in one series: phases, acquisitions and copies, told apart by their headers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...errors import ScanError
from ...wording import say
from .frames import PHASES, PlacedFrame
from .series import MAX_LISTED, named

# Slices closer than this, in mm, lie at the same position.
SAME_POSITION_MM = 0.01
# What is numbered instead of named: whose scan it is stays out of messages, and UIDs say nothing.
NUMBERED = ("patient", "study", "frame of reference")
# What slices of one volume share, wherever they lie.
SHARED = NUMBERED


@dataclass(frozen=True)
class Phase:
    """Frames that make up one volume, and in words what sets them apart from the others."""

    words: str
    frames: tuple[PlacedFrame, ...]

    def __str__(self) -> str:
        return f"{self.words} ({len(self.frames)} slices)"


def one_phase(
    frames: Sequence[PlacedFrame], along: np.ndarray, told: str, number: str, wanted: str
) -> tuple[PlacedFrame, ...]:
    """Return the frames of the only phase, or of the one that `wanted` numbers from 1.

    Parameters
    ----------
    frames : sequence of PlacedFrame
    along : numpy.ndarray
        (frames,), mm along the slices' normal.
    told : str
        The series in words, for errors.
    number : str
        What the choice of a series calls it.
    wanted : str
        Number of a phase, or "".

    Raises
    ------
    ScanError
        Several phases and none chosen (they are listed), or slices at one position that nothing
        tells apart.
    """
    _check_one_patient(frames, told)
    phases = _phases(frames, along)
    if phases is None:
        return tuple(frames)
    if not phases:
        twice = _at_same_position(frames, along)
        raise ScanError(
            f"{told} has several slices at the same position ({twice[0]} and {twice[1]}), and "
            f"nothing in their headers tells phases or reconstructions apart. Keep one slice at "
            f"each position."
        )
    if wanted.isdigit() and 1 <= int(wanted) <= len(phases):
        return phases[int(wanted) - 1].frames
    listing = "; ".join(
        f"{number}.{n}: {phase}" for n, phase in enumerate(phases[:MAX_LISTED], start=1)
    )
    apart = next((name for name in SHARED if phases[0].words.startswith(name)), "")
    why = (
        f"each of another {apart}"
        if apart
        else ("with several slices at the same position or between one another's")
    )
    raise ScanError(
        f"{told} holds {len(phases)} volumes {why}. Choose one with "
        f"{say('series', 'NUMBER')}: {listing}."
    )


def _phases(frames: Sequence[PlacedFrame], along: np.ndarray) -> list[Phase] | None:
    """Return the phases of a series; None if it is one volume, empty if they can't be told."""
    twice = _repeats(along)
    for name in (*PHASES, "file"):
        groups = _grouped(frames, name)
        if len(groups) < 2:
            continue
        sizes = [len(group) for group in groups.values()]
        mixed = twice or (name in SHARED and _told_in_some(groups, frames))
        if not mixed and (min(sizes) < 2 or not _interleaved([along[g] for g in groups.values()])):
            continue
        if min(sizes) >= 2 and not any(_repeats(along[g]) for g in groups.values()):
            return [
                Phase(_words(name, value, n), tuple(frames[i] for i in group))
                for n, (value, group) in enumerate(groups.items(), start=1)
            ]
    return _by_instance(frames, along) if twice else None


def _check_one_patient(frames: Sequence[PlacedFrame], told: str) -> None:
    """Raise `ScanError` if single slices are of another patient, study or frame of reference."""
    for name in SHARED:
        groups = _grouped(frames, name)
        alone = [group[0] for group in groups.values() if len(group) == 1]
        if alone and _told_in_some(groups, frames):
            raise ScanError(
                f"{told} holds slices of more than one {name}: "
                f"{named(frames[i] for i in alone)} not of the same as the others. Take out what "
                f"doesn't belong to the volume."
            )


def _told_in_some(groups: dict[str, list[int]], frames: Sequence[PlacedFrame]) -> bool:
    """Tell whether all frames say what they belong to, and not each something else.

    Programs that take out names leave gaps, or make a new number for each file.
    """
    return 1 < len(groups) < len(frames) and "" not in groups


def _words(name: str, value: str, number: int) -> str:
    """Return what sets a phase apart."""
    return f"{name} {number if name in NUMBERED else value or 'not told'}"


def _grouped(frames: Sequence[PlacedFrame], name: str) -> dict[str, list[int]]:
    """Return value -> indices of the frames that have it, in natural order of the values."""
    found: dict[str, list[int]] = {}
    for index, frame in enumerate(frames):
        found.setdefault(frame.phase.get(name, ""), []).append(index)
    return dict(sorted(found.items(), key=lambda item: (len(item[0]), item[0])))


def _by_instance(frames: Sequence[PlacedFrame], along: np.ndarray) -> list[Phase]:
    """Return runs of images within which no position repeats, if all runs are alike.

    Images follow one another by their instance numbers, frames by their order in the file.
    """
    told = [frame.number + 1 if frame.of > 1 else frame.instance for frame in frames]
    numbers = [number for number in told if number is not None]
    if len(set(numbers)) < len(frames):
        return []
    order = sorted(range(len(frames)), key=lambda index: numbers[index])
    runs: list[list[int]] = [[]]
    for index in order:
        if runs[-1] and np.abs(along[runs[-1]] - along[index]).min() < SAME_POSITION_MM:
            runs.append([])
        runs[-1].append(index)
    heights = [np.sort(along[run]) for run in runs]
    alike = all(
        len(h) == len(heights[0]) and np.abs(h - heights[0]).max() < SAME_POSITION_MM
        for h in heights
    )
    if not alike or len(heights[0]) < 2:
        return []
    return [
        Phase(
            f"images {numbers[run[0]]} to {numbers[run[-1]]}",
            tuple(frames[i] for i in run),
        )
        for run in runs
    ]


def _repeats(along: np.ndarray) -> bool:
    return len(along) > 1 and bool(np.diff(np.sort(along)).min() < SAME_POSITION_MM)


def _interleaved(groups: list[np.ndarray]) -> bool:
    """Tell whether the ranges of some groups overlap."""
    ranges = sorted((float(group.min()), float(group.max())) for group in groups)
    highest = -np.inf
    for low, high in ranges:
        if low < highest:
            return True
        highest = max(highest, high)
    return False


def _at_same_position(
    frames: Sequence[PlacedFrame], along: np.ndarray
) -> tuple[PlacedFrame, PlacedFrame]:
    order = np.argsort(along, kind="stable")
    at = int(np.argmin(np.diff(along[order])))
    return frames[order[at]], frames[order[at + 1]]
