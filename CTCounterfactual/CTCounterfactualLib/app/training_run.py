"""What all trainings share on the command line: options, progress, and what a cancel leaves."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic

from ..errors import Cancelled
from ..events import CancelToken

# Up to so many of a unit, durations are told in it.
MOST_OF_A_UNIT = 90


def add_run_options(
    parser: argparse.ArgumentParser, name: str, settings: str, configured: bool = False
) -> None:
    """Add what every training takes: where it goes, what it starts from, its name and settings.

    `name` is the model's default one, `settings` the class that a settings file holds; with
    `configured` a configuration may say all of it instead.
    """
    parser.add_argument(
        "-o",
        "--output",
        required=not configured,
        metavar="DIR",
        help="gets checkpoint, losses, weights and card; resumes if it has any",
    )
    parser.add_argument(
        "--start-from",
        metavar="CARD",
        help="go on from the weights of this card instead of random ones",
    )
    parser.add_argument(
        "--name", default=None if configured else name, help=f"of the model (default: {name})"
    )
    parser.add_argument(
        "--settings",
        metavar="JSON",
        help=f"file with {settings}, such as the `training` part of a card",
    )
    parser.add_argument("--steps", type=int, help="optimiser steps (default: the settings')")


def step_printer(cancel: CancelToken, every: int) -> Callable[[int, int], None]:
    """Return what a training calls after each step: ask for a cancel, say every so many steps.

    With the time that is left, by the steps of this run so far.
    """
    first, started = 0, monotonic()

    def on_step(step: int, steps: int) -> None:
        nonlocal first, started
        if not first:  # what a first step takes says nothing of the others
            first, started = step, monotonic()
        cancel.check()
        if step % every == 0 and is_first_process():
            left = (monotonic() - started) / max(step - first, 1) * (steps - step)
            told = f", {in_words(left)} left" if step > first else ""
            sys.stderr.write(f"step {step} of {steps}{told}\n")

    return on_step


def in_words(seconds: float) -> str:
    """Return a duration as people say it, to two digits or so."""
    if seconds < MOST_OF_A_UNIT:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < MOST_OF_A_UNIT else f"{minutes / 60:.1f} h"


def is_first_process() -> bool:
    """Tell whether this is the process of a training that writes and speaks; see `torchrun`."""
    from ..training.machine import is_first

    return is_first()


@contextmanager
def kept(folder: Path) -> Iterator[None]:
    """Say of a cancelled training what of it is kept."""
    try:
        yield
    except (Cancelled, KeyboardInterrupt) as error:
        from ..training.files import CHECKPOINT

        if not (folder / CHECKPOINT).exists():
            raise
        raise Cancelled(
            f"Cancelled: the same command goes on from the checkpoint in {folder}."
        ) from error
