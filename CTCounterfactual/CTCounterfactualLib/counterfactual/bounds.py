"""What the decoder's picture may become in a run: which of the rules of `composite` hold."""

from __future__ import annotations

from collections.abc import Callable

from .direction import sign
from .encoded import Encoded, Models
from .one_way import is_size, kept_to
from .settings import ExplainSettings
from .tissue import Bounds, find_bounds


def bounds_of(
    settings: ExplainSettings, models: Models, encoded: Encoded, way: Callable[[], int]
) -> Bounds | None:
    """Return the bounds of all slices; None for anything.

    Parameters
    ----------
    way : callable
        Which way the change goes; asked only where it counts, because it costs decoding.
    """
    grid, rising = models.classifier.grid, sign(settings.direction) > 0
    if settings.composite != "local" or rising or not grid.is_ct:
        return None
    bounds = find_bounds(encoded.x, grid.spacing, grid.window, encoded.weight)
    if settings.search == "reference" or not is_size(models.classifier.find_target(models.target)):
        return bounds
    return kept_to(bounds, way(), encoded.x)
