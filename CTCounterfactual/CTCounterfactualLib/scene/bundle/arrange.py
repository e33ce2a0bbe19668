"""How a bundle opens in Slicer: four linked pictures of one slice, at the largest change."""

from __future__ import annotations

from ..look.jump import find_focus
from ..look.pictures import AnyNodes
from ..look.views import VIEWS, arrangement, show_layers
from ..make.nodes import SceneNodes
from ..mrml import slicer
from .headless import HeadlessScene

# Pixels along the side of a view that no window has sized yet.
VIEW_SIZE = 512


def arrange_headless(headless: HeadlessScene, nodes: AnyNodes) -> None:
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
    focus = find_focus(nodes.focus)
    for logic in headless.slices.values():
        logic.FitSliceToBackground()
        logic.GetSliceNode().JumpSliceByOffsetting(*focus)


def _fill_chart_and_table(scene, nodes: AnyNodes) -> None:
    chart = nodes.chart if isinstance(nodes, SceneNodes) else None
    selection = scene.GetFirstNodeByClass("vtkMRMLSelectionNode")
    selection.SetActiveVolumeID(nodes.scan.GetID())
    selection.SetActiveTableID(nodes.score_table.GetID())
    table_view = scene.GetFirstNodeByClass("vtkMRMLTableViewNode")
    table_view.SetTableNodeID(nodes.score_table.GetID())
    if chart is not None:
        selection.SetActivePlotChartID(chart.GetID())
        scene.GetFirstNodeByClass("vtkMRMLPlotViewNode").SetPlotChartNodeID(chart.GetID())
