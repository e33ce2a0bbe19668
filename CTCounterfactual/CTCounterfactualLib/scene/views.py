"""How an explanation is looked at: four linked pictures of one slice, at the largest change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from . import volumes
from .headless import HeadlessScene
from .mrml import slicer, vtk
from .nodes import SceneNodes

# Blends the change over the scan so that the anatomy below stays readable.
CHANGE_OPACITY = 0.6
# The colours of the labels carry their own opacity, weak to strong.
LABEL_OPACITY = 1.0
# Pixels along the side of a view that no window has sized yet.
VIEW_SIZE = 512


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


def find_focus(heatmap) -> tuple[float, float, float]:
    """Return the RAS position (mm, world) of a changed voxel in the slice with most of them.

    It is the labelled voxel nearest to the middle of that slice's labels; the middle of the volume
    where nothing is labelled. "World" is after the node's parent transform.
    """
    labels = slicer.util.arrayFromVolume(heatmap)  # (K, J, I)
    counts = [np.count_nonzero(plane) for plane in labels]
    k = int(np.argmax(counts))
    if counts[k]:
        places = np.argwhere(labels[k])  # (n, 2): J, I
        middle = places.mean(axis=0)
        j, i = places[np.argmin(((places - middle) ** 2).sum(axis=1))]
    else:
        k, j, i = ((n - 1) / 2 for n in labels.shape)
    ras = volumes.ijk_to_ras(heatmap) @ [i, j, k, 1.0]
    to_world = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(
        heatmap.GetParentTransformNode(), None, to_world
    )
    return to_world.TransformPoint(ras[:3].tolist())


def arrange_headless(headless: HeadlessScene, nodes: SceneNodes) -> None:
    """Lay a headless scene out so that it opens in Slicer with the four pictures.

    The chart and table views get their contents too, for whoever switches to such a layout.
    """
    scene = headless.scene
    layouts = slicer.vtkMRMLLayoutLogic()
    layouts.SetMRMLApplicationLogic(headless.application)
    layouts.SetMRMLScene(scene)
    headless.logics.append(layouts)
    with_plots = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotTableView
    for layout in (with_plots, arrangement()):  # each makes the view nodes it needs
        layouts.GetLayoutNode().SetViewArrangement(layout)
    _fill_chart_and_table(scene, nodes)
    for name in VIEWS:
        node = scene.GetSingletonNode(name, "vtkMRMLSliceNode")
        node.SetOrientation("Axial")
        headless.add_slice_logic(node, VIEW_SIZE)
    show_layers(scene, nodes)
    focus = find_focus(nodes.heatmap)
    for logic in headless.slices.values():
        logic.FitSliceToBackground()
        logic.GetSliceNode().JumpSliceByOffsetting(*focus)


def _fill_chart_and_table(scene, nodes: SceneNodes) -> None:
    chart = nodes.evidence_chart or nodes.path_chart
    selection = scene.GetFirstNodeByClass("vtkMRMLSelectionNode")
    selection.SetActiveVolumeID(nodes.scan.GetID())
    selection.SetActiveTableID(nodes.score_table.GetID())
    table_view = scene.GetFirstNodeByClass("vtkMRMLTableViewNode")
    table_view.SetTableNodeID(nodes.score_table.GetID())
    if chart is not None:
        selection.SetActivePlotChartID(chart.GetID())
        scene.GetFirstNodeByClass("vtkMRMLPlotViewNode").SetPlotChartNodeID(chart.GetID())


def _node_id(nodes: SceneNodes, role: str) -> str | None:
    return getattr(nodes, role).GetID() if role else None
