"""The pictures of a map's report: scan, map over it, and the first part, in three planes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..methods.attribution import Attribution
from ..methods.levels import strongest
from ..scans.greys import greys_of
from .pictures import grey, mask_over, values_over
from .report_pictures import (
    HEIGHT_MM,
    NARROWEST_MM,
    WIDEST_MM,
    block_of_figures,
    height_over_width,
    row_of_figures,
)
from .views import PLANES, Oriented, TurnedGrid, busiest

# Bluish green of Okabe and Ito's palette: none of a map's own colours.
PART_RGB = (0, 158, 115)


def pictures(attribution: Attribution) -> str:
    """Return the block of pictures with column titles, as HTML."""
    image = attribution.scan.image
    base = Oriented.on_grid(image, attribution.scan.array)
    values = Oriented.on_grid(image, attribution.values)
    top = strongest(attribution.values) or 1.0
    ends = greys_of(attribution.scan)
    part = next(iter(attribution.parts), "")
    mask = Oriented.on_grid(image, attribution.parts[part]) if part else None
    heads = ["Scan", f"Map of {attribution.method.name}", *([part.capitalize()] if part else [])]
    ratios = {plane: height_over_width(base, plane) for plane in PLANES}
    width = min(max(HEIGHT_MM / sum(ratios.values()), NARROWEST_MM), WIDEST_MM)

    def columns(plane: str, index: int) -> Iterator[tuple[str, np.ndarray]]:
        below = base.plane(plane, index)
        yield heads[0], grey(below, ends)
        yield heads[1], values_over(below, values.plane(plane, index), top, ends)
        if mask is not None:
            yield part, mask_over(below, mask.plane(plane, index), PART_RGB, ends)

    rows = ""
    for plane in PLANES:
        index = busiest(values, plane)
        rows += row_of_figures(
            columns(plane, index), TurnedGrid(image), plane, index, ratios[plane]
        )
    return block_of_figures(heads, rows, width)
