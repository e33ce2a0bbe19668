"""The verb `manifest`: a public collection as it was downloaded becomes a cohort's manifest."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from .interrupt import cancel_on_signal

MASKS_ENDING = "-masks"


def add_manifest_options(parser: argparse.ArgumentParser) -> None:
    """Add a verb for each collection, with what can be chosen of it."""
    from ..archives.registry import ARCHIVES

    verbs = parser.add_subparsers(dest="archive", required=True, metavar="COLLECTION")
    for archive in ARCHIVES.values():
        one = verbs.add_parser(
            archive.name, help=archive.title, description=f"Expects {archive.layout}."
        )
        one.add_argument("folder", metavar="DIR", help=archive.layout)
        one.add_argument(
            "-o", "--output", required=True, metavar="MANIFEST.csv", help="what is written"
        )
        one.add_argument("--force", action="store_true", help="replace an earlier one")
        for option in archive.options:
            shown = "none" if option.default == "" else "%(default)s"
            one.add_argument(
                f"--{option.name}",
                type=type(option.default),
                default=option.default,
                help=f"{option.help} (default: {shown})",
            )
        one.add_argument(
            "--debug",
            action="store_true",
            default=argparse.SUPPRESS,
            help="show the details (traceback) of an error",
        )


def make_manifest(options: argparse.Namespace) -> None:
    """Read the collection, write the manifest and the list of what was left out."""
    from ..archives.listed import LEFT_OUT_ENDING, reasons, write_manifest
    from ..archives.registry import ARCHIVES
    from ..errors import ScanError
    from ..storage.atomic import check_free
    from ..storage.names import check_name

    archive, folder = ARCHIVES[options.archive], Path(options.folder)
    path = check_name(options.output)
    for target in (path, path.with_name(path.stem + LEFT_OUT_ENDING)):  # before a long walk
        check_free(target, options.force)
    if not folder.is_dir():
        raise ScanError(f"{folder} is no folder; give the one that holds {archive.layout}.")
    with cancel_on_signal() as cancel:
        chosen = {option.name: getattr(options, option.name) for option in archive.options}
        masks = path.absolute().with_name(path.stem + MASKS_ENDING)
        listed = archive.read(folder, chosen, masks, cancel)
        written, beside = write_manifest(listed, path, options.force)
    labels = [row.label for row in listed.rows]
    sys.stdout.write(
        f"{written}: {len(labels)} scans, {labels.count(1.0)} positives, "
        f"{labels.count(0.0)} negatives\n"
    )
    if listed.left_out:
        sys.stdout.write(f"Left out: {len(listed.left_out)}, see {beside}: {reasons(listed)}\n")
    for remark in listed.remarks:
        sys.stdout.write(f"{remark}\n")
