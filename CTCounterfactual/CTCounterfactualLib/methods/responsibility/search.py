"""The search of responsibility (algorithm 1 of 3D ReX): cut, keep, look who passes, cut those.

A box is cut in four; each of the 14 ways to keep some of the four is a mutant, everything else
occluded. One that keeps the answer passes, and each box that it keeps of the four takes
1 / (number of these) of the responsibility. What passes is cut further: one box of a mutant at a
time, while its others are held. The map is the sum over many rounds of random cuts; here divided
by their number.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from time import monotonic

import numpy as np

from ...errors import Cancelled
from .answer import Answer
from .boxes import COMBINATIONS, Box, RandomNumbers, cut_in_four
from .mutants import Mutants

Job = tuple[Box, ...]  # a mutant: the boxes that it keeps
CANCELLED = "cancelled"
WEIGHTINGS = ("plain", "score", "volume", "depth")


@dataclass(frozen=True)
class Effort:
    """How far to search.

    Parameters
    ----------
    rounds : int
        Times that the search begins anew with other cuts.
    depth : int
        Most cuts within each other.
    queue : int
        Passing mutants of one depth that are cut further; those that keep the fewest voxels.
    least_voxels : int
        Boxes smaller than this aren't cut.
    calls, seconds : float
        Most mutants scored, and most time, of all rounds together.
    weighting : str
        What a box's part of the responsibility is multiplied by: `plain`: 1; `score`: the share
        of the score that the mutant keeps (of one that fails: loses); `volume`: how many times
        smaller the box is than the whole; `depth`: the number of cuts that led to it.
    """

    rounds: int = 20
    depth: int = 10
    queue: int = 1
    least_voxels: int = 10
    calls: float = float("inf")
    seconds: float = float("inf")
    weighting: str = "plain"


@dataclass
class Responsibility:
    """What a search has found so far; `positive` and `negative` are its maps.

    Parameters
    ----------
    root : Box
        The part of the scan that was searched.
    kept_by, lost_by : numpy.ndarray
        (K, J, I), float32: sums over all rounds, of passing and of failing mutants.
    rounds, passing, failing, deepest : int
        Rounds begun, mutants that passed and failed, and most cuts within each other.
    ended : str
        Why the search ended: `rounds`, `calls`, `seconds` or `cancelled`.
    """

    root: Box
    kept_by: np.ndarray
    lost_by: np.ndarray
    rounds: int = 0
    passing: int = 0
    failing: int = 0
    deepest: int = 0
    ended: str = "rounds"

    @property
    def positive(self) -> np.ndarray:
        """Responsibility for the answer: (K, J, I), float32, >= 0, mean over the rounds."""
        return self.kept_by / max(self.rounds, 1)

    @property
    def net(self) -> np.ndarray:
        """The same minus that for the other answer (negative responsibility): any sign.

        That is the responsibility of boxes in mutants that failed, where a sibling of theirs
        passed; ReX subtracts the maps of all other classes in the same way.
        """
        return (self.kept_by - self.lost_by) / max(self.rounds, 1)


class _Ended(Exception):
    """The budget is spent; its text names what of it."""


@dataclass
class Search:
    """One search; `run` may be called once.

    Parameters
    ----------
    mutants : Mutants
        Of the scan.
    answer : Answer
        What a mutant passes by.
    effort : Effort
        How far.
    generator : callable
        From the number of a round, counted from 0, to its random numbers: rounds don't depend on
        how far earlier ones came.
    stop : callable
        Whether to end now, with what is there; asked before each cut.
    told : callable
        Gets the maps after each round; they go on changing.
    """

    mutants: Mutants
    answer: Answer
    effort: Effort
    generator: Callable[[int], RandomNumbers]
    stop: Callable[[], bool] = lambda: False
    told: Callable[[Responsibility], None] = lambda found: None
    _begun: float = field(default=0.0, init=False)
    _calls_before: int = field(default=0, init=False)

    def run(self, root: Box) -> Responsibility:
        """Search a part of the scan, and return the maps; on a spent budget those so far."""
        shape = tuple(self.mutants.volume.shape)
        found = Responsibility(root, np.zeros(shape, np.float32), np.zeros(shape, np.float32))
        self._begun, self._calls_before = monotonic(), self.mutants.calls
        try:
            for number in range(self.effort.rounds):
                self._check_budget()
                found.rounds = number + 1
                self._round(found, self.generator(number))
                self.told(found)
        except _Ended as end:
            found.ended = str(end)
        except Cancelled:  # from within a model, or while it was told
            found.ended = CANCELLED
        return found

    def _round(self, found: Responsibility, rng: RandomNumbers) -> None:
        parts: dict[Box, tuple[Box, ...]] = {}  # a box is cut only once a round
        queue: list[Job] = [(found.root,)]
        for depth in range(1, self.effort.depth + 1):
            passed: dict[Job, None] = {}
            for job in queue:
                for active in job:
                    if active not in parts:
                        parts[active] = cut_in_four(active, rng, self.effort.least_voxels)
                    if parts[active]:
                        held = tuple(box for box in job if box != active)
                        passed |= dict.fromkeys(self._cut(found, parts[active], held, depth))
            if not passed:
                return
            found.deepest = max(found.deepest, depth)
            queue = sorted(passed, key=_voxels)[: self.effort.queue]

    def _cut(
        self, found: Responsibility, parts: tuple[Box, ...], held: Job, depth: int
    ) -> list[Job]:
        """Score the 14 mutants of a cut, give responsibility, and return those that pass."""
        self._check_budget()
        kept = [tuple(parts[index] for index in combination) for combination in COMBINATIONS]
        scores = self.mutants.of_boxes([(*held, *boxes) for boxes in kept])
        passes = self.answer.kept(scores)
        found.passing += int(passes.sum())
        found.failing += int((~passes).sum())
        if not passes.any():  # what of the cut matters can't be told
            return []
        shares = self.answer.share(scores)
        for boxes, passing, share in zip(kept, passes, shares, strict=True):
            taker = found.kept_by if passing else found.lost_by
            for box in boxes:
                weight = self._weight(box, found.root, share if passing else 1 - share, depth)
                taker[box.slices] += weight / len(boxes)
        return [(*held, *boxes) for boxes, passing in zip(kept, passes, strict=True) if passing]

    def _weight(self, box: Box, root: Box, share: float, depth: int) -> float:
        weights = {
            "plain": 1.0,
            "score": share,
            "volume": root.voxels / box.voxels,
            "depth": float(depth),
        }
        return weights[self.effort.weighting]

    def _check_budget(self) -> None:
        if self.stop():
            raise _Ended(CANCELLED)
        if self.mutants.calls - self._calls_before + len(COMBINATIONS) > self.effort.calls:
            raise _Ended("calls")
        if monotonic() - self._begun > self.effort.seconds:
            raise _Ended("seconds")


def _voxels(job: Job) -> int:
    return sum(box.voxels for box in job)
