"""Targets of the listed models: which is meant, and how earlier versions remembered them."""

from __future__ import annotations

from collections.abc import Sequence

from CTCounterfactualLib.models.targets import NO_UNIT, Target, meant


def find_listed(targets: Sequence[Target], wanted: str | None) -> Target | None:
    """Return the target that is meant by a name, the first for None; None if there is none."""
    found = targets if wanted is None else meant(targets, wanted)
    return next(iter(found), None)


def read_listed(text: str) -> Target:
    """Return the target of an own model that an earlier version remembered as one text.

    That was what lists show, "Pleural effusion [507] (probability)".
    """
    label, unit = _without_end(text, "(", ")")
    name, code = _without_end(label, "[", "]")
    return Target(name, "" if unit == NO_UNIT else unit, code)


def _without_end(text: str, opening: str, closing: str) -> tuple[str, str]:
    """Return a text without the bracket that ends it, and what stands in that bracket."""
    if not text.endswith(closing):
        return text, ""
    depth = 0
    for place in range(len(text) - 1, 0, -1):
        depth += (text[place] == closing) - (text[place] == opening)
        if depth == 0:
            whole = text[place - 1] == " "  # else it is part of a word: "f(x)"
            return (text[: place - 1], text[place + 1 : -1]) if whole else (text, "")
    return text, ""
