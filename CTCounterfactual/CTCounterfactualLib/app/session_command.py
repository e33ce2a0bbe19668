"""The verb `session`: a scan that stays ready; wishes on standard input, events on standard output.

For programs, such as the module in Slicer; see `jobs.wishes` for the lines and `jobs.serve` for the
events.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
from contextlib import suppress

from ..events import Event
from ..jobs.job import Job
from ..jobs.serve import IDLE_S, serve
from ..jobs.wishes import Lines, Wishes
from .check_command import add_trust_option, consent_from
from .interrupt import READ_BYTES, cancel_on_signal, end_with_parent
from .options import add_parent_option, add_progress_option
from .progress import progress_printer

_SECONDS_PER_MINUTE = 60


def add_session_options(parser: argparse.ArgumentParser) -> None:
    """Add the job file, and how long an idle session lives."""
    parser.add_argument("job", metavar="JOB", help="a job file (JSON) with a folder `stream`")
    parser.add_argument(
        "--idle-minutes",
        type=float,
        default=IDLE_S / _SECONDS_PER_MINUTE,
        metavar="N",
        help="end after so long without a line on standard input (default: %(default)g)",
    )
    add_progress_option(parser)
    add_parent_option(parser)
    add_trust_option(parser)


def session(options: argparse.Namespace) -> None:
    """Keep a scan ready until standard input ends, or says so, or nothing comes for long."""
    job = Job.read(options.job)
    progress = progress_printer(options.progress) or _silent
    with cancel_on_signal() as cancel:
        wishes = Wishes(cancel)

        def listen() -> None:
            lines = Lines(wishes.take_line)
            with suppress(OSError):
                while data := os.read(descriptor, READ_BYTES):
                    lines.feed(data)
            wishes.take(None)
            end_with_parent(cancel)

        descriptor = sys.stdin.fileno()
        threading.Thread(target=listen, name="wishes", daemon=True).start()
        idle_s = options.idle_minutes * _SECONDS_PER_MINUTE
        serve(job, wishes, progress, consent_from(options), idle_s)


def _silent(event: Event) -> None:
    """Show nothing."""
