"""The scale on which scores of a unit are compared and drawn: probabilities on their logit."""

from __future__ import annotations

from ..models.targets import PROBABILITY
from .direction import gain
from .search.logit import logit

LOGIT = "logit"


def has_logit(unit: str) -> bool:
    """Return whether scores of a unit are compared on their logit: those that are probabilities."""
    return unit == PROBABILITY


def scale_unit(unit: str) -> str:
    """Return the unit of `on_scale`."""
    return LOGIT if has_logit(unit) else unit


def on_scale(unit: str, score: float) -> float:
    """Return a score as it is compared: a probability's logit, anything else as it is."""
    return logit(score) if has_logit(unit) else score


def gain_on_scale(unit: str, direction: str, before: float, after: float) -> float:
    """Return how far a score moved the wanted way, on the scale of its unit."""
    return gain(direction, on_scale(unit, before), on_scale(unit, after))
