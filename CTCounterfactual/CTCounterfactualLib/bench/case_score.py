"""What scoring finds of one case."""

from __future__ import annotations

from dataclasses import dataclass, field

from .layout import BenchCase


@dataclass(frozen=True)
class CaseScore:
    """One row of `scores.csv`.

    Parameters
    ----------
    case : BenchCase
        The case.
    metrics : dict
        Name -> value; what can't be computed is absent.
    problem : str
        Why there is no score; empty: there is one.
    """

    case: BenchCase
    metrics: dict[str, float] = field(default_factory=dict)
    problem: str = ""
