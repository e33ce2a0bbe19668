"""The verb `stress`: does a classifier react to what it should ignore?"""

from __future__ import annotations

import argparse
import sys

from ..distractors import DISTRACTORS
from ..planting import FINDINGS
from .check_command import add_trust_option, consent_from
from .interrupt import cancel_on_signal
from .options import add_input_options, add_progress_option
from .progress import progress_printer


def add_stress_options(parser: argparse.ArgumentParser) -> None:
    """Add what is stressed, and by what."""
    parser.add_argument("input", metavar="SCAN", help="a CT file or DICOM folder")
    parser.add_argument("--classifier", required=True, help="catalogue name or card")
    parser.add_argument("--target", metavar="NAME", help="default: the classifier's first")
    parser.add_argument(
        "--only",
        default=",".join(DISTRACTORS),
        metavar="NAME,...",
        help="what to put into the scan (default: %(default)s)",
    )
    parser.add_argument(
        "--draws",
        type=int,
        default=3,
        metavar="N",
        help="places or strengths of each (default: %(default)s)",
    )
    parser.add_argument(
        "--finding",
        choices=FINDINGS,
        default="",
        help="what the reactions are compared with (default: the one that the target names, or "
        "an effusion)",
    )
    parser.add_argument("--ml", type=float, help="how much of it (default: the usual amount)")
    parser.add_argument(
        "--seed", type=int, default=0, help="of looks and places (default: %(default)s)"
    )
    parser.add_argument(
        "-o", "--output", metavar="OUT", help="gets stress.csv, stress.json and stress.png"
    )
    parser.add_argument("--force", action="store_true", help="replace these files in OUT")
    parser.add_argument("--no-sheet", action="store_true", help="draw no pictures")
    add_input_options(parser)
    add_progress_option(parser)
    add_trust_option(parser)


def run_stress(options: argparse.Namespace) -> None:
    """Stress a classifier, print the table and write the files."""
    from ..scans.read import read_scan
    from ..storage.names import check_name
    from ..stress.files import check_output, table_lines, write_stress
    from ..stress.run import stress
    from ..stress.stress_settings import StressSettings

    names = tuple(name.strip() for name in options.only.split(",") if name.strip())
    settings = StressSettings(names, options.draws, options.finding, options.ml, options.seed)
    if options.output is not None:  # before minutes of work
        check_output(check_name(options.output), options.force)
    with cancel_on_signal() as cancel:
        scan = read_scan(options.input, options.series, options.assume_hu)
        report = stress(
            scan,
            options.classifier,
            options.target,
            settings,
            progress_printer(options.progress),
            cancel,
            consent_from(options),
        )
    if options.progress != "json":
        sys.stdout.write("\n".join(table_lines(report)) + "\n")
    if options.output is not None:
        write_stress(report, options.output, options.force, not options.no_sheet)
