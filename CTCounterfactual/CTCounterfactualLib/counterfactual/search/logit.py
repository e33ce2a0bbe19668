"""Logits: the scale on which a step of a probability counts the same, however near it is to 0 or 1.

A score of 0.9999 that falls to 0.999 looks as if nothing had happened, and its gradient is next to
nothing; its logit has fallen by 2.3. Probabilities are floats of the target's unit everywhere; who
compares them, or shows how far they moved, takes the logit.
"""

from __future__ import annotations

import math
import struct

# Half the distance to the next number below 1: in single precision, in double.
_SINGLE, _DOUBLE = 2.0**-25, 2.0**-54
# The smallest probability that single precision holds with all its digits.
LEAST_PROBABILITY = 2.0**-126
# The greatest below 1 in double precision.
MOST_PROBABILITY = 1 - 2.0**-53
# A logit that rounding may move by more than this can't be told from its neighbours on a chart.
LOST = 0.05


def logit(probability: float) -> float:
    """Return log(p / (1 - p)) of a probability, in double precision.

    Finite and rising everywhere: what lies beyond `LEAST_PROBABILITY` and `MOST_PROBABILITY`
    counts as these (-87.3 and 36.7).
    """
    p = min(max(probability, LEAST_PROBABILITY), MOST_PROBABILITY)
    return math.log(p) - math.log1p(-p)


def probability_of(logit: float) -> float:
    """Return 1 / (1 + exp(-logit))."""
    if logit >= 0:
        return 1 / (1 + math.exp(-logit))
    return math.exp(logit) / (1 + math.exp(logit))


def saturated(probability: float) -> bool:
    """Return whether rounding has eaten the logit of a probability (see `LOST`).

    One that single precision holds as it is was computed in it.
    """
    if probability < LEAST_PROBABILITY:
        return True
    (single,) = struct.unpack("f", struct.pack("f", probability))
    rounding = _SINGLE if single == probability else _DOUBLE
    return rounding > LOST * (1 - probability)
