"""What slices say of themselves and a reader should know: projections, mixed acquisitions."""

from __future__ import annotations

import re
from collections.abc import Sequence

from .frames import Frame
from .series import named

# Values of the image type (of a frame: of the frame type) that name a projection through several
# slices, or a rendering: its voxels aren't the HU at their place.
PROJECTIONS = frozenset({
    "MIP", "MAX_IP", "MAXIP", "MINIP", "MIN_IP", "MINMIP", "MAXIMUM", "MINIMUM", "PROJECTION IMAGE",
    "RAYSUM", "VOLUME RENDERED", "VOLREN", "VRT", "RENDERED", "SURFACE_RENDER", "VOLUME_RENDER",
})  # fmt: skip
# What may differ within a volume (its HU hold), but changes noise and contrast where it does.
MIXED = ("kernel", "kVp", "contrast agent")


def remarks(frames: Sequence[Frame]) -> tuple[tuple[str, str], ...]:
    """Return warnings (name, message) on what the frames of one volume say of themselves."""
    found = []
    projected = [frame for frame in frames if PROJECTIONS & _words(frame.phase.get("image type"))]
    if projected:
        found.append(
            (
                "projections",
                f"{len(projected)} of {len(frames)} slices call themselves projections or "
                f"renderings ({named(projected[:1])} first): their values aren't those of one "
                f"slice. Choose the original series.",
            )
        )
    for name in MIXED:
        values = sorted({frame.phase.get(name, "") for frame in frames} - {""})
        if len(values) > 1:
            found.append(
                (
                    "mixed-acquisition",
                    f"Slices differ in their {name} ({named(values)}); noise and contrast change "
                    f"where it does.",
                )
            )
    return tuple(found)


def _words(image_type: str | None) -> set[str]:
    """Return the values of an image type as `text` prints it: "['DERIVED', 'SECONDARY']"."""
    return {word.strip().upper() for word in re.split(r"[\[\],'\"\\]+", image_type or "")}
