"""The verb `train-effusion`: train the effusion demo and write its weights with a card."""

from __future__ import annotations

import argparse
import sys

from ..errors import SettingsError
from .classifier_training import settings_values, start_from
from .interrupt import cancel_on_signal
from .training_run import add_run_options, kept, step_printer


def add_effusion_options(parser: argparse.ArgumentParser) -> None:
    """Add what to paint fluid into and how long to train."""
    parser.add_argument(
        "scans",
        nargs="*",
        metavar="SCAN",
        help="CT files or DICOM folders without pleural effusion",
    )
    parser.add_argument(
        "--left-of",
        action="append",
        default=[],
        metavar="SCAN",
        help="use only the left half of this scan and its mirror image, because "
        "its right side has an effusion of its own; may be repeated",
    )
    add_run_options(parser, "my-effusion", "EffusionSettings")
    parser.add_argument(
        "--generated",
        type=int,
        metavar="N",
        help="generated chests to add (default: the settings')",
    )
    parser.add_argument("--force", action="store_true", help="replace a model of that name in DIR")
    parser.add_argument("--licence", default="", help="licence of the weights, for the card")


def train_effusion(options: argparse.Namespace) -> None:
    """Train, or go on training, and export; Ctrl-C stops it and keeps the checkpoint."""
    from ..models.classifiers.effusion import load_effusion
    from ..scans.read import read_scan
    from ..training.effusion.effusion_settings import EffusionSettings
    from ..training.effusion.examples import build_examples
    from ..training.effusion.export import describe_data, export_effusion
    from ..training.effusion.loop import EffusionTrainer
    from ..training.files import claim_training

    settings = EffusionSettings.from_dict(settings_values(options))
    start, earlier = start_from(options.start_from, load_effusion)
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
            network,
            settings,
            folder,
            options.name,
            describe_data(examples),
            options.licence,
            earlier,
            options.force,
        )
    sys.stderr.write(f"Model written: {card}\n")
