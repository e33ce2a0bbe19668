"""The verb `report`: a cohort's page drawn anew from its tables."""

from __future__ import annotations

import argparse
import sys

from .interrupt import cancel_on_signal


def add_report_options(parser: argparse.ArgumentParser) -> None:
    """Add which cohort."""
    parser.add_argument("cohort", metavar="COHORT", help="a cohort's folder, with its tables")


def report(options: argparse.Namespace) -> None:
    """Write `report.html` and `figures/` of a cohort again."""
    from ..cohort.report.write import write_cohort_report

    with cancel_on_signal() as cancel:
        page = write_cohort_report(options.cohort, check=cancel.check)
    sys.stdout.write(f"{page}\n")
