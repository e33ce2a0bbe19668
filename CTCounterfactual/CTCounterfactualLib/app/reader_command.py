"""The verb `reader-study`: made of a cohort, read by people in a browser, scored at the end."""

from __future__ import annotations

import argparse
import sys

from .interrupt import cancel_on_signal
from .options import add_progress_option
from .progress import progress_printer


def add_reader_options(parser: argparse.ArgumentParser) -> None:
    """Add the verbs `make` and `score`."""
    verbs = parser.add_subparsers(dest="reader_verb", required=True, metavar="VERB")
    making = verbs.add_parser(
        "make", help="pages for readers: each case twice, with and without explanation"
    )
    making.add_argument("cohort", metavar="COHORT", help="a finished cohort, run with --keep all")
    making.add_argument(
        "-o", "--output", required=True, metavar="STUDY", help="a new folder: pages and the key"
    )
    making.add_argument(
        "--readers",
        default="1,2",
        metavar="NAME,...",
        help="names or numbers (default: %(default)s)",
    )
    making.add_argument(
        "--cases",
        type=int,
        default=40,
        metavar="N",
        help="how many are read, half of them positives; 0: all (default: %(default)s)",
    )
    making.add_argument("--question", default="", help="what to look for (default: the target)")
    making.add_argument(
        "--seed", type=int, default=0, help="of choice, halves, orders (default: %(default)s)"
    )
    add_progress_option(making)
    making.set_defaults(reader_run=_make)
    scoring = verbs.add_parser(
        "score", help="differences with their tests, areas, agreement; writes scores.json"
    )
    scoring.add_argument("study", metavar="STUDY", help="with the readers' files in STUDY/answers")
    scoring.set_defaults(reader_run=_score)
    for verb in verbs.choices.values():
        verb.add_argument(
            "--debug",
            action="store_true",
            default=argparse.SUPPRESS,
            help="show the details (traceback) of an error",
        )


def reader_study(options: argparse.Namespace) -> None:
    """Make or score a reader study."""
    options.reader_run(options)


def _make(options: argparse.Namespace) -> None:
    from ..readers.make import ANSWERS, KEY, StudySettings, make_study

    names = tuple(name.strip() for name in options.readers.split(",") if name.strip())
    settings = StudySettings(names, options.cases, options.seed, options.question)
    with cancel_on_signal() as cancel:
        progress = progress_printer(options.progress)
        out = make_study(options.cohort, options.output, settings, progress, cancel)
    if options.progress != "json":
        sys.stdout.write(
            f"{out}: give each reader read-NAME-1.html, and some weeks later read-NAME-2.html; "
            f"keep {KEY} to yourself; put what they send back into {ANSWERS}/.\n"
        )


def _score(options: argparse.Namespace) -> None:
    from ..readers.score import score_lines, score_study

    sys.stdout.write("\n".join(score_lines(score_study(options.study))) + "\n")
