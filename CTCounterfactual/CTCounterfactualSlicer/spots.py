"""From a point that a user placed to the place that a method asks about."""

from __future__ import annotations

from collections.abc import Callable

import slicer
import vtk

from CTCounterfactualLib.errors import SettingsError

POINTS = "vtkMRMLMarkupsFiducialNode"
NAME = "Spot"


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


def place_point(scene, placed: Callable[[], None]) -> Callable[[], None]:
    """Let the user's next click in a view place a point; call `placed` when that is done.

    The point goes into a list of its own, in place of the one before.

    Returns
    -------
    callable
        Gives up waiting; fine to call when the point is there.
    """
    node = scene.GetFirstNodeByName(NAME)
    if node is None:
        node = scene.AddNewNodeByClass(POINTS, NAME)
        node.CreateDefaultDisplayNodes()
    node.RemoveAllControlPoints()
    selection = scene.GetFirstNodeByClass("vtkMRMLSelectionNode")
    interaction = scene.GetFirstNodeByClass("vtkMRMLInteractionNode")
    if selection is None or interaction is None:
        raise SettingsError("This scene has no views to click in.")
    tags: list[int] = []

    def stop() -> None:
        while tags:
            node.RemoveObserver(tags.pop())
        interaction.SwitchToViewTransformMode()

    def look(*_) -> None:
        stop()
        placed()

    tags.append(node.AddObserver(node.PointPositionDefinedEvent, look))
    selection.SetReferenceActivePlaceNodeClassName(POINTS)
    selection.SetActivePlaceNodeID(node.GetID())
    interaction.SwitchToSinglePlaceMode()
    return stop


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
