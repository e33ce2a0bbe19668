"""The verb `distract`: put one thing into a scan that a model should ignore."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import SettingsError
from ..suggest import suggest
from . import acquisition, arms, chest_tube, clip, electrode, marker, table
from .layers import Layer, joined
from .patient import Patient


@dataclass(frozen=True)
class Kind:
    """A distractor.

    Parameters
    ----------
    words : str
        What it is, for tables.
    draw : callable
        (patient, rng) -> what it looks like and where it lies.
    make : callable
        (patient, look, rng) -> layers; or the whole scan done otherwise, (K, J, I), HU.
    place : callable
        (patient, look) -> where, in words.
    """

    words: str
    draw: Callable[[Patient, np.random.Generator], Any]
    make: Callable[[Patient, Any, np.random.Generator], list[Layer] | np.ndarray]
    place: Callable[[Patient, Any], str]


KINDS = {
    "electrode": Kind(
        "ECG electrode with its lead",
        electrode.draw_electrode,
        electrode.paint_electrode,
        electrode.words,
    ),
    "chest-tube": Kind(
        "chest tube", chest_tube.draw_chest_tube, chest_tube.paint_chest_tube, chest_tube.words
    ),
    "table": Kind("table top", table.draw_table, table.paint_table, table.words),
    "marker": Kind("burned-in side letter", marker.draw_marker, marker.paint_marker, marker.words),
    "arms": Kind("arms down", arms.draw_arms, arms.paint_arms, arms.words),
    "clip": Kind("surgical clip", clip.draw_clip, clip.paint_clip, clip.words),
    "kernel": Kind(
        "another kernel",
        acquisition.draw_kernel,
        acquisition.apply_kernel,
        acquisition.kernel_words,
    ),
    "noise": Kind(
        "a lower dose", acquisition.draw_noise, acquisition.apply_noise, acquisition.noise_words
    ),
    "tilt": Kind(
        "a tilted gantry", acquisition.draw_tilt, acquisition.apply_tilt, acquisition.tilt_words
    ),
}
DISTRACTORS = tuple(KINDS)


@dataclass(frozen=True)
class Distracted:
    """A scan with a distractor in it.

    Parameters
    ----------
    hu : numpy.ndarray
        (K, J, I), float32, HU.
    cover : numpy.ndarray or None
        (K, J, I), float32, 0..1: how much of each voxel is the thing; where it is 0 nothing was
        changed. None if the whole scan was done otherwise.
    kind, place : str
        What, and where in words.
    ml : float
        Volume of the cover; 0 without one.
    look : object
        All that was drawn.
    """

    hu: np.ndarray
    cover: np.ndarray | None
    kind: str
    place: str
    ml: float
    look: Any


def distract(kind: str, patient: Patient, rng: np.random.Generator, look: Any = None) -> Distracted:
    """Put a distractor of random look and place into a scan; the input stays as it is.

    Parameters
    ----------
    kind : str
        One of `DISTRACTORS`.
    rng : numpy.random.Generator
        Draws everything; the same state, the same voxels.
    look : object, optional
        What is drawn otherwise: an `Electrode`, a `Table` ...

    Raises
    ------
    SettingsError
        For a distractor that there isn't.
    ScanError
        If there is no room.
    """
    if kind not in KINDS:
        raise SettingsError(f"There is no distractor '{kind}'. {suggest(kind, DISTRACTORS)}")
    one = KINDS[kind]
    look = one.draw(patient, rng) if look is None else look
    made = one.make(patient, look, rng)
    place = one.place(patient, look)
    if isinstance(made, np.ndarray):
        return Distracted(made, None, kind, place, 0.0, look)
    hu, cover = joined(patient.hu, made)
    ml = float(cover.sum(dtype=float)) * float(patient.steps.prod()) * 1e-3
    return Distracted(hu, cover, kind, place, ml, look)
