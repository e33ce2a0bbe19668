"""The verb `bench`: counterfactuals measured against scans whose true counterfactual is known."""

from __future__ import annotations

import argparse
import sys

from ..errors import ScanError
from ..planting import FINDINGS
from .check_command import add_trust_option, consent_from
from .interrupt import cancel_on_signal
from .method_options import add_method_options, method_options_from
from .options import add_explain_options, add_progress_option, settings_from
from .progress import progress_printer


def add_bench_options(parser: argparse.ArgumentParser) -> None:
    """Add the verbs of `bench`."""
    verbs = parser.add_subparsers(dest="bench_verb", required=True, metavar="VERB")
    making = verbs.add_parser(
        "make", help="plant findings into scans; goes on where it was stopped"
    )
    _add_make_options(making)
    running = verbs.add_parser("run", help="explain every case; goes on where it was stopped")
    _add_run_options(running)
    scoring = verbs.add_parser(
        "score", help="score results, ours or another method's, against the truth"
    )
    _add_score_options(scoring)
    for verb in verbs.choices.values():
        verb.add_argument(
            "--debug",
            action="store_true",
            default=argparse.SUPPRESS,  # `bench --debug run`, too
            help="show the details (traceback) of an error",
        )


def _add_make_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "scans",
        nargs="+",
        metavar="SCAN",
        help="CT files or DICOM folders, free of the findings; one that lies more than 30 degrees "
        "from the patient's axes is left out",
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="BENCH",
        help="gets cases.csv, a folder a case, and skipped.csv if anything can't be made",
    )
    parser.add_argument(
        "--findings",
        default=",".join(FINDINGS),
        metavar="NAME,...",
        help="what to plant (default: %(default)s)",
    )
    parser.add_argument(
        "--per-scan",
        type=int,
        default=1,
        metavar="N",
        help="cases of each finding and scan (default: %(default)s)",
    )
    parser.add_argument(
        "--pairs",
        type=int,
        default=1,
        metavar="N",
        help="cases a scan with two findings, of which one is explained (default: %(default)s)",
    )
    parser.add_argument(
        "--expiration",
        type=int,
        default=1,
        metavar="N",
        help="cases a scan whose true counterfactual has smaller lungs (default: %(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="of looks, places, volumes (default: %(default)s)"
    )
    parser.add_argument(
        "--lungs", metavar="MASK", help="lung mask on the scan's own grid; of a single scan"
    )
    add_progress_option(parser)
    parser.set_defaults(bench_run=make)


def _add_run_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bench", metavar="BENCH", help="folder that `bench make` wrote")
    group = parser.add_argument_group("bench")
    group.add_argument(
        "-o", "--output", required=True, metavar="RESULTS", help="gets a result folder a case"
    )
    _add_only_option(group)
    group.add_argument(
        "--reversal",
        action="store_true",
        help="explain each counterfactual the other way, too: does it lead back?",
    )
    group.add_argument("--scene", action="store_true", help="write scene.mrb into each result")
    add_progress_option(group)
    add_method_options(parser)
    add_explain_options(
        parser,
        None,
        "a name, a card, or `ideal`, which knows the truth (default: the finding's own)",
        "that of the finding's name, or the classifier's first",
    )
    add_trust_option(parser)
    parser.set_defaults(bench_run=run)


def _add_only_option(parser) -> None:
    parser.add_argument(
        "--only",
        nargs="+",
        default=[],
        metavar="PATTERN",
        help="only cases or findings of these names; * and ? stand for any letters",
    )


def _add_score_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("bench", metavar="BENCH", help="folder that `bench make` wrote")
    parser.add_argument(
        "results",
        metavar="RESULTS",
        help="folder with CASE/counterfactual.nrrd and/or CASE/heatmap.nrrd (any format and grid)",
    )
    parser.add_argument(
        "-o",
        "--output",
        metavar="SCORES",
        help="gets scores.csv, summary.json and sheet_NN.png (default: RESULTS)",
    )
    _add_only_option(parser)
    parser.add_argument("--no-sheet", action="store_true", help="draw no pictures")
    add_progress_option(parser)
    parser.set_defaults(bench_run=score)


def bench(options: argparse.Namespace) -> None:
    """Run one of the verbs."""
    options.bench_run(options)


def make(options: argparse.Namespace) -> None:
    """Plant findings; say at the end what couldn't be made."""
    from ..bench.make import MakeSettings, make_bench

    names = tuple(name.strip() for name in options.findings.split(",") if name.strip())
    settings = MakeSettings(
        names, options.per_scan, options.pairs, options.expiration, options.seed
    )
    with cancel_on_signal() as cancel:
        made = make_bench(
            options.scans,
            options.output,
            settings,
            options.lungs,
            progress_printer(options.progress),
            cancel,
        )
    if made.skipped:
        raise ScanError(
            f"{len(made.skipped)} of what was asked can't be made, as skipped.csv lists, all "
            f"other cases ({len(made.cases)}) are in {options.output}: "
            + " ".join(f"{one.case or one.scan}: {one.reason}" for one in made.skipped)
        )


def run(options: argparse.Namespace) -> None:
    """Explain every case; say at the end which have no result."""
    from ..bench.bench_settings import BenchRun
    from ..bench.run import run_bench

    wanted = BenchRun(
        classifier=options.classifier,
        target=options.target,
        autoencoder=options.autoencoder,
        settings=settings_from(options),
        method=options.method,
        method_options=method_options_from(options),
        region=options.region,
        reversal=options.reversal,
        only=tuple(options.only),
        scene=options.scene,
    )
    with cancel_on_signal() as cancel:
        failed = run_bench(
            options.bench,
            options.output,
            wanted,
            progress_printer(options.progress),
            cancel,
            consent_from(options),
        )
    if failed:
        raise ScanError(
            f"{len(failed)} case(s) have no result, all others are in {options.output}: "
            + " ".join(f"{case}: {why}" for case, why in failed.items())
        )


def score(options: argparse.Namespace) -> None:
    """Score results and print the table; say at the end which cases have no score."""
    from ..bench.score import score_bench
    from ..bench.summary import summarise, table_lines

    with cancel_on_signal() as cancel:
        scores = score_bench(
            options.bench,
            options.results,
            options.output,
            not options.no_sheet,
            tuple(options.only),
            progress_printer(options.progress),
            cancel,
        )
    summary = summarise(scores)
    if options.progress != "json":
        sys.stdout.write("\n".join(table_lines(summary)) + "\n")
    if not summary["scored"]:
        raise ScanError(f"No case of {options.bench} has a result in {options.results}.")
