"""Options of the verbs that explain: which method, and its own settings as NAME=VALUE."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from ..methods.registry import LATENT_SHIFT, NAMES, all_methods, find_method
from ..methods.words import options_from_words, options_in_words


def add_method_options(parser: argparse.ArgumentParser) -> None:
    """Add the method and its options."""
    group = parser.add_argument_group("method")
    group.add_argument(
        "--method",
        choices=NAMES,
        default=LATENT_SHIFT,
        help="how to explain; `list` says what each needs (default: %(default)s, whose settings "
        "are those below)",
    )
    group.add_argument(
        "--with",
        dest="method_options",
        nargs="+",
        action="extend",
        default=[],
        metavar="NAME=VALUE",
        help="options of another method, as `list` shows them",
    )
    group.add_argument(
        "--segments",
        metavar="SEG",
        help="of the method structures: a label map or a segmentation; the same as --with "
        "segments=SEG",
    )


def method_options_from(options: argparse.Namespace) -> dict[str, Any]:
    """Return the method's options; raise `SettingsError` for what isn't one."""
    words = list(options.method_options)
    if options.segments:
        words.append(f"segments={options.segments}")
    return options_from_words(find_method(options.method), words)


def print_methods() -> None:
    """Print all methods: what each is, needs and takes."""
    sys.stdout.write("Methods\n")
    for method in all_methods():
        sys.stdout.write(f"  {method.name:<20} {method.description}; {method.needs}\n")
        for line in options_in_words(method):
            sys.stdout.write(f"  {'':<20} --with {line}\n")
