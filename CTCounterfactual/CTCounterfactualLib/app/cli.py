"""`ct-counterfactual`: the command line; parses, calls the engine, says errors in one line."""

from __future__ import annotations

import argparse
import logging
import sys

from .. import __version__
from ..errors import Cancelled, CTCounterfactualError
from . import commands
from .options import add_explain_options, add_input_options, add_output_options
from .training_command import add_train_options, train

EXIT_OK = 0
EXIT_USER_ERROR = 2
EXIT_CANCELLED = 130  # what shells report of a program that Ctrl-C ended


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
        "input", metavar="INPUT",
        help="NRRD, NIfTI, MetaImage ... or a folder that holds a DICOM series",
    )
    add_input_options(explain)
    add_output_options(explain)
    add_explain_options(explain)
    explain.set_defaults(run=commands.explain)

    demo = verbs.add_parser("demo", help="the same on a chest CT generated on the spot")
    demo.add_argument(
        "--effusion", type=float, default=0.0, metavar="ML",
        help="millilitres of pleural fluid in the generated chest (default: none)",
    )
    add_output_options(demo)
    add_explain_options(demo)
    demo.set_defaults(run=commands.demo)

    listing = verbs.add_parser("list", help="list classifiers, targets and autoencoders")
    listing.set_defaults(run=commands.list_all)

    training = verbs.add_parser("train-vqgan", help="train a slice VQ-GAN")
    add_train_options(training)
    training.set_defaults(run=train)
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return 0, 2 (an error that the user can act on) or 130 (cancelled)."""
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s: %(message)s")
    options = build_parser().parse_args(arguments)
    try:
        options.run(options)
    except Cancelled as cancelled:
        sys.stderr.write(f"{cancelled}\n")
        return EXIT_CANCELLED
    except KeyboardInterrupt:
        sys.stderr.write(f"{Cancelled()}\n")
        return EXIT_CANCELLED
    except CTCounterfactualError as error:
        sys.stderr.write(f"Error: {' '.join(str(error).split())}\n")
        return EXIT_USER_ERROR
    except MemoryError:
        sys.stderr.write(
            "Error: out of memory. Close other programs, or resample the scan to fewer voxels.\n"
        )
        return EXIT_USER_ERROR
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
