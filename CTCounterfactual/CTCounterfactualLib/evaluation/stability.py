"""What the verb `trust` has found of a result's stability, if it was asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..storage.bounded import MOST_RECORD_BYTES
from ..storage.objects import read_object

# As the verb `trust` writes them.
TRUST_FILE, NOISE_TEST = "trust.json", "noise"
NOT_TESTED = "the verb `trust` tells it, with its test `noise` and all draws"


def stability(folder: Path) -> dict[str, float]:
    """Return `stability` and `drop_variation` of a result folder; nothing if it wasn't tested."""
    try:
        tests = read_object(folder / TRUST_FILE, MOST_RECORD_BYTES)["tests"]
        found = next(test for test in tests if test["test"] == NOISE_TEST)
        facts: dict[str, Any] = found["facts"]
        told = {"stability": found["number"], "drop_variation": facts.get("drop_variation")}
        return {name: float(value) for name, value in told.items() if value is not None}
    except (OSError, ValueError, KeyError, TypeError, StopIteration):
        return {}  # it wasn't tested, or by another version: then it can be asked for
