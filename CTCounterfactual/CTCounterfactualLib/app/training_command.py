"""The verb `train-vqgan`: train a slice VQ-GAN and write its weights with a card."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import Cancelled, SettingsError
from ..events import CancelToken
from ..limits import COUNT, FRACTION
from .interrupt import cancel_on_signal
from .settings_file import read_settings


def add_train_options(parser: argparse.ArgumentParser) -> None:
    """Add what to train on, the network's sizes and how long."""
    parser.add_argument("scans", nargs="*", metavar="SCAN", help="CT files or DICOM folders")
    parser.add_argument(
        "--slices",
        action="append",
        default=[],
        metavar="NPZ",
        help="single slices of many patients: arrays hu (N, H, W), spacing_mm "
        "(N, 2), patient (N,); rows from anterior to posterior, columns from "
        "the patient's right to left; may be repeated",
    )
    parser.add_argument(
        "--leave-out",
        type=int,
        metavar="N",
        help="of --slices, leave out patients whose number is a multiple of N, to "
        "measure on them (default: none)",
    )
    add_run_options(parser, "my-vqgan", "TrainSettings")
    parser.add_argument(
        "--generated",
        type=int,
        default=30,
        metavar="N",
        help="generated chests to add (default: %(default)s)",
    )
    parser.add_argument(
        "--generated-share",
        type=float,
        default=0.4,
        metavar="FRACTION",
        help="share of examples drawn from them (default: %(default)s)",
    )
    parser.add_argument(
        "--planted",
        type=int,
        default=0,
        metavar="N",
        help="findings to plant, each into a copy of each scan that has lungs "
        "(default: %(default)s)",
    )
    parser.add_argument(
        "--planted-share",
        type=float,
        default=0.25,
        metavar="FRACTION",
        help="share of the real scans' examples drawn from the slices that show "
        "them (default: %(default)s)",
    )
    parser.add_argument(
        "--device",
        default="auto",
        metavar="auto|cpu|cuda",
        help="where to train (default: %(default)s)",
    )
    parser.add_argument("--force", action="store_true", help="replace a model of that name in DIR")
    parser.add_argument("--licence", default="", help="licence of the weights, for the card")


def add_run_options(parser: argparse.ArgumentParser, name: str, settings: str) -> None:
    """Add what every training takes: where it goes, what it starts from, its name and settings.

    `name` is the model's default one, `settings` the class that a settings file holds.
    """
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="DIR",
        help="gets checkpoint, losses, weights and card; resumes if it has any",
    )
    parser.add_argument(
        "--start-from",
        metavar="CARD",
        help="go on from the weights of this card instead of random ones",
    )
    parser.add_argument("--name", default=name, help="of the model (default: %(default)s)")
    parser.add_argument(
        "--settings",
        metavar="JSON",
        help=f"file with {settings}, such as the `training` part of a card",
    )
    parser.add_argument("--steps", type=int, help="optimiser steps (default: the settings')")


def train(options: argparse.Namespace) -> None:
    """Train, or go on training, and export; Ctrl-C stops it and keeps the checkpoint."""
    from ..counterfactual.environment import choose_device
    from ..training.export import export_model
    from ..training.files import claim_training
    from ..training.loop import Trainer
    from ..training.slices import describe_stacks

    settings, start = _settings(options)
    device = str(choose_device(options.device))
    with (
        cancel_on_signal() as cancel,
        claim_training(options.output, options.name, options.force) as folder,
        kept(folder),
    ):
        stacks = _stacks(options, cancel)
        network = Trainer(stacks, settings, folder, start, device).run(
            step_printer(cancel, settings.log_every)
        )
        card = export_model(
            network,
            settings,
            folder,
            options.name,
            data=describe_stacks(stacks),
            licence=options.licence,
            started_from=start.told if start else None,
            force=options.force,
        )
    sys.stderr.write(f"Model written: {card}\n")


def _settings(options: argparse.Namespace):
    """Return the settings, and the weights to start from or None; refuse what can't go together."""
    from ..training.start import read_start
    from ..training.train_settings import TrainSettings

    if not options.scans and not options.slices and not options.generated:
        raise SettingsError("Nothing to train on: give scans, slices, or --generated N above 0.")
    if options.leave_out is not None and not options.slices:
        raise SettingsError("--leave-out is of patients in --slices files; give one, or leave it.")
    for name, limit in (
        ("generated", COUNT),
        ("generated_share", FRACTION),
        ("planted", COUNT),
        ("planted_share", FRACTION),
    ):
        if not limit.holds(getattr(options, name)):
            option = name.replace("_", "-")
            raise SettingsError(f"--{option} is {getattr(options, name)}; it must be {limit}.")
    values = read_settings(options.settings) if options.settings else {}
    if options.steps is not None:
        values["steps"] = options.steps
    if options.start_from is None:
        return TrainSettings.from_dict(values), None
    start = read_start(options.start_from)
    values.setdefault("config", start.network.config.to_dict())
    return TrainSettings.from_dict(values), start


def _stacks(options: argparse.Namespace, cancel: CancelToken):
    """Read what there is to train on."""
    from ..scans.read import read_scan
    from ..training.planted import stack_with_findings
    from ..training.slice_file import read_slices
    from ..training.slices import build_stacks, stack_from_scan

    files = [read_slices(path).split(options.leave_out)[0] for path in options.slices]
    real, planted = [], []
    for seed, path in enumerate(options.scans):
        cancel.check()
        scan = read_scan(path)
        real.append(stack_from_scan(scan))
        found = stack_with_findings(scan, options.planted, seed) if options.planted else None
        planted += [found] if found else []
    for file in files:
        cancel.check()
        real += file.stacks()
    return build_stacks(
        real, options.generated, options.generated_share, planted, options.planted_share
    )


def step_printer(cancel: CancelToken, every: int) -> Callable[[int, int], None]:
    """Return what a training calls after each step: ask for a cancel, say every so many steps."""

    def on_step(step: int, steps: int) -> None:
        cancel.check()
        if step % every == 0:
            sys.stderr.write(f"step {step} of {steps}\n")

    return on_step


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
