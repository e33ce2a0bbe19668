"""`ct-counterfactual`: the command line; parses, calls the engine, says errors in one line."""

from __future__ import annotations

import argparse
import logging
import os
import sys

from .. import __version__
from ..counterfactual.threads import settle_threads
from ..wording import VARIABLE, Place, speaking
from . import commands
from .ask_command import add_ask_options, ask
from .bench_command import add_bench_options, bench
from .check_command import add_check_options, add_consent_option, add_trust_option, check
from .cohort_command import add_cohort_options, cohort
from .dicom_command import add_dicom_options, export
from .effusion_command import add_effusion_options, train_effusion
from .eval_command import add_eval_options, eval_autoencoder
from .evaluate_command import add_evaluate_options, evaluate
from .failures import EXIT_OK, describe, tell
from .findings_command import add_findings_options, train_findings
from .generate_command import add_generate_options, generate
from .hosts_command import (
    add_hosts_options,
    add_worker_options,
    hosts,
    remote_worker,
)
from .manifest_command import add_manifest_options, make_manifest
from .method_options import add_method_options
from .models_command import add_models_options, models
from .options import (
    add_explain_options,
    add_input_options,
    add_on_option,
    add_output_options,
    add_parent_option,
    add_progress_option,
)
from .probe_command import add_probe_options, probe
from .reader_command import add_reader_options, reader_study
from .report_command import add_report_options, report
from .reproduce_command import add_reproduce_options, reproduce_study
from .session_command import add_session_options, session
from .spoiled_command import add_spoiled_options, train_spoiled
from .streams import ReaderGone, guarded_streams
from .stress_command import add_stress_options, run_stress
from .training_command import add_train_options, train
from .trust_command import add_tests_options, trust


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all subcommands; defaults come from the settings' one place."""
    parser = argparse.ArgumentParser(
        prog="ct-counterfactual",
        description="What would this CT have to look like for the classifier to change its mind?",
        epilog="Model behaviour, not a diagnosis.",
    )
    parser.add_argument("--version", action="version", version=__version__)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="VERB")

    explain = verbs.add_parser("explain", help="explain a classifier's score of one scan")
    explain.add_argument(
        "input",
        metavar="INPUT",
        help="NRRD, NIfTI, MetaImage ... or a folder that holds a DICOM series",
    )
    add_input_options(explain)
    add_output_options(explain)
    add_method_options(explain)
    add_explain_options(explain)
    add_trust_option(explain)
    explain.set_defaults(run=commands.explain)

    demo = verbs.add_parser("demo", help="the same on a chest CT generated on the spot")
    demo.add_argument(
        "--effusion",
        type=float,
        default=0.0,
        metavar="ML",
        help="millilitres of pleural fluid in the generated chest (default: none)",
    )
    add_output_options(demo)
    add_method_options(demo)
    add_explain_options(demo)
    add_trust_option(demo)
    demo.set_defaults(run=commands.demo)

    generating = verbs.add_parser("generate", help="write such a chest CT, to try things on")
    add_generate_options(generating)
    generating.set_defaults(run=generate)

    asking = verbs.add_parser("ask", help="how does the score depend on one spot of a scan?")
    add_ask_options(asking)
    asking.set_defaults(run=ask)

    job = verbs.add_parser("run", help="run a job file, as --save-job writes it")
    job.add_argument("job", metavar="JOB", help="the job file (JSON)")
    add_progress_option(job)
    add_on_option(job)
    add_parent_option(job)
    add_trust_option(job)
    add_consent_option(job)
    job.set_defaults(run=commands.run)

    elsewhere = verbs.add_parser("hosts", help="other computers to run on, over your own ssh")
    add_hosts_options(elsewhere)
    elsewhere.set_defaults(run=hosts)

    serving = verbs.add_parser(
        "remote-worker", help="what --on starts on the other computer; not for people"
    )
    add_worker_options(serving)
    serving.set_defaults(run=remote_worker)

    staying = verbs.add_parser(
        "session", help="keep a job's scan ready for any lambda, for a program that moves it"
    )
    add_session_options(staying)
    staying.set_defaults(run=session)

    listing = verbs.add_parser("list", help="list classifiers, targets, autoencoders and methods")
    listing.add_argument(
        "--find",
        metavar="WORD",
        default="",
        help="only targets with this word or code; all of them, however many",
    )
    listing.set_defaults(run=commands.list_all)

    weights = verbs.add_parser("models", help="files of published models: list, fetch, verify ...")
    add_models_options(weights)
    weights.set_defaults(run=models)

    checking = verbs.add_parser("check-model", help="try out a model of your own by its card")
    add_check_options(checking)
    checking.set_defaults(run=check)

    evaluating = verbs.add_parser(
        "evaluate", help="measure a finished explanation: metrics.json and a table"
    )
    add_evaluate_options(evaluating)
    evaluating.set_defaults(run=evaluate)

    exporting = verbs.add_parser(
        "export-dicom", help="a finished result as DICOM: CT, SEG, parametric map, SR"
    )
    add_dicom_options(exporting)
    exporting.set_defaults(run=export)

    testing = verbs.add_parser(
        "trust", help="test an explanation: when is it to be believed? trust.json and a table"
    )
    add_tests_options(testing)
    testing.set_defaults(run=trust)

    measuring = verbs.add_parser(
        "bench", help="measure counterfactuals against scans whose truth is known"
    )
    add_bench_options(measuring)
    measuring.set_defaults(run=bench)

    many = verbs.add_parser(
        "cohort", help="explain all scans of a list, by several workers or a cluster"
    )
    add_cohort_options(many)
    many.set_defaults(run=cohort)

    stressing = verbs.add_parser(
        "stress", help="does a classifier react to what it should ignore: electrodes, tubes ...?"
    )
    add_stress_options(stressing)
    stressing.set_defaults(run=run_stress)

    listing_cases = verbs.add_parser(
        "manifest", help="make a cohort's manifest of a public collection as it was downloaded"
    )
    add_manifest_options(listing_cases)
    listing_cases.set_defaults(run=make_manifest)

    drawing = verbs.add_parser("report", help="draw the report of a finished cohort anew")
    add_report_options(drawing)
    drawing.set_defaults(run=report)

    reproducing = verbs.add_parser(
        "reproduce", help="a published evaluation again, beside its published numbers"
    )
    add_reproduce_options(reproducing)
    reproducing.set_defaults(run=reproduce_study)

    reading = verbs.add_parser(
        "reader-study", help="do explanations help people? pages for readers, and what they show"
    )
    add_reader_options(reading)
    reading.set_defaults(run=reader_study)

    probing = verbs.add_parser(
        "probe", help="train a linear probe of your own labels on a network's features"
    )
    add_probe_options(probing)
    probing.set_defaults(run=probe)

    training = verbs.add_parser("train-vqgan", help="train a slice VQ-GAN")
    add_train_options(training)
    training.set_defaults(run=train)

    drawing = verbs.add_parser(
        "eval-autoencoder", help="how well does an autoencoder draw? a report with pictures"
    )
    add_eval_options(drawing)
    drawing.set_defaults(run=eval_autoencoder)

    fluid = verbs.add_parser(
        "train-effusion", help="train the effusion demo on painted and generated fluid"
    )
    add_effusion_options(fluid)
    fluid.set_defaults(run=train_effusion)

    spoiling = verbs.add_parser(
        "train-spoiled", help="teach the effusion demo a shortcut, for `stress` to catch"
    )
    add_spoiled_options(spoiling)
    spoiling.set_defaults(run=train_spoiled)

    findings = verbs.add_parser(
        "train-findings", help="train the findings demo on painted findings"
    )
    add_findings_options(findings)
    findings.set_defaults(run=train_findings)
    for verb in verbs.choices.values():
        verb.add_argument(
            "--debug", action="store_true", help="show the details (traceback) of an error"
        )
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0, 1 (unexpected), 2 (the user can act on it) or 130 (cancelled)."""
    with guarded_streams():
        logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
        settle_threads()
        try:
            options = build_parser().parse_args(arguments)
        except ReaderGone:  # of --help
            return EXIT_OK
        with speaking(_place()):
            return _run(options)


def _run(options: argparse.Namespace) -> int:
    try:
        options.run(options)
    except ReaderGone:  # `... | head` has read enough; what is left goes nowhere
        return EXIT_OK
    except BaseException as error:  # a model's code may raise anything
        failure = describe(error)
        tell(failure, getattr(options, "progress", "") == "json", options.debug)
        return failure.exit_code
    return EXIT_OK


def _place() -> Place:
    """Return where messages are read: whoever started this as a worker has said it."""
    asked = os.environ.get(VARIABLE, "")
    return Place(asked) if asked in {place.value for place in Place} else Place.COMMAND_LINE


if __name__ == "__main__":
    sys.exit(main())
