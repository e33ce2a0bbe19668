"""The verb `export-dicom`: a finished result as DICOM files that viewers lay over the scan."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from ..errors import OutputError
from .interrupt import cancel_on_signal
from .options import add_progress_option
from .progress import progress_printer

if TYPE_CHECKING:
    from ..counterfactual.result import Explanation
    from ..methods.attribution import Attribution


def add_dicom_options(parser: argparse.ArgumentParser) -> None:
    """Add which result, where its scan lies as DICOM, and where to."""
    parser.add_argument("result", metavar="RESULT", help="result folder of any method")
    parser.add_argument(
        "-o", "--output", required=True, metavar="DIR", help="folder for the DICOM files"
    )
    parser.add_argument(
        "--series",
        metavar="DICOM_FOLDER",
        help="the scan's own DICOM series, for a scan that was explained in another format or has "
        "moved; found by its voxels if others lie there (default: where the scan was read from)",
    )
    parser.add_argument(
        "--scan", metavar="SCAN", help="the scan that was explained, if it has moved"
    )
    parser.add_argument(
        "--force", action="store_true", help="replace an earlier export in DIR (nothing else)"
    )
    add_progress_option(parser)


def export(options: argparse.Namespace) -> None:
    """Write the files."""
    from ..outputs.dicom.export import check_dicom_extra, export_dicom

    check_dicom_extra()
    with cancel_on_signal() as cancel:
        result = _result(options)
        cancel.check()
        export_dicom(
            result,
            options.output,
            options.series,
            options.force,
            progress_printer(options.progress),
            cancel,
        )


def _result(options: argparse.Namespace) -> Explanation | Attribution:
    """Read the result; where its scan has gone, the series that is given will do."""
    from ..outputs.attribution_reading import read_any_result
    from ..scans.read import read_scan

    if options.scan:
        return read_any_result(options.result, read_scan(options.scan, assume_hu=True))
    try:
        return read_any_result(options.result)
    except OutputError:
        if not options.series:
            raise
    return read_any_result(options.result, read_scan(options.series, assume_hu=True))
