"""Targets as the catalogue lists them for people, "Pleural effusion [507] (probability)".

Slicer's process loads no model (no torch), so name, code and unit come from that text. A target
is found by the rules of the engine's `find_target`: the whole name, label or code, in any case.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class ListedTarget:
    """One target: its name, its code in a classification and its unit; the latter may be empty."""

    name: str
    code: str = ""
    unit: str = ""

    @property
    def label(self) -> str:
        """Name and code: what a job names the target by."""
        return f"{self.name} [{self.code}]" if self.code else self.name


def read_listed(text: str) -> ListedTarget:
    """Return what a listed target says."""
    label, unit = _without_end(text, "(", ")")
    name, code = _without_end(label, "[", "]")
    return ListedTarget(name, code, unit)


def find_listed(targets: Iterable[str], wanted: str | None) -> ListedTarget | None:
    """Return the target of a name, label or code, the first for None; None if there is none.

    A name that fits exactly comes before a code, and both before what fits in another case only.
    """
    listed = [read_listed(text) for text in targets]
    if wanted is None:
        return next(iter(listed), None)
    for same in (str, str.casefold):
        for part in ("label", "name", "code"):
            for target in listed:
                if same(getattr(target, part)) == same(wanted):
                    return target
    return None


def _without_end(text: str, opening: str, closing: str) -> tuple[str, str]:
    """Return a text without the bracket that ends it, and what stands in that bracket."""
    if not text.endswith(closing):
        return text, ""
    depth = 0
    for place in range(len(text) - 1, 0, -1):
        depth += (text[place] == closing) - (text[place] == opening)
        if depth == 0:
            whole = text[place - 1] == " "  # else it is part of a word: "f(x)"
            return (text[:place - 1], text[place + 1:-1]) if whole else (text, "")
    return text, ""
