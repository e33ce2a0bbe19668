"""Burn a marker into the slices: a side letter in a corner, as secondary captures have it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .layers import Layer
from .patient import Patient

# Letters on 5 x 7 squares, as small displays draw them.
LETTERS = {
    "L": ("#....", "#....", "#....", "#....", "#....", "#....", "#####"),
    "R": ("####.", "#...#", "#...#", "####.", "#.#..", "#..#.", "#...#"),
}
# Height of a letter, share of the picture's smaller side; from its edge.
HEIGHT, MARGIN = (0.04, 0.08), 0.04
# White, or as bright as bone.
MARKER_HU = (800.0, 3000.0)


@dataclass(frozen=True)
class Marker:
    """A letter of every slice, in a corner of the picture.

    Parameters
    ----------
    letter : str
        Of `LETTERS`.
    anterior, right : bool
        Which corner.
    square : int
        Pixels of a square of the letter: burned in, so it is drawn of whole pixels.
    hu : float
        Its brightness.
    """

    letter: str
    anterior: bool
    right: bool
    square: int
    hu: float


def draw_marker(patient: Patient, rng: np.random.Generator) -> Marker:
    """Draw a letter, its corner and its size."""
    smaller = min(patient.hu.shape[1:])
    square = max(1, round(float(rng.uniform(*HEIGHT)) * smaller / len(LETTERS["L"])))
    return Marker(
        str(rng.choice(sorted(LETTERS))),
        bool(rng.random() < 0.5),
        bool(rng.random() < 0.5),
        square,
        float(rng.uniform(*MARKER_HU)),
    )


def paint_marker(patient: Patient, marker: Marker, rng: np.random.Generator) -> list[Layer]:
    """Return the letter as a layer of all slices."""
    rows = np.array([[mark == "#" for mark in row] for row in LETTERS[marker.letter]])
    letter = np.kron(rows, np.ones((marker.square,) * 2, bool))
    # As pictures show it: rows from Anterior to Posterior, columns from Right to Left.
    letter = letter[::-1, ::-1]
    depth, height, width = patient.hu.shape
    edge = round(MARGIN * min(height, width))
    j = max(height - edge - letter.shape[0], 0) if marker.anterior else edge
    i = max(width - edge - letter.shape[1], 0) if marker.right else edge
    box = (slice(0, depth), slice(j, j + letter.shape[0]), slice(i, i + letter.shape[1]))
    shown = letter[: height - j, : width - i]
    return [Layer(box, np.repeat(shown[None], depth, axis=0).astype(np.float32), marker.hu)]


def words(patient: Patient, marker: Marker) -> str:
    """Return where it stands."""
    corner = f"{'anterior' if marker.anterior else 'posterior'} "
    corner += "right" if marker.right else "left"
    return f"letter {marker.letter}, {corner} corner of all slices"
