"""The verb `probe`: a linear probe on a backbone's features, from a list of scans and labels."""

from __future__ import annotations

import argparse
import sys

from ..probe.probe_settings import ProbeSettings
from .check_command import add_trust_option, consent_from
from .interrupt import cancel_on_signal
from .options import add_progress_option
from .progress import progress_printer

_SETTINGS = ("pooling", "strength", "folds", "seed")


def add_probe_options(parser: argparse.ArgumentParser) -> None:
    """Add what to learn from, upon which backbone, and how."""
    parser.add_argument(
        "manifest",
        metavar="MANIFEST.csv",
        help="columns scan, patient, and one a label with 1, 0 or nothing; paths relative to it",
    )
    parser.add_argument(
        "--backbone",
        required=True,
        metavar="NAME|CARD",
        help="whose features: a backbone or a classifier of the catalogue, or a classifier's card",
    )
    parser.add_argument("--layer", help="of a classifier: whose input (default: its last layer)")
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="DIR",
        help="gets card, weights, cross-validated scores and the features; goes on if it has any",
    )
    parser.add_argument("--name", default="my-probe", help="of the model (default: %(default)s)")
    defaults = ProbeSettings()
    parser.add_argument(
        "--pooling",
        default=defaults.pooling,
        metavar="mean|max|mean-max",
        help="how the backbone's maps become features (default: %(default)s)",
    )
    parser.add_argument(
        "--strength",
        type=float,
        default=defaults.strength,
        help="how strongly large weights are punished (default: chosen by validation)",
    )
    parser.add_argument(
        "--folds",
        type=int,
        default=defaults.folds,
        help="parts in which patients take turns to be tested on (default: %(default)s)",
    )
    parser.add_argument("--seed", type=int, default=defaults.seed, help="default: %(default)s")
    parser.add_argument(
        "--device",
        default="auto",
        metavar="auto|cpu|cuda",
        help="where to compute (default: %(default)s)",
    )
    parser.add_argument("--force", action="store_true", help="replace a model of that name in DIR")
    parser.add_argument("--licence", default="not stated", help="of the weights, for the card")
    add_progress_option(parser)
    add_trust_option(parser)


def probe(options: argparse.Namespace) -> None:
    """Train, validate by patient and write the card; what was computed stays after Ctrl-C."""
    from ..probe.train import in_words, train_probe

    settings = ProbeSettings(**{name: getattr(options, name) for name in _SETTINGS})
    with cancel_on_signal() as cancel:
        card, labels = train_probe(
            options.manifest,
            options.backbone,
            options.output,
            options.name,
            settings,
            options.layer,
            options.licence,
            options.device,
            options.force,
            progress_printer(options.progress),
            cancel,
            consent_from(options),
        )
    if options.progress != "json":
        for label in labels:
            sys.stdout.write(f"{label.name}: {in_words(label.auc)}\n")
    sys.stderr.write(f"Model written: {card}\n")
