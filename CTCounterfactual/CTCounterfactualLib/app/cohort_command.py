"""The verb `cohort`: explain all scans of a list, by workers of this computer or of a cluster."""

from __future__ import annotations

import argparse
import sys

from ..counterfactual.settings import ExplainSettings
from ..errors import MissingExtraError, ScanError, SettingsError
from ..storage.sizes import BYTES_PER_GB
from .check_command import add_trust_option, consent_from
from .interrupt import cancel_on_signal
from .method_options import add_method_options, method_options_from
from .options import add_explain_options, add_progress_option, settings_from
from .progress import progress_printer

# As `cohort.cohort_settings` has them, which isn't imported before it is needed.
KEEPS, CASE_TIMEOUT_S, CACHE_GB = ("all", "figures", "records"), 3600.0, 20.0
MOST_TOLD = 5


def add_cohort_options(parser: argparse.ArgumentParser) -> None:
    """Add the list, where it goes, where it is computed, and all of `explain`."""
    parser.add_argument(
        "manifest",
        metavar="MANIFEST",
        help="CSV or Parquet with the columns path and label, and perhaps series, target, region, "
        "mask, clean, group and id; paths are relative to its folder, or URLs (s3://...)",
    )
    group = parser.add_argument_group("output")
    group.add_argument(
        "-o",
        "--output",
        required=True,
        metavar="OUT",
        help="folder or URL; the same command goes on where it was stopped",
    )
    group.add_argument(
        "--keep",
        choices=KEEPS,
        default=KEEPS[0],
        help="of each case: all; figures: pictures, tables and the record; records: the record "
        "alone (default: %(default)s)",
    )
    group.add_argument("--scene", action="store_true", help="write scene.mrb into each case")
    group.add_argument("--report", action="store_true", help="write report.html into each case")
    add_progress_option(group)
    group = parser.add_argument_group("workers")
    where = group.add_mutually_exclusive_group()
    where.add_argument(
        "--workers",
        type=int,
        default=0,
        metavar="N",
        help="processes of this computer (default: one a GPU, or one a core as far as the memory "
        "goes, 4 GB each)",
    )
    where.add_argument(
        "--scheduler", default="", metavar="ADDRESS", help="a running Dask scheduler: tcp://..."
    )
    group.add_argument(
        "--threads",
        type=int,
        default=1,
        metavar="N",
        help="of each worker of this computer; another number gives other results in their last "
        "bits (default: %(default)s)",
    )
    group.add_argument(
        "--case-timeout",
        type=float,
        default=CASE_TIMEOUT_S,
        metavar="S",
        help="seconds after which a case is given up; 0: never (default: %(default)g)",
    )
    group.add_argument(
        "--cache-gb",
        type=float,
        default=CACHE_GB,
        metavar="GB",
        help="most that each worker keeps of scans fetched from a store (default: %(default)g)",
    )
    group = parser.add_argument_group("measures")
    group.add_argument(
        "--metrics",
        action="store_true",
        help="measure every case, as `evaluate` does; those with a mask or a clean scan always are",
    )
    group.add_argument(
        "--tests",
        default="",
        metavar="NAME,...",
        help="put every case to these tests of `trust`; quick: those that take little time",
    )
    group.add_argument(
        "--stress", action="store_true", help="also put into each scan what should be ignored"
    )
    group.add_argument(
        "--assume-hu", action="store_true", help="go on although values don't look like HU"
    )
    add_method_options(parser)
    add_explain_options(parser)
    _take_sizes(parser)
    add_trust_option(parser)


def _take_sizes(parser: argparse.ArgumentParser) -> None:
    """Let `--chunk` take several sizes: 5,10,12,20."""
    (chunk,) = [action for action in parser._actions if action.dest == "chunk"]
    chunk.type, chunk.metavar = _sizes, "SLICES,..."
    chunk.default = (chunk.default,)
    chunk.help = (
        "prepared slices (3 mm) in a chunk; of several sizes (5,10,12,20) the chunks are searched "
        f"for each, and the case's folder holds {ExplainSettings.chunk} or else the first "
        f"(default: {ExplainSettings.chunk})"
    )


def _sizes(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def cohort(options: argparse.Namespace) -> None:
    """Explain every case; say at the end which have no result."""
    from ..cohort.cluster import Cluster
    from ..cohort.run import run_cohort

    wanted = cohort_settings(options)
    cluster = Cluster(options.scheduler, options.workers, options.threads)
    with cancel_on_signal() as cancel:
        made = run_cohort(
            options.manifest,
            options.output,
            wanted,
            cluster,
            progress_printer(options.progress),
            cancel,
            consent_from(options),
        )
    failed = [row for row in made.in_order() if row.status == "failed"]
    page = _report(made.location)
    if options.progress != "json":
        sys.stdout.write(
            f"{len(made.rows) - len(failed)} of {len(made.cases)} cases are in {made.location}\n"
            f"{page}\n"
        )
    if failed:
        more = f" and {len(failed) - MOST_TOLD} more" if len(failed) > MOST_TOLD else ""
        told = " ".join(f"{row.id}: {row.reason}" for row in failed[:MOST_TOLD])
        raise ScanError(
            f"{len(failed)} case(s) have no result, all others are in {made.location}: {told}{more}"
        )


def _report(location: str) -> str:
    """Write the cohort's page; return where it is, or why there is none."""
    from ..cohort.locations import is_url
    from ..cohort.report.write import write_cohort_report

    if is_url(location):
        return "For the report: copy it to this computer, and use the verb report."
    try:
        return f"Report: {write_cohort_report(location)}"
    except MissingExtraError as error:  # nothing of the work is lost for it
        return f"No report: {error}"


def cohort_settings(options: argparse.Namespace):
    """Return the settings of parsed options; raise `SettingsError` for what can't be."""
    from ..cohort.cohort_settings import CohortSettings

    sizes = options.chunk
    if not 0 < options.cache_gb < float("inf"):
        raise SettingsError(f"The cache is {options.cache_gb} GB; give more than 0.")
    options.chunk = sizes[0]
    settings = settings_from(options)
    return CohortSettings(
        classifier=options.classifier,
        target=options.target,
        autoencoder=options.autoencoder,
        settings=settings,
        method=options.method,
        method_options=method_options_from(options),
        region=options.region,
        chunks=sizes,
        keep=options.keep,
        scene=options.scene,
        report=options.report,
        metrics=options.metrics,
        tests=tuple(name.strip() for name in options.tests.split(",") if name.strip()),
        stress=options.stress,
        assume_hu=options.assume_hu,
        trust_code=options.trust_code,
        case_timeout_s=options.case_timeout,
        cache_bytes=int(options.cache_gb * BYTES_PER_GB),
    )
