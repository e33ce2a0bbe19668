"""Colours with a sign: blue for less HU or against the score, red for more HU or for it.

Where nothing changes, or a map's values are weak, nothing is drawn.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from ...counterfactual.result import HeatLevel
from ...methods.levels import EDGES, Level
from ...scans.modality import UNIT_OF_CT
from ...scans.pieces import pieces
from ..mrml import slicer
from .provenance import ATTRIBUTE_PREFIX, get_attribute, get_number, set_attributes

# RGB of the weakest and the strongest change. Both ends are bright: they must show on black lung
# and on white bone alike.
DECREASE_RGB = ((0.70, 0.85, 1.00), (0.05, 0.25, 1.00))
INCREASE_RGB = ((1.00, 0.82, 0.70), (1.00, 0.10, 0.05))
NEUTRAL_RGBA = (1.0, 1.0, 1.0, 0.0)
# The same in a legend, where it has to be seen.
NOTHING, NOTHING_RGBA = "none", (0.5, 0.5, 0.5, 1.0)
# From a label map's colours to those of its legend.
LEGEND_REFERENCE = ATTRIBUTE_PREFIX + "legendColors"
OF_ALL = " of the strongest"
# Opacity of the weakest and of the strongest label.
LABEL_OPACITY = (0.4, 0.9)
PART_OPACITY = 0.6
# Colour-blind safe (Okabe and Ito, "Color Universal Design", 2008), none of them a change's blue or
# red: parts lie over maps.
PART_RGB = ((0.00, 0.62, 0.45), (0.90, 0.62, 0.00), (0.80, 0.47, 0.65))
# A display maps its window to this many steps (8 bit) before it looks a colour up.
DISPLAY_STEPS = 256
# Changes below this are drawn only on request: in fat and in the table they are mostly haze.
SHOWN_FROM_HU = 25.0
# The change's window ends at the level that at most this part of the changed voxels exceeds.
BEYOND_WINDOW = 0.01
# Where there is one level only, the window ends at this multiple of it.
ONE_LEVEL_FACTOR = 2.0


def change_rgb(rises: bool, strength: float) -> tuple[float, float, float]:
    """Return the colour of a change, `strength` 0 (weakest) to 1 (strongest)."""
    weak, strong = np.array(INCREASE_RGB if rises else DECREASE_RGB)
    return tuple((weak + np.clip(strength, 0.0, 1.0) * (strong - weak)).tolist())


@dataclass(frozen=True)
class Band:
    """A label's colour: its name, its shorter one for a legend, the signed values it is for."""

    label: int
    name: str
    short: str
    low: float
    high: float


def add_label_colors(scene, levels: tuple[HeatLevel, ...], name: str):
    """Add the heatmap's colour table: one named colour a level, label 0 transparent.

    The colours of its legend come along; see `legend_table`.
    """
    bands = [
        Band(one.label, one.name, _signed(one.low_hu, one.high_hu), one.low_hu, one.high_hu)
        for one in levels
    ]
    return _add_bands(scene, bands, name, "no change")


def add_share_colors(scene, levels: tuple[Level, ...], name: str):
    """Add the colours of a map's labels, and of its legend: as `add_label_colors`."""
    bands = [
        Band(
            one.label,
            one.name,
            one.name.replace(" the score, ", " ").removesuffix(OF_ALL),
            one.low,
            one.high,
        )
        for one in levels
    ]
    return _add_bands(scene, bands, name, "weaker")


def _signed(low: float, high: float) -> str:
    """Return a level's range in HU, the end nearer to 0 first: "+10 to +25", "below -200"."""
    near, far = (low, high) if low > 0 else (high, low)
    if math.isinf(far):
        return f"{'above' if low > 0 else 'below'} {near:+g}"
    return f"{near:+g} to {far:+g}"


def _add_bands(scene, bands: list[Band], name: str, nothing: str):
    """Add a colour for each band, stronger the further from 0."""
    table = new_table(name, 1 + max((band.label for band in bands), default=0))
    table.SetColor(0, nothing, *NEUTRAL_RGBA)
    sides = []
    for rises in (False, True):
        side = [band for band in bands if (band.high > 0) == rises]
        side.sort(key=lambda band: max(abs(band.low), abs(band.high)))
        sides.append(side)
        for rank, band in enumerate(side):
            strength = rank / max(len(side) - 1, 1)
            opacity = LABEL_OPACITY[0] + strength * (LABEL_OPACITY[1] - LABEL_OPACITY[0])
            table.SetColor(band.label, band.name, *change_rgb(rises, strength), opacity)
    scene.AddNode(table)
    _add_legend_colors(scene, table, *sides)
    return table


def _add_legend_colors(scene, table, falls: list[Band], rises: list[Band]) -> None:
    """Add the same colours in the order of a legend, which is drawn from below: least first."""
    legend = new_table(f"{table.GetName()} (legend)", len(falls) + 1 + len(rises))
    for number, band in enumerate([*reversed(falls), None, *rises]):
        if band is None:
            legend.SetColor(number, NOTHING, *NOTHING_RGBA)
            continue
        rgba = [0.0] * 4
        table.GetColor(band.label, rgba)
        legend.SetColor(number, band.short, *rgba[:3], 1.0)
    scene.AddNode(legend)
    table.SetNodeReferenceID(LEGEND_REFERENCE, legend.GetID())


def legend_table(table):
    """Return the colours of the legend of a label map's colours, or None where it has none."""
    return table.GetNodeReference(LEGEND_REFERENCE)


def add_part_colors(scene, part: str, rgb: tuple[float, float, float], name: str):
    """Add the colours of a set of voxels: label 1, named for what it is; label 0 transparent."""
    table = new_table(name, 2)
    table.SetColor(0, "elsewhere", *NEUTRAL_RGBA)
    table.SetColor(1, part, *rgb, PART_OPACITY)
    scene.AddNode(table)
    return table


def add_value_colors(scene, name: str):
    """Add the diverging colours of a map's values, for a window of minus to plus the strongest.

    Values below the first level (`methods.levels.EDGES`) are transparent, as label 0 is.
    """
    table = new_table(name, DISPLAY_STEPS)
    for step, share in enumerate(np.linspace(-1.0, 1.0, DISPLAY_STEPS).tolist()):
        if abs(share) < EDGES[0]:
            table.SetColor(step, "weaker", *NEUTRAL_RGBA)
        else:
            strength = (abs(share) - EDGES[0]) / (1.0 - EDGES[0])
            side = "for" if share > 0 else "against"
            called = f"{abs(share):.0%} of the strongest, {side} the score"
            table.SetColor(step, called, *change_rgb(share > 0, strength), 1.0)
    scene.AddNode(table)
    return table


def add_change_colors(scene, neutral_hu: float, limit_hu: float, name: str, unit: str = UNIT_OF_CT):
    """Add the diverging colours of a change, for a window of -limit_hu to +limit_hu.

    All are in `unit`: HU, or the scan's own.
    All that is drawn is opaque: a scalar volume's display knows no opacity in between; the layer's
    own blends it. What isn't, is up to `hide_change_below`; at first `SHOWN_FROM_HU`, or less
    where all changes are small.
    """
    table = new_table(name, DISPLAY_STEPS)
    set_attributes(table, neutral=neutral_hu, limit=limit_hu, unit=unit)
    hide_change_below(table, max(neutral_hu, min(SHOWN_FROM_HU, limit_hu / 2)))
    scene.AddNode(table)
    return table


def hide_change_below(table, hu: float) -> None:
    """Let the colours of `add_change_colors` be transparent for changes below so many HU."""
    neutral, limit = get_number(table, "neutral"), get_number(table, "limit")
    unit = get_attribute(table, "unit") or UNIT_OF_CT
    set_attributes(table, shownFrom=hu)
    modifying = table.StartModify()  # one redraw, not 256
    for step, value in enumerate(np.linspace(-limit, limit, DISPLAY_STEPS).tolist()):
        if abs(value) < hu:
            table.SetColor(step, "no change", *NEUTRAL_RGBA)
        else:
            strength = (abs(value) - neutral) / (limit - neutral)
            called = f"{value:+.4g} {unit}" if limit < 1 else f"{value:+.0f} {unit}"
            table.SetColor(step, called, *change_rgb(value > 0, strength), 1.0)
    table.EndModify(modifying)


def shown_from(table) -> float | None:
    """Return from how many HU on changes are drawn; None for colours of an earlier version."""
    return None if get_attribute(table, "shownFrom") is None else get_number(table, "shownFrom")


def change_limit(difference: np.ndarray, edges: tuple[float, ...]) -> float:
    """Return the HU at which the change's colours end: the lowest level that nearly all is below.

    Parameters
    ----------
    difference : numpy.ndarray
        (K, J, I), HU.
    edges : tuple of float
        The heatmap's levels in HU; the first is never the limit.
    """
    candidates = edges[1:] or (ONE_LEVEL_FACTOR * edges[0],)
    beyond = np.zeros(len(candidates))
    changed = 0
    for part in pieces(difference.shape):
        size = np.abs(difference[part].astype(np.float32))
        size = size[size >= edges[0]]  # few of all voxels
        changed += len(size)
        beyond += [np.count_nonzero(size > limit) for limit in candidates]
    enough = [
        limit
        for limit, count in zip(candidates, beyond, strict=True)
        if count <= BEYOND_WINDOW * changed
    ]
    return float(enough[0] if enough else candidates[-1])


def new_table(name: str, colors: int):
    """Return a colour table of so many colours, in no scene yet, that is saved with one."""
    table = slicer.vtkMRMLColorTableNode()
    table.SetName(name)
    table.SetTypeToUser()
    table.SetNumberOfColors(colors)
    table.SetHideFromEditors(False)  # a hidden table is not saved with the scene
    return table
