"""What the series of an export are called, and what all their files say of this program."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ... import __version__
from ...counterfactual.result import DISCLAIMER

PROGRAM = "CTCounterfactual"
# Far above the numbers that scanners give, so that the new series come last in a list.
FIRST_NUMBER = 9101
# Name of a kind of content (CS), in files that have one.
CONTENT_LABEL = "MODEL_BEHAVIOUR"
# Longest description of a series (LO).
LONGEST_DESCRIPTION = 64


@dataclass(frozen=True)
class Series:
    """One new series: its UID, number within the study, and description."""

    uid: str
    number: int
    description: str


def new_series(order: int, what: str) -> Series:
    """Return a new series; its description begins with what it is and ends with what it is not."""
    room = LONGEST_DESCRIPTION - len(f" ({DISCLAIMER})")
    return Series(new_uid(), FIRST_NUMBER + order, f"{what[:room]} ({DISCLAIMER})")


def new_uid() -> str:
    """Return a UID that nothing else has, and that tells nothing of who made it (UUID-derived)."""
    from pydicom.uid import generate_uid

    return str(generate_uid(prefix=None))


def equipment() -> dict[str, Any]:
    """Return what highdicom's constructors say of the program that made an image."""
    return {
        "manufacturer": PROGRAM,
        "manufacturer_model_name": PROGRAM,
        "software_versions": __version__,
        "device_serial_number": __version__,  # must be told; software has no other
    }
