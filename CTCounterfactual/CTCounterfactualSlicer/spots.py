"""From a point that a user placed to the place that a method asks about."""

from __future__ import annotations

import slicer
import vtk

from CTCounterfactualLib.errors import SettingsError

POINTS = "vtkMRMLMarkupsFiducialNode"


def last_point(scene, volume) -> str:
    """Return where the point lies that was placed last: "R,A,S" in the volume's own space, mm.

    That is before the volume's parent transform, as results and slabs are counted.

    Raises
    ------
    SettingsError
        If the scene has no point.
    """
    for number in reversed(range(scene.GetNumberOfNodesByClass(POINTS))):
        node = scene.GetNthNodeByClass(number, POINTS)
        if node.GetNumberOfDefinedControlPoints() > 0:
            return point_of(node, volume)
    raise SettingsError(
        "There is no point yet. Place one in a slice view (Markups, Point List), then try again."
    )


def point_of(node, volume) -> str:
    """Return where the last defined point of a Markups node lies; see `last_point`."""
    defined = [
        number
        for number in range(node.GetNumberOfControlPoints())
        if node.GetNthControlPointPositionStatus(number) == node.PositionDefined
    ]
    world = [0.0, 0.0, 0.0]
    node.GetNthControlPointPositionWorld(defined[-1], world)
    to_volume = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(
        None, volume.GetParentTransformNode(), to_volume
    )
    return ",".join(f"{mm + 0.0:.1f}" for mm in to_volume.TransformPoint(world))
