"""The loop of all trainings: steps, logs, checkpoints, a clean stop, and going on bit for bit."""

from __future__ import annotations

import logging
import math
import time
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch

from ..errors import ModelError
from .files import CHECKPOINT, LOG, read_checkpoint, replace_checkpoint, restore
from .log_table import append_row, cut_rows
from .machine import Machine
from .random_state import random_state, set_random_state

logger = logging.getLogger(__name__)

Net = TypeVar("Net", bound=torch.nn.Module)

# A step whose gradient is no finite number changes nothing; after so many in a row nothing will.
MOST_BAD_STEPS = 20
# Columns that each table begins and ends with.
FIRST_FIELDS, LAST_FIELDS = ("step", "seconds"), ("skipped",)


class LoopSettings(Protocol):
    """What the loop reads of a training's settings."""

    @property
    def seed(self) -> int: ...
    @property
    def steps(self) -> int: ...
    @property
    def log_every(self) -> int: ...
    @property
    def checkpoint_every(self) -> int: ...


class Loop(ABC, Generic[Net]):
    """Train; `run` continues from the folder's checkpoint if it has one.

    A training says what its parts are (`parts`, `generators`), and what one step does
    (`_one_step`). It calls `_begin` once, when its parts are made.

    Parameters
    ----------
    settings : LoopSettings
        Number of steps, seed, and how often to log and to write a checkpoint.
    folder : path
        Gets `checkpoint.pt` (tensors and plain values only) and `losses.csv`.
    machine : Machine
        Where it runs.
    """

    # Names of the terms that `_one_step` may return, in the table's order.
    terms: tuple[str, ...] = ()

    def __init__(self, settings: LoopSettings, folder: Path, machine: Machine):
        torch.manual_seed(settings.seed)
        self._loop = settings
        self.machine = machine
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.step = 0
        self.skipped = 0
        self._bad_in_row: Counter[int] = Counter()  # by optimiser
        self._random: dict[str, Any] | None = None

    @abstractmethod
    def parts(self) -> dict[str, Any]:
        """Return networks and optimisers by name: what a checkpoint holds."""

    @abstractmethod
    def generators(self) -> Sequence[np.random.Generator]:
        """Return the generators that draw the examples."""

    @abstractmethod
    def _one_step(self) -> dict[str, float]:
        """Take one optimiser step, by `_descend`, and return the losses."""

    @abstractmethod
    def result(self) -> Net:
        """Return the trained network, in eval mode, on the CPU."""

    def _after_step(self) -> None:
        """Do what a training does between steps."""

    def _saved(self) -> None:
        """Do what goes with each checkpoint."""

    def told(self) -> dict[str, Any]:
        """Return plain values that a checkpoint holds besides."""
        return {}

    def accept(self, state: dict[str, Any]) -> None:
        """Take what `told` has told of an earlier run; raise `ModelError` if it doesn't fit."""

    def logged(self) -> dict[str, Any]:
        """Return columns of the table that aren't losses."""
        return {}

    @property
    def fields(self) -> tuple[str, ...]:
        """Columns of the table of losses."""
        return (*FIRST_FIELDS, *self.terms, *LAST_FIELDS)

    def run(self, on_step: Callable[[int, int], None] | None = None) -> Net:
        """Train to the last step and return the network.

        `on_step(step, steps)` is called after each step. If it raises (a cancel), a checkpoint of
        that step is written first; the same training then goes on as if it had never stopped.

        Raises
        ------
        ModelError
            If the losses are no finite numbers any more.
        OutputError
            If table or checkpoint can't be written; the last checkpoint stays.
        """
        s, started = self._loop, time.monotonic()
        self._set_random()
        while self.step < s.steps:
            terms = self._one_step()
            self.step += 1
            self._after_step()
            if self.step % s.log_every == 0:
                self._log(terms, time.monotonic() - started)
            saved = self.step % s.checkpoint_every == 0 or self.step == s.steps
            if saved:
                self._save_checkpoint()
            if on_step is None:
                continue
            stop: BaseException | None = None
            try:
                on_step(self.step, s.steps)
            except BaseException as error:
                stop = error
            # All processes stop after the same step, whichever was asked to.
            if self.machine.any(stop is not None):
                if not saved:
                    self._save_checkpoint()
                raise stop or Stopped(f"Another process asked to stop after step {self.step}.")
        return self.result()

    def _begin(self) -> None:
        """Go on from the folder's checkpoint, if there is one; call it when all parts are made."""
        path, parts = self.folder / CHECKPOINT, self.parts()
        state = read_checkpoint(path, tuple(parts))
        if state is None:
            return
        self.accept(state)
        restore(path, parts, state)
        self.step = state["step"]
        self._random = state.get("random")
        if self.machine.writes:
            cut_rows(self.folder / LOG, self.fields, self.step)
        logger.info("resumed at step %d", self.step)

    @property
    def first_seed(self) -> int:
        """Seed of the generators of a run that begins here.

        Checkpoints of earlier versions lack the generators' states: a run that goes on from one
        must not see the first run's examples again.
        """
        return self._loop.seed + self.step

    def _set_random(self) -> None:
        if self._random is None:
            return
        try:
            set_random_state(self.generators(), self._random)
        except (ValueError, KeyError, TypeError, RuntimeError) as error:
            raise ModelError(
                f"The checkpoint in {self.folder} is damaged: its random state is none. Move it "
                f"away to begin anew."
            ) from error
        self._random = None

    def _descend(
        self, optimiser: torch.optim.Optimizer, parameters: Sequence[Any], most_norm: float
    ) -> bool:
        """Average gradients over processes, cut them, and step; not if one isn't finite.

        Raises
        ------
        ModelError
            If that was so too often in a row.
        """
        self.machine.average_gradients(parameters)
        norm = torch.nn.utils.clip_grad_norm_(parameters, most_norm)
        if torch.isfinite(norm):
            optimiser.step()
            self._bad_in_row[id(optimiser)] = 0
            return True
        self.skipped += 1
        self._bad_in_row[id(optimiser)] += 1
        logger.warning("step %d: the gradient is not finite; nothing is changed", self.step + 1)
        if self._bad_in_row[id(optimiser)] >= MOST_BAD_STEPS:
            raise ModelError(
                f"The training has gone astray: the gradients of {MOST_BAD_STEPS} steps up to "
                f"{self.step + 1} are no finite numbers. The last checkpoint in {self.folder} is "
                f"whole; go on from it with a lower learning_rate, or without bfloat16."
            )
        return False

    def _rate(self, peak: float, warmup: int, floor: float) -> float:
        """Return the learning rate of this step: it rises, then falls along a cosine.

        Never below the share `floor` of the peak (but while it rises).
        """
        warm = min(1.0, (self.step + 1) / max(warmup, 1))
        cosine = 0.5 * (1 + math.cos(math.pi * self.step / self._loop.steps))
        return peak * warm * max(cosine, floor)

    def _log(self, terms: dict[str, float], seconds: float) -> None:
        if not self.machine.writes:
            return
        row: dict[str, Any] = {"step": self.step, "seconds": round(seconds, 1)}
        row |= self.logged() | {"skipped": self.skipped}
        row |= {name: f"{value:.5f}" for name, value in terms.items()}
        append_row(self.folder / LOG, self.fields, row)
        logger.info("step %d: %s", self.step, row)

    def _save_checkpoint(self) -> None:
        if self.machine.writes:
            state = {"step": self.step, "skipped": self.skipped, **self.told()}
            state |= {name: part.state_dict() for name, part in self.parts().items()}
            # A run that hasn't begun yet still has the state that it was given.
            state["random"] = self._random or random_state(self.generators())
            replace_checkpoint(self.folder / CHECKPOINT, state)
        self._saved()


class Stopped(KeyboardInterrupt):
    """Another process of the training was asked to stop."""


def set_rate(optimiser: torch.optim.Optimizer, rate: float) -> None:
    """Give all parameters of an optimiser a learning rate."""
    for group in optimiser.param_groups:
        group["lr"] = rate
