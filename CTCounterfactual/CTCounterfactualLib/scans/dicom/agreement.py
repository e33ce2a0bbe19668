"""What all slices of a volume must agree on, what each must have, and which to leave out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from ...errors import ScanError
from ...wording import say
from .frames import Frame, PlacedFrame
from .series import named

# Directions (unit vectors) are the same up to what scanners round: 0.06 degrees.
SAME_DIRECTION = 1e-3
# Pixel spacings are the same up to this share: half a pixel over 512.
SAME_SPACING = 1e-3
# A localizer is one or two slices that look from another side, not a little tilted.
MAX_LOCALIZERS = 2
LOCALIZER_COSINE = 0.985  # 10 degrees
# Unit vectors at right angles, up to what scanners round.
UNIT_TOLERANCE = 1e-2
HU_TYPES = ("", "HU")
GREY = ("MONOCHROME1", "MONOCHROME2")
# Slope and intercept beyond this lead to no HU.
MOST_RESCALE = 1e6
Value = TypeVar("Value")


def without_localizers(
    frames: Sequence[Frame],
) -> tuple[tuple[Frame, ...], tuple[tuple[str, str], ...]]:
    """Return the frames without localizers, and a warning that names what was left out.

    A localizer says so in its image type, or is one or two slices seen from another side.
    """
    called = [frame for frame in frames if frame.localizer]
    rest = [frame for frame in frames if not frame.localizer] or list(frames)
    sound = [
        (frame, frame.orientation)
        for frame in rest
        if frame.orientation and not _is_damaged(frame.orientation)
    ]
    if sound:
        main = _most_common([orientation for _, orientation in sound])
        across = np.cross(main[:3], main[3:])
        other = [f for f, own in sound if abs(float(normal(own) @ across)) < LOCALIZER_COSINE]
        if len(other) <= MAX_LOCALIZERS and len(rest) - len(other) > len(other):
            called += other
            rest = [frame for frame in rest if frame not in other]
    if not called or len(called) == len(frames):
        return tuple(frames), ()
    return tuple(rest), (
        (
            "localizer-left-out",
            f"{len(called)} localizer(s) in the series were left out: {named(called)}.",
        ),
    )


def check_each(frames: Sequence[Frame], told: str, assume_hu: bool) -> tuple[PlacedFrame, ...]:
    """Return the frames; raise `ScanError` if one lacks its place, its pixels' size or HU."""
    _need(frames, lambda f: f.position, told, "a position (ImagePositionPatient, 0020,0032)")
    _need(frames, lambda f: f.orientation, told, "an orientation (ImageOrientationPatient, "
                                                 "0020,0037)")  # fmt: skip
    _need(frames, lambda f: f.pixel_spacing, told, "a pixel spacing (PixelSpacing, 0028,0030)")
    placed = tuple(PlacedFrame(**vars(frame)) for frame in frames)
    for frame in placed:
        if min(frame.pixel_spacing) <= 0:
            raise ScanError(
                f"{told} has a pixel spacing of {_words(frame.pixel_spacing)} mm in {frame}; "
                f"numbers above 0 are expected. Export it again."
            )
        if _is_damaged(frame.orientation):
            raise ScanError(
                f"{told} has a damaged orientation in {frame} ({_words(frame.orientation)}): two "
                f"directions at right angles are expected. Export it again."
            )
    _check_rescale(frames, told, assume_hu)
    return placed


def check_alike(frames: Sequence[Frame], told: str) -> None:
    """Raise `ScanError` naming the first frame that differs from most in what must be alike."""
    _alike(frames, lambda f: (f.rows, f.columns), told, "size in pixels", np.equal)
    _alike(frames, lambda f: f.orientation, told, "orientation", _near(SAME_DIRECTION, 0))
    _alike(frames, lambda f: f.pixel_spacing, told, "pixel spacing", _near(0, SAME_SPACING))
    colour = next((f for f in frames if f.photometric not in GREY), None)
    if colour is not None:
        if not colour.photometric:
            raise ScanError(
                f"{told} doesn't say in {colour} whether its values are grey or colours "
                f"(PhotometricInterpretation, 0028,0004). Export it again."
            )
        raise ScanError(
            f"{told} has colours ({colour.photometric}) in "
            f"{colour}; a CT scan has grey values. Choose the scan itself, not a picture of it."
        )
    kinds = Counter(frame.photometric for frame in frames)
    if len(kinds) > 1:
        rare = min(kinds, key=kinds.__getitem__)
        frame = next(f for f in frames if f.photometric == rare)
        raise ScanError(
            f"{told} mixes MONOCHROME1 and MONOCHROME2: {frame} is {rare}, others aren't. Take out "
            f"what doesn't belong to the volume."
        )


def _is_damaged(orientation: tuple[float, ...]) -> bool:
    """Tell an orientation that isn't two unit vectors at right angles."""
    axes = np.array(orientation).reshape(2, 3)
    return bool(np.abs(axes @ axes.T - np.eye(2)).max() > UNIT_TOLERANCE)


def normal(orientation: tuple[float, ...]) -> np.ndarray:
    """Return the direction (LPS, unit) at right angles to a frame's rows and columns."""
    cross = np.cross(orientation[:3], orientation[3:])
    return cross / max(float(np.linalg.norm(cross)), np.finfo(float).tiny)


def _check_rescale(frames: Sequence[Frame], told: str, assume_hu: bool) -> None:
    for value, name in ((lambda f: f.intercept, "rescale intercept (0028,1052)"),
                        (lambda f: f.slope, "rescale slope (0028,1053)")):  # fmt: skip
        lacking = [frame for frame in frames if value(frame) is None]
        if not lacking or (len(lacking) == len(frames) and assume_hu):
            continue
        if len(lacking) == len(frames):
            raise ScanError(
                f"{told} lacks the {name}, so its values aren't HU. Export it again, or use "
                f"{say('assume_hu', True)} if they are HU."
            )
        raise ScanError(
            f"{told} lacks the {name} in {len(lacking)} of {len(frames)} slices "
            f"({named(lacking[:1])} first), so these aren't in HU. Export it again."
        )
    for frame in frames:
        if frame.slope == 0:
            raise ScanError(
                f"{told} has a rescale slope of 0 in {frame}: every voxel would be the same. "
                f"Export it again."
            )
        if max(abs(frame.slope or 0.0), abs(frame.intercept or 0.0)) > MOST_RESCALE:
            raise ScanError(
                f"{told} has a rescale of {frame.slope} * stored + {frame.intercept} in "
                f"{frame}, which leads to no HU. Export it again."
            )
        if frame.rescale_type.upper() not in HU_TYPES and not assume_hu:
            raise ScanError(
                f"{told} is in the unit {frame.rescale_type!r} (RescaleType of {frame}), not HU. "
                f"Choose a series in HU, or use {say('assume_hu', True)} if its values are HU."
            )


def _need(frames: Sequence[Frame], value: Callable, told: str, what: str) -> None:
    lacking = [frame for frame in frames if value(frame) is None]
    if not lacking:
        return
    if len(lacking) == len(frames):
        raise ScanError(
            f"{told} has no slice with {what}, so where its voxels lie isn't known. Export it "
            f"again with its geometry."
        )
    raise ScanError(
        f"{told} has {len(lacking)} of {len(frames)} slices without {what}: {named(lacking)}. "
        f"Export it again, or take out what isn't a slice of the volume."
    )


def _alike(frames: Sequence[Frame], value: Callable, told: str, what: str, same: Callable) -> None:
    usual = _most_common([value(frame) for frame in frames])
    values = np.array([value(frame) for frame in frames], float)
    other = np.flatnonzero(~same(values, np.array(usual, float)).all(axis=1))
    if other.size:
        frame = frames[other[0]]
        raise ScanError(
            f"{told} has slices of different {what}: {frame} has {_words(value(frame))}, most "
            f"have {_words(usual)} ({other.size} of {len(frames)} differ). Keep one kind in the "
            f"folder."
        )


def _near(absolute: float, relative: float) -> Callable:
    return lambda a, b: np.isclose(a, b, rtol=relative, atol=absolute)


def _most_common(values: list[Value]) -> Value:
    return Counter(values).most_common(1)[0][0]


def _words(numbers) -> str:
    return " x ".join(f"{number:.4g}" for number in numbers)
