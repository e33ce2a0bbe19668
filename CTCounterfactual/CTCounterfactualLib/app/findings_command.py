"""The verb `train-findings`: train the findings demo and write its weights with a card."""

from __future__ import annotations

import argparse
import sys

from ..errors import SettingsError
from .classifier_training import settings_values, start_from
from .interrupt import cancel_on_signal
from .training_run import add_run_options, kept, step_printer


def add_findings_options(parser: argparse.ArgumentParser) -> None:
    """Add what to paint findings into and how long to train."""
    parser.add_argument(
        "scans",
        nargs="*",
        metavar="SCAN",
        help="CT files or DICOM folders without any of the findings",
    )
    parser.add_argument(
        "--left-of",
        action="append",
        default=[],
        metavar="SCAN",
        help="use only the left half of this scan and its mirror image, because "
        "its right side has a finding of its own; may be repeated",
    )
    parser.add_argument(
        "--may-hold",
        action="append",
        nargs="+",
        default=[],
        metavar=("SCAN", "FINDING"),
        help="use this scan, but say nothing of these findings where none is "
        "painted, because it may have some; may be repeated",
    )
    parser.add_argument(
        "--slices", metavar="NPZ", help="single slices of many patients, as train-vqgan takes them"
    )
    parser.add_argument(
        "--readings",
        metavar="CSV",
        help="of --slices: a row for each with its number (slice) and yes, no or "
        "unsure for each finding; patients with any are left out",
    )
    parser.add_argument(
        "--leave-out",
        type=int,
        metavar="N",
        help="of --slices, leave out patients whose number is a multiple of N, to "
        "measure on them (default: none)",
    )
    add_run_options(parser, "my-findings", "FindingsSettings")
    parser.add_argument(
        "--generated",
        type=int,
        metavar="N",
        help="generated chests to add (default: the settings')",
    )
    parser.add_argument("--force", action="store_true", help="replace a model of that name in DIR")
    parser.add_argument("--licence", default="", help="licence of the weights, for the card")


def train_findings(options: argparse.Namespace) -> None:
    """Train, or go on training, and export; Ctrl-C stops it and keeps the checkpoint."""
    from ..models.classifiers.findings_card import load_findings
    from ..training.files import claim_training
    from ..training.findings.examples import build_examples, describe_data
    from ..training.findings.export import export_findings
    from ..training.findings.findings_settings import FindingsSettings
    from ..training.findings.loop import FindingsTrainer

    settings = FindingsSettings.from_dict(settings_values(options))
    _check(options, settings.generated)
    start, earlier = start_from(options.start_from, load_findings)
    with (
        cancel_on_signal() as cancel,
        claim_training(options.output, options.name, options.force) as folder,
        kept(folder),
    ):
        examples = build_examples(_sources(options, settings.generated), settings, cancel.check)
        network = FindingsTrainer(examples, settings, folder, start).run(
            step_printer(cancel, settings.log_every)
        )
        card = export_findings(
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


def _sources(options: argparse.Namespace, generated: int):
    """Yield all scans to paint into, prepared one after the other."""
    from ..scans.read import read_scan
    from ..training.findings.readings import free_slices, read_readings
    from ..training.findings.sources import (
        source_from_generated,
        source_from_scan,
        sources_from_slices,
    )
    from ..training.slice_file import read_slices
    from ..training.slices import FIRST_SEED

    for path in options.left_of:
        yield source_from_scan(read_scan(path), mirror_left=True)
    for path, *unknown in [[path] for path in options.scans] + options.may_hold:
        yield source_from_scan(read_scan(path), unknown=tuple(unknown))
    if options.slices:
        file = read_slices(options.slices)
        readings = read_readings(options.readings, file)
        yield from sources_from_slices(file, free_slices(file, readings, options.leave_out))
    for seed in range(FIRST_SEED, FIRST_SEED + generated):
        yield source_from_generated(seed)


def _check(options: argparse.Namespace, generated: int) -> None:
    """Raise `SettingsError` for options that don't go together."""
    from ..models.classifiers.findings_network import FINDINGS

    wanted = options.scans + options.left_of + options.may_hold
    if not wanted and not options.slices and not generated:
        raise SettingsError("Nothing to train on: give scans, slices, or --generated N above 0.")
    if bool(options.slices) != bool(options.readings):
        raise SettingsError("--slices and --readings go together: give both, or neither.")
    for path, *unknown in options.may_hold:
        wrong = [name for name in unknown if name not in FINDINGS]
        if wrong or not unknown:
            raise SettingsError(
                f"--may-hold {path}: {' '.join(wrong) or 'nothing'} named; name some of "
                f"{', '.join(FINDINGS)}."
            )
