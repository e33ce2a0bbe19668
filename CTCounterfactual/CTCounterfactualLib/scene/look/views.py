"""What the slice views show of an explanation: four linked pictures."""

from __future__ import annotations

from dataclasses import dataclass

from ..make.nodes import SceneNodes
from ..mrml import slicer
from .compare import CHANGE_OPACITY, LABEL_OPACITY


@dataclass(frozen=True)
class Layers:
    """What one slice view shows: names of fields of `SceneNodes`, empty for nothing."""

    background: str
    foreground: str = ""
    label: str = ""


# By the names of the views in Slicer's "two over two" layout, in reading order.
VIEWS = {
    "Red": Layers("scan"),
    "Slice4": Layers("counterfactual"),
    "Green": Layers("scan", foreground="change"),
    "Yellow": Layers("scan", label="heatmap"),
}


def show_layers(scene, nodes: SceneNodes) -> None:
    """Show scan, counterfactual, change and heatmap side by side in the views that there are.

    Works on the slice views that exist: in Slicer, choose the layout first (`arrangement`).
    """
    for number in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
        composite = scene.GetNthNodeByClass(number, "vtkMRMLSliceCompositeNode")
        layers = VIEWS.get(composite.GetLayoutName())
        if layers is None:
            continue
        composite.SetBackgroundVolumeID(_node_id(nodes, layers.background))
        composite.SetForegroundVolumeID(_node_id(nodes, layers.foreground))
        composite.SetLabelVolumeID(_node_id(nodes, layers.label))
        composite.SetForegroundOpacity(CHANGE_OPACITY if layers.foreground else 0.0)
        composite.SetLabelOpacity(LABEL_OPACITY)
        composite.SetLinkedControl(True)


def arrangement() -> int:
    """Return the number of the layout that `VIEWS` names."""
    return slicer.vtkMRMLLayoutNode.SlicerLayoutTwoOverTwoView


def _node_id(nodes: SceneNodes, role: str) -> str | None:
    return getattr(nodes, role).GetID() if role else None
