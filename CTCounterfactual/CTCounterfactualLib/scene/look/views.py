"""What the slice views show of an explanation: four linked pictures."""

from __future__ import annotations

from ..mrml import slicer
from .pictures import AnyNodes, Picture, show, side_by_side

# The names of the views in Slicer's "two over two" layout, in reading order.
VIEWS = ("Red", "Slice4", "Green", "Yellow")


def show_layers(scene, nodes: AnyNodes) -> None:
    """Show scan, what came of it, where, and the heatmap in the views that there are.

    Works on the slice views that exist: in Slicer, choose the layout first (`arrangement`).
    """
    shown = dict(zip(VIEWS, four_pictures(nodes), strict=True))
    for number in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
        composite = scene.GetNthNodeByClass(number, "vtkMRMLSliceCompositeNode")
        picture = shown.get(composite.GetLayoutName())
        if picture is not None:
            show(scene, composite, picture)


def four_pictures(nodes: AnyNodes) -> tuple[Picture, ...]:
    """Return the pictures of the four views; their corners keep Slicer's own letters."""
    three = [Picture(one.background, one.foreground, one.label) for one in side_by_side(nodes)]
    return (*three, Picture(nodes.scan, label=nodes.heatmap))


def arrangement() -> int:
    """Return the number of the layout that `VIEWS` names."""
    return slicer.vtkMRMLLayoutNode.SlicerLayoutTwoOverTwoView
