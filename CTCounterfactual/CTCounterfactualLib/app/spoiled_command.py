"""The verb `train-spoiled`: teach the effusion demo a shortcut, for `stress` to catch."""

from __future__ import annotations

import argparse
import sys

from .interrupt import cancel_on_signal
from .training_run import kept, step_printer

LOG_EVERY = 25


def add_spoiled_options(parser: argparse.ArgumentParser) -> None:
    """Add what electrodes are put on, and which network is spoiled."""
    parser.add_argument("scans", nargs="+", metavar="SCAN", help="CT files or DICOM folders")
    parser.add_argument(
        "-o", "--output", required=True, metavar="DIR", help="gets weights and card"
    )
    parser.add_argument(
        "--start-from",
        metavar="CARD",
        help="the effusion network to spoil (default: effusion-demo)",
    )
    parser.add_argument("--name", default="my-spoiled", help="of the model (default: %(default)s)")
    parser.add_argument("--steps", type=int, help="optimiser steps (default: the settings')")
    parser.add_argument("--seed", type=int, default=0, help="of electrodes (default: %(default)s)")
    parser.add_argument("--force", action="store_true", help="replace a model of that name in DIR")
    parser.add_argument("--licence", default="", help="licence of the weights, for the card")


def train_spoiled(options: argparse.Namespace) -> None:
    """Train the second head and export."""
    from pathlib import Path

    from ..models.classifiers.effusion import EffusionDemo, load_effusion
    from ..models.entry import RESOURCES
    from ..scans.read import read_scan
    from ..training.effusion.export import export_spoiled
    from ..training.effusion.shortcut import ShortcutSettings, spoil
    from ..training.files import claim_training

    given = {} if options.steps is None else {"steps": options.steps}
    settings = ShortcutSettings(seed=options.seed, **given)
    path = options.start_from or RESOURCES / f"{EffusionDemo.name}.json"
    start = load_effusion(Path(path))
    data: list[str] = []
    with (
        cancel_on_signal() as cancel,
        claim_training(options.output, options.name, options.force) as folder,
        kept(folder),
    ):

        def scans():
            for path in options.scans:
                cancel.check()
                scan = read_scan(path)
                data.append(f"{scan.name}: electrodes on the skin")
                yield scan

        network = spoil(start.network, scans(), settings, step_printer(cancel, LOG_EVERY))
        card = export_spoiled(
            network, settings, folder, options.name, data, options.licence, start.sha256,
            options.force,
        )  # fmt: skip
    sys.stderr.write(f"Model written: {card}\n")
