"""What of a bench couldn't be made, and why: `skipped.csv`."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields

SKIPPED_FILE = "skipped.csv"


@dataclass(frozen=True)
class Skipped:
    """A case that couldn't be made, or a whole scan.

    Parameters
    ----------
    scan, case : str
        Their names; an empty case stands for all of the scan.
    reason : str
        In a sentence.
    """

    scan: str
    case: str
    reason: str


def skipped_table(skipped: Iterable[Skipped]) -> str:
    """Return the text of `skipped.csv`."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(field.name for field in fields(Skipped))
    rows.writerows(astuple(one) for one in skipped)
    return text.getvalue()
