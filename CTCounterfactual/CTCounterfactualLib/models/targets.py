"""Targets, the outputs of a classifier: their names, units and codes; and which one is meant."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from ..checked import shown
from ..errors import ModelError, SettingsError
from ..storage.bounded import MOST_RECORD_BYTES
from ..storage.objects import read_object
from ..suggest import suggest

# What a list shows for the unit of a score that has none.
NO_UNIT = "score"
# The unit of scores within 0..1 whose natural scale is their logit.
PROBABILITY = "probability"


@dataclass(frozen=True)
class Target:
    """One output of a classifier.

    Parameters
    ----------
    name : str
        For people and for `--target`.
    unit : str
        Unit of its score: `L`, `probability`, `logit` ...
    code : str
        Its code in a classification (a phecode); `--target` takes it too.
    threshold : float or None
        Score at or above which the finding is called present; in the target's unit. None if the
        classifier makes no such decision, or its card doesn't say where.
    negatives : float or None
        Median score of scans without the finding; below the threshold.

    Raises
    ------
    ModelError
        If threshold and negatives can't be those of a decision.
    """

    name: str
    unit: str = ""
    code: str = ""
    threshold: float | None = None
    negatives: float | None = None

    def __post_init__(self) -> None:
        fault = decision_fault(self.unit, self.threshold, self.negatives)
        if fault:
            raise ModelError(f"Target {self.name!r}: {fault}")

    @property
    def label(self) -> str:
        """The name with the code, as jobs name it: "Pleurisy; pleural effusion [507]"."""
        return f"{self.name} [{self.code}]" if self.code else self.name

    @property
    def listed(self) -> str:
        """The label with the unit, as lists show it: "lung volume (L)"."""
        return f"{self.label} ({self.unit or NO_UNIT})"

    @property
    def decision(self) -> str:
        """The decision in words: "present from 0.5, without it 0.02"; empty if there is none."""
        if self.threshold is None:
            return ""
        without = "" if self.negatives is None else f", without it {self.negatives:g}"
        return f"present from {self.threshold:g}{without}"


def decision_fault(unit: str, threshold: Any, negatives: Any) -> str:
    """Return which number of a decision can't be, and what is expected; empty if both can."""
    for name, value in (("threshold", threshold), ("negatives", negatives)):
        if value is None:
            continue
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            return f"{name} = {shown(value)}, expected a finite number."
        if unit == PROBABILITY and not 0 < value < 1:
            return f"{name} = {value:g}, expected a probability between 0 and 1."
    if negatives is None:
        return ""
    if threshold is None:
        return f"negatives = {negatives:g} without a threshold; give both, or neither."
    if negatives >= threshold:
        return (
            f"negatives = {negatives:g}, expected a number below the threshold {threshold:g}: the "
            f"median score of scans without the finding."
        )
    return ""


# What a name may be, in this order: no target's code hides another target's name.
_NAMED_BY = ("name", "label", "code", "listed")
AnyTarget = TypeVar("AnyTarget", bound=Target)


def meant(targets: Sequence[AnyTarget], name: str) -> list[AnyTarget]:
    """Return the targets that a name, label, code or listed text can mean; most often one.

    As it is written before any case; a name before a label, and that before a code.
    """
    for written in (str, str.casefold):
        for field in _NAMED_BY:
            found = [t for t in targets if written(getattr(t, field)) == written(name) != ""]
            if found:
                return found
    return []


def find_target(classifier: str, targets: Sequence[AnyTarget], name: str | None) -> AnyTarget:
    """Return the target that is meant by a name (see `meant`), or the first for None.

    Raises
    ------
    SettingsError
        With the closest names if there is no such target; with all of them if there are several.
    """
    if name is None:
        return targets[0]
    if not isinstance(name, str):
        raise SettingsError(f"A target is given by its name or code in quotes, not as {name!r}.")
    found = meant(targets, name)
    if len(set(found)) > 1:
        raise SettingsError(
            f"Target {name!r} of classifier {classifier} can be any of "
            f"{', '.join(repr(t.label) for t in found)}: give one of these as it is written here."
        )
    if found:
        return found[0]
    hint = suggest(name, [target.name for target in targets])
    raise SettingsError(f"Classifier {classifier} has no target {name!r}. {hint}")


def read_coded_targets(path: Path, unit: str) -> tuple[Target, ...]:
    """Return the targets of a list of [code, name] in a JSON file, in its order.

    Raises
    ------
    ModelError
        If it is missing or damaged: it came with the program.
    """
    try:
        rows = read_object(path, MOST_RECORD_BYTES)["targets"]
        return tuple(Target(name, unit, code) for code, name in rows)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"The list of targets {path} cannot be read ({error}); reinstall."
        ) from error
