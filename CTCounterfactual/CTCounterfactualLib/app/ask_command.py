"""The verb `ask`: how the score depends on one spot."""

from __future__ import annotations

import argparse
import sys

from ..jobs.job import FileInput
from ..methods.spot.answer import KINDS, SpotAnswer
from ..outputs.reading import read_record
from .check_command import add_trust_option
from .commands import run_or_save
from .options import add_explain_options, add_input_options, add_output_options

METHOD = "spot"


def add_ask_options(parser: argparse.ArgumentParser) -> None:
    """Add which spot to ask, beside what a run of any method takes."""
    parser.add_argument("input", metavar="INPUT", help="the scan, as for `explain`")
    group = parser.add_argument_group("spot")
    group.add_argument(
        "--at",
        required=True,
        nargs="+",
        metavar="R,A,S",
        help="the spot's centre in mm; write --at=R,A,S if R is below 0",
    )
    group.add_argument("--radius", type=float, metavar="MM", help="the spot's radius (default: 10)")
    group.add_argument(
        "--controls", type=int, metavar="N", help="random spots to compare it with (default: 20)"
    )
    add_input_options(parser)
    add_output_options(parser)
    add_explain_options(parser)
    add_trust_option(parser)
    parser.set_defaults(method=METHOD, method_options=[], segments=None)


def ask(options: argparse.Namespace) -> None:
    """Ask the spot, write the result folder, and print the answer."""
    words = {"at": ",".join(options.at), "radius_mm": options.radius, "controls": options.controls}
    options.method_options = [
        f"{name}={value}" for name, value in words.items() if value is not None
    ]
    given = FileInput(options.input, options.series, options.assume_hu)
    folder = run_or_save(options, given, with_scan=False)
    if folder is not None and options.progress == "text":
        answer = SpotAnswer.from_facts(read_record(folder)["facts"]["spot"])
        sys.stdout.write("\n".join(answer_lines(answer)) + "\n")


def answer_lines(answer: SpotAnswer) -> list[str]:
    """Return an answer as lines: the sentence, and a row a way to replace the spot."""
    lines = [answer.sentence, f"Score of the scan: {answer.score:.4g}"]
    for one in answer.replacements:
        what = f"replaced by {KINDS[one.kind]}:"
        if one.score is None:
            lines.append(f"  {what:<34} not possible: {one.reason}")
            continue
        beside = "" if one.percentile is None else f", percentile {one.percentile:.0f}"
        counted = f" of {len(one.controls)} random spots" if one.controls else ""
        lines.append(f"  {what:<34} {one.score:.4g} (effect {one.effect:.3g} {answer.unit}"
                     f"{beside}{counted})")  # fmt: skip
    return lines
