"""The verb `evaluate`: measure a finished explanation against what is known."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..errors import SettingsError
from ..events import Reporter
from .check_command import add_trust_option, consent_from
from .interrupt import cancel_on_signal, cancel_when_stdin_ends
from .options import add_parent_option, add_progress_option
from .progress import progress_printer


def add_evaluate_options(parser: argparse.ArgumentParser) -> None:
    """Add what to measure, and what is known of it."""
    parser.add_argument(
        "result",
        metavar="RESULT",
        help="result folder of any method, which gets metrics.json; or a folder of such folders",
    )
    parser.add_argument(
        "--truth",
        metavar="MASK",
        help="where the finding is: an image, not 0 inside; of another grid it is resampled",
    )
    parser.add_argument("--clean", metavar="SCAN", help="the scan without the finding")
    parser.add_argument(
        "--scan", metavar="SCAN", help="the scan that was explained, if it has moved"
    )
    parser.add_argument(
        "--classifier", metavar="CARD", help="that of the result, if it is one of your own"
    )
    parser.add_argument(
        "--no-classifier",
        action="store_true",
        help="don't score again: leaves out insertion and deletion",
    )
    parser.add_argument(
        "--features",
        metavar="NAME|CARD",
        help="a network for a perceptual distance: a backbone or a classifier of the catalogue, or "
        "a classifier's card",
    )
    parser.add_argument("--layer", help="of a classifier: whose input (default: its last layer)")
    parser.add_argument(
        "--reference",
        nargs="+",
        default=[],
        metavar="SCAN",
        help="real scans of others, for Frechet and kernel distance in the network's features",
    )
    add_progress_option(parser)
    add_parent_option(parser)
    add_trust_option(parser)


def evaluate(options: argparse.Namespace) -> None:
    """Measure, and print a table."""
    from ..evaluation.evaluate import Evaluation, evaluate_result
    from ..evaluation.feature_space import FeatureSpace
    from ..evaluation.several import evaluate_folder
    from ..evaluation.table import summary_lines, table_lines
    from ..outputs.earlier import RECORD

    folder = Path(options.result)
    consent = consent_from(options)
    if not options.features and (options.reference or options.layer):
        raise SettingsError(
            "--reference and --layer say what the features of a network are of: name it by "
            "--features, such as --features effusion-demo."
        )
    with cancel_on_signal() as cancel:
        if options.parent_stdin:
            cancel_when_stdin_ends(cancel)
        progress = progress_printer(options.progress)
        space = (
            FeatureSpace.load(options.features, options.reference, options.layer, consent)
            if options.features
            else None
        )

        def one(path: Path) -> Evaluation:
            return evaluate_result(
                path,
                options.truth,
                options.clean,
                options.scan,
                options.classifier,
                not options.no_classifier,
                consent,
                progress,
                cancel,
                space,
            )

        several = not (folder / RECORD).exists() and next(folder.glob(f"*/{RECORD}"), None)
        lines = (
            summary_lines(evaluate_folder(folder, one, space, Reporter(progress, cancel))[1])
            if several
            else table_lines(one(folder))
        )
    if options.progress != "json":  # whose lines are events and nothing else
        sys.stdout.write("\n".join(lines) + "\n")
