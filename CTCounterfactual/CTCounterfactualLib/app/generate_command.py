"""The verb `generate`: write a chest CT that no patient ever had, to try things on."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from ..events import Reporter
from .interrupt import cancel_on_signal, cancel_when_stdin_ends
from .options import add_parent_option, add_progress_option
from .progress import progress_printer

# Fine enough to look like a CT, coarse enough to be made and explained in about a minute.
SPACING_MM = (1.5, 1.5, 2.5)
EFFUSION_ML = 600.0


def add_generate_options(parser: argparse.ArgumentParser) -> None:
    """Add where it goes and what it looks like."""
    parser.add_argument("output", metavar="FILE", help="the scan: .nrrd, .nii.gz or .mha")
    parser.add_argument(
        "--spacing",
        type=float,
        nargs=3,
        default=SPACING_MM,
        metavar="MM",
        help="of voxels to the right, back and head (default: 1.5 1.5 2.5)",
    )
    parser.add_argument(
        "--effusion",
        type=float,
        default=EFFUSION_ML,
        metavar="ML",
        help="pleural fluid (default: %(default)g)",
    )
    parser.add_argument(
        "--seed", type=int, default=0, help="which patient and noise (default: %(default)s)"
    )
    parser.add_argument("--force", action="store_true", help="replace FILE")
    add_progress_option(parser)
    add_parent_option(parser)


def generate(options: argparse.Namespace) -> None:
    """Make the chest and write it, whole or not at all."""
    from ..outputs.volumes import write_image
    from ..scans.generated import ChestSettings, generate_chest
    from ..scans.scan import Scan
    from ..storage.atomic import whole_file
    from ..storage.names import check_name

    path = Path(check_name(options.output))
    with cancel_on_signal() as cancel:
        if options.parent_stdin:
            cancel_when_stdin_ends(cancel)
        reporter = Reporter(progress_printer(options.progress), cancel)
        with whole_file(path, overwrite=options.force) as partial:
            reporter.begin("Generating a chest CT", 0.0, 0.9)
            chest = generate_chest(
                ChestSettings(
                    tuple(options.spacing), seed=options.seed, effusion_ml=options.effusion
                )
            )
            reporter.begin(f"Writing {path.name}", 0.9, 1.0)
            scan = Scan.from_array(chest.hu, chest.spacing, chest.origin, name=path.name)
            write_image(scan.image, partial)
        reporter.report("written", f"Chest written to {path}", 1.0, output=str(path))
    if options.progress != "json":
        sys.stdout.write(f"{path}\n")
