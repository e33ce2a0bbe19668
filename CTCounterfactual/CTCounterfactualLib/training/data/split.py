"""Who is trained on and who is measured on: by the patient's name, the same on every machine."""

from __future__ import annotations

import hashlib

_DIGITS = 8


def is_held_out(patient: str, share: float) -> bool:
    """Tell whether a patient is among the share (0..1) that isn't trained on.

    By a hash of the name: it doesn't depend on who else is there, so a larger set later never
    moves a patient from one side to the other.
    """
    digest = hashlib.sha256(patient.encode("utf-8", "surrogateescape")).hexdigest()
    return int(digest[:_DIGITS], 16) < share * 16**_DIGITS
