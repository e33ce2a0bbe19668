"""Wishes of a session granted one by one: planes first, then what is missing, score, the rest."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from time import monotonic
from typing import TYPE_CHECKING, Any

import numpy as np

from ..counterfactual.direction import DIRECTIONS
from ..errors import Cancelled, CTCounterfactualError
from ..events import Event, ProgressCallback
from ..outputs.folder import claim_output
from ..scans.pieces import pieces
from ..storage.sizes import BYTES_PER_MB
from .job import Job
from .live_file import LiveFile
from .wishes import Attention, Keep, Move, Superseded, Wishes

if TYPE_CHECKING:
    from ..counterfactual.frames import Cut
    from ..session.session import Session

# Planes that need many slices are drawn anew after so many seconds, as far as slices are there.
PARTIAL_S = 0.5
# A plane that needs fewer than this share of all slices is drawn at once, before the others.
FEW = 0.5
_SECONDS_PER_MINUTE = 60


class Service:
    """Grants the wishes of one session.

    Parameters
    ----------
    job : Job
        `output` and how a result is written.
    session : Session
        Whose cancel is `attention`.
    live : LiveFile
        What its planes are drawn into.
    progress : callable
        Gets all events.
    """

    def __init__(
        self,
        job: Job,
        session: Session,
        live: LiveFile,
        wishes: Wishes,
        attention: Attention,
        progress: ProgressCallback,
    ):
        self._job, self._session, self._live = job, session, live
        self._wishes, self._attention, self._progress = wishes, attention, progress
        # The file begins as the scan; the paper's lambda = 0 is the reconstruction.
        self._settled = 0.0 if session.starts_as_scan else math.nan
        self._marked: set[str] = set()
        self._turned = {session.direction}
        from ..session.planes import array_axis, rows_needed

        self._up = array_axis(session.scan, "axial")
        self._rows = rows_needed(session.prepared, self._up)

    def tell_ready(self, idle_s: float) -> None:
        """Say that all is ready, and what it takes."""
        session, target = self._session, self._session.target
        limit = session.limit(session.direction)
        if limit is not None:
            session.draw(limit.lam, [session.prepared.slices // 2])  # so that the first is quick
        minutes = idle_s / _SECONDS_PER_MINUTE
        megabytes = session.memory_mb + self._live.voxels.nbytes / BYTES_PER_MB
        self._tell(
            "ready",
            f"Ready: move lambda. It holds {megabytes:.0f} MB beside scan and models, and ends "
            f"after {minutes:g} minutes without use.",
            live=self._live.describe(),
            score=session.original_score,
            reconstruction=session.reconstruction_score,
            unit=target.unit,
            threshold=target.threshold,
            max_change=session.max_change,
            direction=session.direction,
            memory_mb=round(megabytes),
            idle_s=idle_s,
            limit=_plain(limit),
        )

    def run(self, idle_s: float) -> str:
        """Grant wishes until there is an end; return in words what ended it."""
        last, showing = monotonic(), None
        while True:
            try:
                self._wishes.cancel.check()
                for text in self._wishes.refusals():
                    self._tell("refused", text)
                wish = self._wishes.next()
                if wish is not None:
                    last = monotonic()
                if isinstance(wish, Move):
                    showing = wish
                elif wish is not None:
                    with self._refusing():
                        self._keep(wish)
                if showing is not None:
                    with self._refusing():
                        self._show(showing)
                    showing = None
                self._look_for_marks()
                if not self._wishes.wait(max(0.0, idle_s - (monotonic() - last))):
                    return f"The session ended after {idle_s / _SECONDS_PER_MINUTE:g} idle minutes."
            except Superseded:
                continue
            except Cancelled:
                return "The session has ended."
            finally:
                self._attention.yields = False

    def _show(self, move: Move) -> None:
        """Draw planes, the nearest slices first; then score the lambda, and draw all of it.

        Something of it is drawn in any case: else nothing would show while lambda is dragged.
        """
        session, lam = self._session, move.lam
        from ..session.planes import cut_along

        self._turn(lam)
        planes = [
            (axis, number, cut_along(session.scan, axis, number)) for axis, number in move.planes
        ]
        if lam == self._settled:
            for axis, number, _ in planes:
                self._tell_plane(lam, axis, number)
            self._tell_position(lam)
            return
        self._settled = math.nan
        few = FEW * session.prepared.slices
        quick = [plane for plane in planes if len(session.slices_of(plane[2])) < few]
        slow = [plane for plane in planes if plane not in quick]
        near: list[int] = []
        for axis, number, cut in quick:
            needed = session.slices_of(cut)
            session.draw(lam, needed)
            self._live.voxels[cut] = session.picture(cut)
            self._tell_plane(lam, axis, number)
            near += needed
        self._attention.yields = bool(quick)
        self._draw_rest(lam, near, slow)
        for axis, number, cut in slow:
            self._live.voxels[cut] = session.picture(cut)
            self._tell_plane(lam, axis, number)
        self._attention.yields = True
        self._tell_position(lam)
        self._settle(lam)

    def _turn(self, lam: float) -> None:
        """Make the direction of a lambda ready; not interrupted, or dragging would never get it."""
        from ..session.curve import direction_of

        direction = direction_of(lam) if lam else self._session.direction
        if direction not in self._turned:
            self._tell("turning", f"Taking the gradient to {direction} the score")
            self._session.turn(direction)
            self._turned.add(direction)

    def _draw_rest(self, lam: float, near: list[int], slow: list[tuple[int, int, Cut]]) -> None:
        session, told = self._session, monotonic()
        middle = [session.prepared.slices // 2]
        for number in session.missing(lam, near or middle):
            ready = session.draw(lam, [number])
            if monotonic() - told < PARTIAL_S or ready.all():
                continue
            told = monotonic()
            rows = np.array([n for n, need in enumerate(self._rows) if ready[need].all()], int)
            for axis, at, cut in slow:
                self._put_rows(cut, rows)
                self._tell_plane(lam, axis, at, float(ready.mean()))
            self._attention.yields = True

    def _put_rows(self, cut: Cut, rows: np.ndarray) -> None:
        """Put those rows of a plane into the file whose slices are there; the others stay."""
        if cut[self._up].stop - cut[self._up].start == 1 or not len(rows):
            return
        where = tuple(rows if axis == self._up else part for axis, part in enumerate(cut))
        self._live.voxels[where] = self._session.picture(cut).take(rows, self._up)

    def _settle(self, lam: float) -> None:
        """Draw the whole scan at a lambda into the file."""
        height, width = self._live.voxels.shape[1:]
        for part in pieces(self._live.voxels.shape):
            self._attention.check()
            cut = part, slice(0, height), slice(0, width)
            self._live.voxels[cut] = self._session.picture(cut)
        self._settled = lam
        self._tell("settled", f"All planes show lambda {lam:.4g}", **{"lambda": lam})

    def _look_for_marks(self) -> None:
        """Look where decision and limit lie, each direction once, while nothing is wished."""
        self._attention.yields = True
        mine = self._session.direction
        for direction in (mine, *(each for each in DIRECTIONS if each != mine)):
            if direction not in self._marked:
                with self._refusing():
                    self._session.find_marks(direction)
                    self._turned.add(direction)
                    self._tell_marks(direction)
                self._marked.add(direction)  # also where it failed: once is enough

    @contextmanager
    def _refusing(self) -> Iterator[None]:
        """Tell what a wish can't be granted for, and go on."""
        try:
            yield
        except Cancelled:
            raise
        except CTCounterfactualError as error:
            self._refuse(error)

    def _refuse(self, error: CTCounterfactualError) -> None:
        self._tell("refused", str(error), advice=error.advice, error=type(error).__name__)

    def _keep(self, wish: Keep) -> None:
        job, session = self._job, self._session
        with claim_output(wish.output or job.output, job.force, job.scene) as folder:
            folder.check_space(math.prod(session.scan.size))
            made = session.keep(wish.lam, self._progress)
            if wish.scan:
                made = replace(made, scan=replace(made.scan, path=wish.scan))
            out = folder.write(made, job.scene, job.with_scan, job.report, self._wishes.cancel)
        self._tell(
            "kept",
            f"Result of lambda {wish.lam:.4g} written to {out}",
            output=str(out),
            scores=asdict(made.scores),
            flags=[flag.name for flag in made.flags],
            **{"lambda": wish.lam},
        )

    def _tell_plane(self, lam: float, axis: int, number: int, ready: float = 1.0) -> None:
        self._tell(
            "plane",
            f"Plane {number} at lambda {lam:.4g}",
            axis=axis,
            number=number,
            ready=round(ready, 3),
            **{"lambda": lam},
        )

    def _tell_position(self, lam: float) -> None:
        point = self._session.point(lam)
        self._tell(
            "position",
            f"Lambda {lam:.4g}: score {point.score:.4g}, {100 * point.change:.2f} % changed",
            score=point.score,
            change=point.change,
            **{"lambda": lam},
        )

    def _tell_marks(self, direction: str) -> None:
        flip, limit = self._session.flip(direction), self._session.limit(direction)
        words = [f"change limit at lambda {limit.lam:.4g}"] if limit else ["nothing can change"]
        words += [f"the decision changes at {flip.lam:.4g}"] if flip else []
        self._tell(
            "marks",
            f"To {direction}: {', '.join(words)}",
            direction=direction,
            flip=_plain(flip),
            limit=_plain(limit),
            points=[[p.lam, p.score, p.change] for p in self._session.points(direction)],
        )

    def _tell(self, step: str, message: str, **data: Any) -> None:
        self._progress(Event(step, message, 1.0, data))


def _plain(mark: Any) -> dict[str, Any] | None:
    return None if mark is None else asdict(mark)
