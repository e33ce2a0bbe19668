"""Colour legends: of a change or a map in numbers, of labels by name, from most to least."""

from __future__ import annotations

from collections.abc import Iterator

from ..mrml import slicer
from .colors import legend_table

# Shares of a view. Slicer fits the text to them: narrower ones have letters of 2 to 5 pixels.
NUMBERS_SIZE, NAMES_SIZE = (0.16, 0.5), (0.32, 0.6)
POSITION = (0.98, 0.6)
FONT_SIZE = 14
LEGEND_NODE = "vtkMRMLColorLegendDisplayNode"


def add_legend(node, title: str, number_format: str = "%.0f"):
    """Add a legend in numbers to a scalar volume: its colours over its window."""
    legend = _new_legend(node, title, NUMBERS_SIZE)
    legend.SetUseColorNamesForLabels(False)
    legend.SetLabelFormat(number_format)
    return legend


def add_label_legend(node, title: str):
    """Add a legend by names to a label map; of levels from the most rise down to the most fall.

    Slicer draws a legend in the order of its display's colours, and those of a label map are in
    the order of its labels. So the legend of levels has a display of its own, which draws nothing.
    """
    table = node.GetDisplayNode().GetColorNode()
    ordered = legend_table(table)
    legend = _new_legend(node, title, NAMES_SIZE)
    if ordered is not None:
        table = ordered
        display = slicer.vtkMRMLLabelMapVolumeDisplayNode()
        display.SetName(f"{node.GetName()} legend")
        display.SetHideFromEditors(True)
        node.GetScene().AddNode(display)
        display.SetAndObserveColorNodeID(table.GetID())
        # Last: a volume is drawn as its first display says.
        node.AddAndObserveDisplayNodeID(display.GetID())
        legend.SetAndObservePrimaryDisplayNode(display)
    legend.SetUseColorNamesForLabels(True)
    legend.SetLabelFormat("%s")
    legend.SetMaxNumberOfColors(table.GetNumberOfColors())
    legend.SetNumberOfLabels(table.GetNumberOfColors())
    return legend


def legend_of(node):
    """Return the legend of a volume node, or None."""
    return next(_legends_of(node), None)


def _legends_of(node) -> Iterator:
    for number in range(node.GetNumberOfDisplayNodes()):
        display = node.GetNthDisplayNode(number)
        if display is not None and display.IsA(LEGEND_NODE):
            yield display


def _new_legend(node, title: str, size: tuple[float, float]):
    legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(node.GetDisplayNode())
    legend.SetTitleText(title)
    legend.SetSize(*size)
    legend.SetPosition(*POSITION)
    for text in (legend.GetTitleTextProperty(), legend.GetLabelTextProperty()):
        text.SetFontSize(FONT_SIZE)
    return legend
