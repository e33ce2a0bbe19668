"""From what the panel shows (the parameter node) to the keywords of the console."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from CTCounterfactualLib.counterfactual.settings import CHANGE_SCOPES
from CTCounterfactualLib.errors import SettingsError

# The engine's `None`: each search has its own scope.
AUTOMATIC_SCOPE = "automatic"
SCOPES = (AUTOMATIC_SCOPE, *CHANGE_SCOPES)
# Bounds of what the controls take, where the engine has none.
MAX_CHUNK = 1000  # slices: more than any scan on a 3 mm grid has
MAX_EVALUATIONS = 1000
MAX_SEED = 2**31 - 1  # what a Qt spin box holds
MAX_SCORE = 1e9  # of any target in any unit
PERCENT = 100.0
# Digits that a share of the image is rounded to: 0.1 % / 100 is not 0.001 in binary.
SHARE_DIGITS = 6


def levels_text(edges: Iterable[float]) -> str:
    """Return heatmap levels as they stand in the line edit: "10, 25, 50"."""
    return ", ".join(f"{edge:g}" for edge in edges)


def levels_from(text: str) -> tuple[float, ...]:
    """Return the heatmap levels of a text, separated by commas, semicolons or blanks.

    Raises
    ------
    SettingsError
        If a part is no number; whether they rise is for the engine to say.
    """
    parts = text.replace(",", " ").replace(";", " ").split()
    try:
        return tuple(float(part) for part in parts)
    except ValueError:
        raise SettingsError(
            f"Heatmap levels are {text!r}; give rising numbers in HU, separated by commas, such as "
            f"10, 25, 50, 100, 200."
        ) from None


def keywords_of(parameters) -> dict[str, Any]:
    """Return the console's keywords for a parameter node: `logic.start(volume, **keywords)`.

    Raises
    ------
    SettingsError
        If a text isn't what it should be, or a region is chosen that holds nothing.
    """
    scope = parameters.changeScope
    return {
        "classifier": parameters.classifier,
        "target": parameters.target or None,
        "autoencoder": parameters.autoencoder,
        "region": _region_of(parameters),
        "assumeHu": parameters.assumeHu,
        "outputs": parameters.outputs,
        "mode": parameters.mode,
        "chunkSize": parameters.chunk,
        "direction": parameters.direction,
        "search": parameters.search,
        "baseline": parameters.baseline,
        "composite": parameters.composite,
        "sliceSmoothing": parameters.sliceSmoothing,
        "maxChange": round(parameters.maxChangePercent / PERCENT, SHARE_DIGITS),
        "changeScope": None if scope == AUTOMATIC_SCOPE else scope,
        "targetScore": parameters.targetScore if parameters.useTargetScore else None,
        "maxEvaluations": parameters.maxEvaluations,
        "levelEdges": levels_from(parameters.levelEdges),
        "frames": parameters.frames,
        "device": parameters.device,
        "seed": parameters.seed,
    }


def _region_of(parameters) -> tuple | None:
    node, segment = parameters.regionSegmentation, parameters.regionSegment
    if node is None:
        return None
    if not segment:  # else the whole scan would be explained, and nobody would notice
        raise SettingsError(
            f"The segmentation {node.GetName()!r} has no segment to take as the region. Draw one "
            f"in the Segment Editor, or select no region."
        )
    return node, segment
