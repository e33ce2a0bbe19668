"""The verb `evaluate`: measure a finished explanation against what is known."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .check_command import add_trust_option, consent_from
from .interrupt import cancel_on_signal
from .options import add_progress_option
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
    add_progress_option(parser)
    add_trust_option(parser)


def evaluate(options: argparse.Namespace) -> None:
    """Measure, and print a table."""
    from ..evaluation.evaluate import Evaluation, evaluate_folder, evaluate_result
    from ..evaluation.table import summary_lines, table_lines
    from ..outputs.earlier import RECORD

    folder = Path(options.result)
    consent = consent_from(options)
    with cancel_on_signal() as cancel:

        def one(path: Path) -> Evaluation:
            return evaluate_result(
                path,
                options.truth,
                options.clean,
                options.scan,
                options.classifier,
                not options.no_classifier,
                consent,
                progress_printer(options.progress),
                cancel,
            )

        several = not (folder / RECORD).exists() and next(folder.glob(f"*/{RECORD}"), None)
        lines = (
            summary_lines(evaluate_folder(folder, one)[1]) if several else table_lines(one(folder))
        )
    if options.progress != "json":  # whose lines are events and nothing else
        sys.stdout.write("\n".join(lines) + "\n")
