"""A scan that is ready for any lambda: its pictures, its score, decision and limit, a result."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from threading import RLock
from time import perf_counter

import numpy as np

from ..counterfactual.asked import Asked
from ..counterfactual.evidence import Evidence
from ..counterfactual.finish import finish
from ..counterfactual.frames import Cut
from ..counterfactual.gradient import as_slices
from ..counterfactual.outcome import Outcome
from ..counterfactual.regional import Regional
from ..counterfactual.result import Explanation
from ..counterfactual.run import Run
from ..counterfactual.search import stopping
from ..counterfactual.search.found import SearchPoint
from ..counterfactual.search.goal import AdaptiveGoal
from ..counterfactual.torch_state import run_state
from ..errors import SettingsError
from ..events import CancelToken, ProgressCallback
from ..models.guarded.stoppable import stoppable
from ..models.targets import Target
from ..scans.grid import PreparedScan
from ..scans.scan import Scan
from .curve import Curve, Mark, direction_of, look_for_marks
from .drawn import Drawn, memory_mb
from .planes import array_axis, box_of, cut_of, picture
from .position import Position
from .told import Told


class Session:
    """A scan whose lambda may be moved; `prepare.prepare_session` makes one.

    All is computed in the thread that asks, and one thing at a time. Memory is that of one run and
    of two more volumes on the prepared grid (`memory_mb`), however often lambda moves. The
    networks of the models are on loan until `close`.

    Attributes
    ----------
    prepared : PreparedScan
        The scan on the classifier's grid.
    target : Target
        Whose score it is.
    """

    def __init__(self, asked: Asked, run: Run, told: Told, loan: ExitStack):
        self.prepared: PreparedScan = asked.prepared
        self.target: Target = asked.wanted
        self._asked, self._told, self._loan = asked, told, loan
        self._runs = {run.settings.direction: run}
        self._first = run
        self._drawn = Drawn(run.encoded.x)
        start = SearchPoint(0.0, run.workspace.score, 0.0)
        self._curve = Curve(
            start, run.settings.max_change, asked.wanted.threshold, run.models.logit
        )
        self._seconds = 0.0
        self._lock = RLock()
        self._closed = False

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the models back and let go of all memory; fine to call twice."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._loan.close()
                self._runs.clear()
                del self._first, self._drawn

    @property
    def scan(self) -> Scan:
        """The scan."""
        return self.prepared.scan

    @property
    def starts_as_scan(self) -> bool:
        """Whether lambda = 0 shows the scan itself; the paper's shows its reconstruction."""
        return self._run().settings.baseline == "scan"

    @property
    def original_score(self) -> float:
        """Score of the scan."""
        return self._run().encoded.original_score

    @property
    def reconstruction_score(self) -> float:
        """Score of the autoencoder's picture of it."""
        return self._run().encoded.decoded_score

    @property
    def max_change(self) -> float:
        """The change limit, as a share of the image."""
        return self._run().settings.max_change

    @property
    def direction(self) -> str:
        """The settings' direction: the way that is ready without further work."""
        return self._run().settings.direction

    @property
    def memory_mb(self) -> float:
        """Main memory (with a GPU: its, too) that the session holds beside the models and scan."""
        self._run()
        return memory_mb((run.encoded for run in self._runs.values()), self._drawn)

    def at(self, lam: float) -> Position:
        """Return the position of a lambda; nothing is computed before it is asked for something.

        Raises
        ------
        SettingsError
            If it is no number.
        """
        if isinstance(lam, bool) or not isinstance(lam, (int, float)) or not math.isfinite(lam):
            raise SettingsError(f"Lambda is {lam!r}; a number is expected, such as -0.5.")
        self._run()
        return Position(self, float(lam))

    def turn(self, direction: str) -> None:
        """Make a direction ready, which takes as long as the gradient did, if it isn't yet."""
        with self._computing(direction):
            pass

    def plane(self, lam: float, name: str, number: int) -> np.ndarray:
        """Return a plane of the scan at lambda, HU; see `Position.plane`."""
        cut = cut_of(self.scan, name, number)
        with self._working(lam):
            self._drawn.draw(self.slices_of(cut))
            voxels = self.picture(cut)
        return voxels.squeeze(array_axis(self.scan, name))

    def slices_of(self, cut: Cut) -> range:
        """Return the prepared slices that a cut (K, J, I) of the scan's array needs."""
        part = box_of(self.prepared, cut)[0]
        return range(part.start, part.stop)

    def picture(self, cut: Cut) -> np.ndarray:
        """Return a cut of the scan, (K, J, I) in HU, with what is drawn so far of the change."""
        self._run()
        return picture(self.prepared, self._drawn.change, cut, self._asked.region)

    def draw(self, lam: float, numbers: list[int] | range) -> np.ndarray:
        """Make prepared slices ready at lambda; return which all are: (D,), bool."""
        with self._working(lam):
            self._drawn.draw(numbers)
            return self._drawn.ready.copy()

    def missing(self, lam: float, near: list[int]) -> list[int]:
        """Return the prepared slices that aren't ready at lambda, the nearest to some first."""
        with self._working(lam):
            return self._drawn.missing(near)

    def point(self, lam: float) -> SearchPoint:
        """Return score and change at lambda, looked at once; decodes all slices."""
        known = self._curve.find(lam)
        if known is not None:
            self._run()
            return known
        started = perf_counter()
        with self._working(lam) as run:
            self._drawn.draw(range(len(self._drawn.ready)))
            space = run.workspace
            start, stop = space.moving()
            changed = as_slices(self.prepared.volume + self._drawn.change, run.models.device)
            score = space.rescore(changed[start:stop], start) if stop else space.score
            found = SearchPoint(lam, score, space.fraction_changed(changed, 0, len(changed)))
        self._curve.add(found)
        self._seconds += perf_counter() - started
        return found

    def points(self, direction: str) -> tuple[SearchPoint, ...]:
        """Return the points of a direction that were looked at, in that order, 0 first."""
        return self._curve.path(direction)

    def limit(self, direction: str) -> Mark | None:
        """Return where the change limit lies, as far as it is known; None: nothing can change."""
        with self._computing(direction) as run:
            return self._curve.limit(direction, run.workspace.first_step(0, self.prepared.slices))

    def flip(self, direction: str) -> Mark | None:
        """Return where the decision changes; None where it doesn't, as far as was looked."""
        return self._curve.flip(direction)

    def find_marks(self, direction: str) -> tuple[Mark | None, Mark | None]:
        """Look for decision and change limit of a direction, as `explain` does; return both.

        Takes a few evaluations of all slices; what was looked at before isn't again. Ends early
        where the score no longer moves.
        """
        with self._computing(direction) as run:
            space, settings = run.workspace, run.settings
            farthest = space.farthest_step(0, self.prepared.slices)
            first = space.first_step(0, self.prepared.slices)
        most, logit = settings.max_evaluations, run.models.logit
        goal = AdaptiveGoal(direction, settings.max_change, None, most, farthest, logit)
        look_for_marks(self._curve, self.point, goal, first)
        return self.flip(direction), self.limit(direction)

    def keep(
        self,
        lam: float,
        progress: ProgressCallback | None = None,
        cancel: CancelToken | None = None,
    ) -> Explanation:
        """Make a lambda the counterfactual: written back, scored again and judged, as usual.

        Beyond the change limit it may lie, too; a flag then says so.

        Parameters
        ----------
        progress, cancel : optional
            Of this alone; see `explain`.

        Raises
        ------
        SettingsError
            If it is no number.
        Cancelled
            If `cancel` was set; the session goes on.
        """
        started = perf_counter()
        self.at(lam)
        with self._told.meanwhile(progress, cancel):
            kept = self.point(float(lam))
            with self._working(kept.lam) as run:
                self._drawn.draw(range(self.prepared.slices))
                whole = self._outcome(run, kept)
                change = self._drawn.change.copy()
                evidence = Evidence(whole, (), (), change, self._seconds)
                regional = Regional(run, self._asked.region)
                return finish(regional, self.prepared, evidence, self.target, started)

    def _outcome(self, run: Run, kept: SearchPoint) -> Outcome:
        direction, slices = run.settings.direction, self.prepared.slices
        path = tuple(p for p in self.points(direction) if p != kept)
        return Outcome(
            0,
            slices,
            self.prepared.slab_mm(0, slices),
            kept.lam,
            self._curve.path(direction)[0].score,
            kept.score,
            stopping.BY_HAND,
            kept.change,
            (*path, kept) if kept.lam else (kept,),
            direction,
        )

    @contextmanager
    def _computing(self, direction: str) -> Iterator[Run]:
        """Have the run of a direction for a piece of work."""
        with self._lock:
            first = self._run()
            with (
                run_state(first.settings.seed, first.models.device),
                stoppable(self._asked.networks, self._told.check),
            ):
                if direction not in self._runs:
                    self._runs[direction] = first.turned(direction)
                yield self._runs[direction]

    @contextmanager
    def _working(self, lam: float) -> Iterator[Run]:
        """Have the run of a lambda's direction for a piece of work on what is drawn there."""
        with self._computing(direction_of(lam) if lam else self.direction) as run:
            self._drawn.move(run.workspace, lam)
            yield run

    def _run(self) -> Run:
        if self._closed:
            raise SettingsError("The session is closed. Prepare the scan again.")
        return self._first
