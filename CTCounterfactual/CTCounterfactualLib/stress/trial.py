"""One trial: what was put into the scan, where, and what the score did."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

# Groups of trials: what should be ignored, what should be seen, and nothing but 1 HU of noise.
DISTRACTOR, FINDING, NOTHING = "distractor", "finding", "nothing"


@dataclass(frozen=True)
class Picture:
    """The slice where a trial changes most: (rows, columns), HU, float32; pixel height / width."""

    hu: np.ndarray
    cover: np.ndarray | None
    aspect: float


@dataclass(frozen=True)
class Trial:
    """A scan with one thing in it, scored.

    Parameters
    ----------
    group, kind : str
        One of the three groups; a distractor's or finding's name.
    number, seed : int
        Counted from 1; what drew it.
    place : str
        Where, or how strong, in words.
    ml : float
        Volume of what was put in; 0 if the whole scan was done otherwise.
    score, delta : float or None
        In the target's unit; how far it moved, a probability's on its logit. None if not scored.
    problem : str
        Why it isn't; else empty.
    refused : bool
        The classifier refused the changed scan (rather than that there was no room).
    picture : Picture or None
        Only while the sheet isn't drawn.
    """

    group: str
    kind: str
    number: int
    seed: int
    place: str = ""
    ml: float = 0.0
    score: float | None = None
    delta: float | None = None
    problem: str = ""
    refused: bool = False
    picture: Picture | None = None
