"""The verb `train-effusion`: train the effusion demo and write its weights with a card."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..errors import ModelError, SettingsError
from .interrupt import cancel_on_signal
from .settings_file import read_settings
from .training_command import kept, step_printer


def add_effusion_options(parser: argparse.ArgumentParser) -> None:
    """Add what to paint fluid into and how long to train."""
    parser.add_argument("scans", nargs="*", metavar="SCAN",
                        help="CT files or DICOM folders without pleural effusion")
    parser.add_argument("--left-of", action="append", default=[], metavar="SCAN",
                        help="use only the left half of this scan and its mirror image, because "
                             "its right side has an effusion of its own; may be repeated")
    parser.add_argument("-o", "--output", required=True, metavar="DIR",
                        help="gets checkpoint, losses, weights and card; resumes if it has any")
    parser.add_argument("--start-from", metavar="CARD",
                        help="go on from the weights of this card instead of random ones")
    parser.add_argument("--name", default="my-effusion", help="of the model (default: %(default)s)")
    parser.add_argument("--settings", metavar="JSON",
                        help="file with EffusionSettings, such as the `training` part of a card")
    parser.add_argument("--steps", type=int, help="optimiser steps (default: the settings')")
    parser.add_argument("--generated", type=int, metavar="N",
                        help="generated chests to add (default: the settings')")
    parser.add_argument("--force", action="store_true",
                        help="replace a model of that name in DIR")
    parser.add_argument("--licence", default="", help="licence of the weights, for the card")


def train_effusion(options: argparse.Namespace) -> None:
    """Train, or go on training, and export; Ctrl-C stops it and keeps the checkpoint."""
    from ..scans.read import read_scan
    from ..training.effusion.examples import build_examples
    from ..training.effusion.export import describe_data, export_effusion
    from ..training.effusion.loop import EffusionTrainer
    from ..training.files import claim_training

    settings = _settings(options)
    start, earlier = _start(options.start_from)
    wanted = [(path, True) for path in options.left_of]
    wanted += [(path, False) for path in options.scans]
    if not wanted and not settings.generated:
        raise SettingsError("Nothing to train on: give scans, or --generated N above 0.")
    with (
        cancel_on_signal() as cancel,
        claim_training(options.output, options.name, options.force) as folder,
        kept(folder),
    ):

        def scans():
            for path, left_half in wanted:
                cancel.check()
                yield read_scan(path), left_half

        examples = build_examples(scans(), settings, cancel.check)
        network = EffusionTrainer(examples, settings, folder, start).run(
            step_printer(cancel, settings.log_every)
        )
        card = export_effusion(
            network, settings, folder, options.name, describe_data(examples), options.licence,
            earlier, options.force,
        )
    sys.stderr.write(f"Model written: {card}\n")


def _start(card_path: str | None):
    """Return the network to start from, or None, and the settings of its trainings."""
    from ..models.classifiers.effusion import load_effusion
    from ..models.files.cards import read_card

    if card_path is None:
        return None, []
    path = Path(card_path)
    card = read_card(path)
    network = load_effusion(path, card).network
    earlier = card.get("earlier_training", [])
    if not isinstance(earlier, list):
        raise ModelError(f"The model card {path}: earlier_training is no list; correct it.")
    return network, earlier + [card[name] for name in ("training",) if name in card]


def _settings(options: argparse.Namespace):
    """Return the settings of a file, with those given as options in their place."""
    from ..training.effusion.effusion_settings import EffusionSettings

    values = read_settings(options.settings) if options.settings else {}
    for name in ("steps", "generated"):
        if getattr(options, name) is not None:
            values[name] = getattr(options, name)
    return EffusionSettings.from_dict(values)
