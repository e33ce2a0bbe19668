"""How an explanation is looked at: four linked pictures of one slice, at the largest change."""

from __future__ import annotations

from dataclasses import dataclass

from .compare import CHANGE_OPACITY, LABEL_OPACITY
from .headless import HeadlessScene
from .jump import find_focus
from .mrml import slicer
from .nodes import SceneNodes

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


def arrange_headless(headless: HeadlessScene, nodes: SceneNodes) -> None:
    """Lay a headless scene out so that it opens in Slicer with the four pictures.

    The chart and table views get their contents too, for whoever switches to such a layout.
    """
    scene = headless.scene
    layout_node = headless.add_layouts()
    with_plots = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpPlotTableView
    for layout in (with_plots, arrangement()):  # each makes the view nodes it needs
        layout_node.SetViewArrangement(layout)
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
