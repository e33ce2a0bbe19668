"""The verb `trust`: explain a scan and test the explanation, or test a finished one."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..counterfactual.settings import ExplainSettings
from ..errors import Cancelled, SettingsError
from ..events import CancelToken
from ..jobs.job import FileInput
from ..jobs.run import run_job
from ..methods.registry import LATENT_SHIFT
from ..models.entry import DEFAULT_AUTOENCODER, DEFAULT_CLASSIFIER
from ..outputs.earlier import RECORD
from ..trust.registry import NAMES, QUICK
from .check_command import add_trust_option, consent_from
from .commands import job_from
from .interrupt import cancel_on_signal, cancel_when_stdin_ends
from .method_options import add_method_options
from .options import (
    add_explain_options,
    add_input_options,
    add_output_options,
    add_parent_option,
    settings_from,
)
from .progress import progress_printer


def add_tests_options(parser: argparse.ArgumentParser) -> None:
    """Add what to test, which tests, and all of `explain`."""
    parser.add_argument(
        "input",
        metavar="SCAN|RESULT",
        help="a scan to explain and test, with the options of `explain`; or the result folder of "
        "any method, which is tested as it was made",
    )
    add_input_options(parser)
    group = parser.add_argument_group("tests")
    group.add_argument(
        "--tests",
        metavar="NAME,...",
        default="",
        help=f"only these: {', '.join(NAMES)} (default: the quick ones, which take less than twice "
        f"the explanation's own time: {', '.join(QUICK)})",
    )
    group.add_argument(
        "--all",
        action="store_true",
        dest="all_tests",
        help="all tests, or the named ones, thoroughly: more seeds, layer by layer",
    )
    group.add_argument("--truth", metavar="MASK", help="where the finding is, if it is known")
    group.add_argument(
        "--scan", metavar="SCAN", help="of a result: the scan that was explained, if it has moved"
    )
    group.add_argument(
        "--second",
        nargs="+",
        default=[],
        metavar="NAME|CARD",
        help="classifiers to ask beside the embedded ones of the same finding",
    )
    add_output_options(parser, required=False)
    add_method_options(parser)
    add_explain_options(
        parser,
        None,
        f"default: {DEFAULT_CLASSIFIER}; of a result: its own, to be given only if "
        f"it is none of the catalogue",
    )
    add_trust_option(parser)
    add_parent_option(parser)


def trust(options: argparse.Namespace) -> None:
    """Explain if need be, test, and print a table."""
    from ..trust.examine import examine_result
    from ..trust.table import table_lines

    consent = consent_from(options)
    with cancel_on_signal() as cancel:
        if options.parent_stdin:
            cancel_when_stdin_ends(cancel)
        finished = (Path(options.input) / RECORD).exists()
        folder = _checked_result(options) if finished else _explain(options, cancel, consent)
        made = examine_result(
            folder,
            _names(options.tests),
            options.all_tests,
            options.truth,
            options.scan if finished else None,
            classifier=options.classifier if finished else None,
            autoencoder=_own(options.autoencoder, DEFAULT_AUTOENCODER) if finished else None,
            region=options.region,
            second=options.second,
            consent=consent,
            progress=progress_printer(options.progress),
            cancel=cancel,
        )
    if options.progress != "json":  # whose lines are events and nothing else
        sys.stdout.write("\n".join(table_lines(made)) + "\n")
    if made.left:
        raise Cancelled(
            f"Cancelled: {len(made.verdicts)} of {len(made.verdicts) + len(made.left)} tests were "
            f"done; what they found is kept in {folder}."
        )


def _explain(options: argparse.Namespace, cancel: CancelToken, consent) -> Path:
    if not options.output:
        raise SettingsError(
            f"{options.input} is a scan, so its explanation needs a result folder: -o OUT."
        )
    if options.save_job:
        raise SettingsError("A job explains and doesn't test: use --save-job with `explain`.")
    options.classifier = options.classifier or DEFAULT_CLASSIFIER
    given = FileInput(options.input, options.series, options.assume_hu)
    job = job_from(options, given, with_scan=False)
    return run_job(job, progress_printer(options.progress), cancel, consent)


def _checked_result(options: argparse.Namespace) -> Path:
    """Return a result folder; raise `SettingsError` for what only a new explanation takes."""
    ours = settings_from(options)
    other = [
        name
        for name in ExplainSettings.names()
        if getattr(ours, name) != getattr(ExplainSettings(), name)
    ]
    other += [
        name
        for name, given in (
            ("output", options.output),
            ("method", options.method != LATENT_SHIFT),
            ("with", options.method_options),
            ("target", options.target),
            ("series", options.series),
        )
        if given
    ]
    if other:
        raise SettingsError(
            f"{options.input} is a finished result, which is tested as it was made: leave out "
            f"{', '.join('--' + name.replace('_', '-') for name in other)}, or give the scan."
        )
    return Path(options.input)


def _own(given: str, default: str) -> str | None:
    return None if given == default else given


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
