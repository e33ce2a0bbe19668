"""Colours with a sign: blue for less HU or against the score, red for more HU or for it.

Where nothing changes, or a map's values are weak, nothing is drawn.
"""

from __future__ import annotations

import numpy as np

from ...counterfactual.result import HeatLevel
from ...methods.levels import EDGES, Level
from ...scans.modality import UNIT_OF_CT
from ...scans.pieces import pieces
from ..mrml import slicer

# RGB of the weakest and the strongest change. Both ends are bright: they must show on black lung
# and on white bone alike.
DECREASE_RGB = ((0.70, 0.85, 1.00), (0.05, 0.25, 1.00))
INCREASE_RGB = ((1.00, 0.82, 0.70), (1.00, 0.10, 0.05))
NEUTRAL_RGBA = (1.0, 1.0, 1.0, 0.0)
# Opacity of the weakest and of the strongest label.
LABEL_OPACITY = (0.4, 0.9)
PART_OPACITY = 0.6
# Colour-blind safe (Okabe and Ito, "Color Universal Design", 2008), none of them a change's blue or
# red: parts lie over maps.
PART_RGB = ((0.00, 0.62, 0.45), (0.90, 0.62, 0.00), (0.80, 0.47, 0.65))
# A display maps its window to this many steps (8 bit) before it looks a colour up.
DISPLAY_STEPS = 256
# The change's window ends at the level that at most this part of the changed voxels exceeds.
BEYOND_WINDOW = 0.01
# Where there is one level only, the window ends at this multiple of it.
ONE_LEVEL_FACTOR = 2.0


def change_rgb(rises: bool, strength: float) -> tuple[float, float, float]:
    """Return the colour of a change, `strength` 0 (weakest) to 1 (strongest)."""
    weak, strong = np.array(INCREASE_RGB if rises else DECREASE_RGB)
    return tuple((weak + np.clip(strength, 0.0, 1.0) * (strong - weak)).tolist())


def add_label_colors(scene, levels: tuple[HeatLevel, ...], name: str):
    """Add the heatmap's colour table: one named colour a level, label 0 transparent."""
    bands = [(level.label, level.name, level.low_hu, level.high_hu) for level in levels]
    return _add_bands(scene, bands, name, "no change")


def add_share_colors(scene, levels: tuple[Level, ...], name: str):
    """Add the colours of a map's labels: one named colour a level, label 0 transparent."""
    bands = [(level.label, level.name, level.low, level.high) for level in levels]
    return _add_bands(scene, bands, name, "weaker")


def _add_bands(scene, bands: list[tuple[int, str, float, float]], name: str, nothing: str):
    """Add a colour for each (label, name, low, high), stronger the further from 0."""
    table = _new_table(name, 1 + max((band[0] for band in bands), default=0))
    table.SetColor(0, nothing, *NEUTRAL_RGBA)
    for rises in (False, True):
        side = [band for band in bands if (band[3] > 0) == rises]
        side.sort(key=lambda band: max(abs(band[2]), abs(band[3])))
        for rank, (label, called, _, _) in enumerate(side):
            strength = rank / max(len(side) - 1, 1)
            opacity = LABEL_OPACITY[0] + strength * (LABEL_OPACITY[1] - LABEL_OPACITY[0])
            table.SetColor(label, called, *change_rgb(rises, strength), opacity)
    scene.AddNode(table)
    return table


def add_part_colors(scene, part: str, rgb: tuple[float, float, float], name: str):
    """Add the colours of a set of voxels: label 1, named for what it is; label 0 transparent."""
    table = _new_table(name, 2)
    table.SetColor(0, "elsewhere", *NEUTRAL_RGBA)
    table.SetColor(1, part, *rgb, PART_OPACITY)
    scene.AddNode(table)
    return table


def add_value_colors(scene, name: str):
    """Add the diverging colours of a map's values, for a window of minus to plus the strongest.

    Values below the first level (`methods.levels.EDGES`) are transparent, as label 0 is.
    """
    table = _new_table(name, DISPLAY_STEPS)
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
    Changes below `neutral_hu` are transparent, as label 0 of the heatmap is. All others are
    opaque: a scalar volume's display knows no opacity in between; the layer's own blends it.
    """
    table = _new_table(name, DISPLAY_STEPS)
    for step, hu in enumerate(np.linspace(-limit_hu, limit_hu, DISPLAY_STEPS).tolist()):
        if abs(hu) < neutral_hu:
            table.SetColor(step, "no change", *NEUTRAL_RGBA)
        else:
            strength = (abs(hu) - neutral_hu) / (limit_hu - neutral_hu)
            table.SetColor(
                step,
                f"{hu:+.4g} {unit}" if limit_hu < 1 else f"{hu:+.0f} {unit}",
                *change_rgb(hu > 0, strength),
                1.0,
            )
    scene.AddNode(table)
    return table


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


def add_legend(node, title: str, names: bool = False, number_format: str = "%.0f"):
    """Add a colour legend to a volume's views: numbers, or with `names` the colours' names."""
    legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(node.GetDisplayNode())
    legend.SetTitleText(title)
    legend.SetUseColorNamesForLabels(names)
    legend.SetLabelFormat("%s" if names else number_format)
    if names:
        colors = node.GetDisplayNode().GetColorNode().GetNumberOfColors()
        legend.SetMaxNumberOfColors(colors)
        legend.SetNumberOfLabels(colors)
    return legend


def _new_table(name: str, colors: int):
    table = slicer.vtkMRMLColorTableNode()
    table.SetName(name)
    table.SetTypeToUser()
    table.SetNumberOfColors(colors)
    table.SetHideFromEditors(False)  # a hidden table is not saved with the scene
    return table
