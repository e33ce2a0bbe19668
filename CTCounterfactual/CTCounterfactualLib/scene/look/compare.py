"""Comparing: scan, counterfactual and change side by side, or several results of a scan."""

from __future__ import annotations

from dataclasses import replace

from ..make.nodes import SceneNodes
from . import layouts
from .jump import find_focus, jump
from .pictures import AnyNodes
from .stage import Look, stage


def show_comparison(
    scene, application, look: Look | None, orientation: str = "Axial", more: bool = False
) -> int:
    """Switch to the layout scan | counterfactual | change, linked, at the largest change.

    Of a map: scan | its first part or its levels | the map, where it is strongest.

    Parameters
    ----------
    application : vtkMRMLApplicationLogic
        `slicer.app.applicationLogic()`, or a headless scene's `application`.
    look : Look
        The result, and what else is to be seen.
    orientation : str
        Axial, Coronal or Sagittal, for all three views.
    more : bool
        Below them a 3D view, the table of the chunks and the chart of where the evidence is.

    Returns
    -------
    int
        The layout that was shown before, for `SetViewArrangement` to go back to.

    Raises
    ------
    LookupError
        If there is no result, or the scene has no layout (none was ever shown).
    """
    if look is None or look.nodes is None:
        raise LookupError("There is no result to compare yet.")
    nodes = look.nodes
    before = _switch(scene, layouts.COMPARE_MORE if more else layouts.COMPARE)
    stage(scene, application, look)
    _fill_others(scene, nodes)
    set_orientation(scene, application, orientation)
    jump(scene, find_focus(nodes.focus))
    return before


def show_results(scene, application, look: Look | None, orientation: str = "Axial") -> int:
    """Switch to the scan and one view for each result, linked: its change or map over the scan.

    Parameters
    ----------
    look : Look
        With `results` of one scan; the last `layouts.MOST_RESULTS` are shown. The first of these
        says where.

    Returns
    -------
    int
        The layout that was shown before.

    Raises
    ------
    LookupError
        If there is no result, or the scene has no layout.
    """
    if look is None or not look.results:
        raise LookupError("There is no result to compare: explain the scan first.")
    kept = tuple(look.results)[-layouts.MOST_RESULTS :]
    before = _switch(scene, layouts.compare_results(len(kept)))
    stage(scene, application, replace(look, results=kept))
    set_orientation(scene, application, orientation)
    jump(scene, find_focus(kept[0].focus))
    return before


def _switch(scene, number: int) -> int:
    """Show a layout; return the number of the one before."""
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    if layout is None:
        raise LookupError("The scene has no layout node: there are no views to compare in.")
    before = layout.GetViewArrangement()
    layouts.register_layouts(layout)
    layout.SetViewArrangement(number)
    return before


def set_orientation(scene, application, orientation: str) -> None:
    """Turn the views of a comparison to Axial, Coronal or Sagittal, and fit the scan into each."""
    for name in (*layouts.SLICE_VIEWS, *layouts.RESULT_VIEWS):
        view = scene.GetSingletonNode(name, "vtkMRMLSliceNode")
        if view is None:
            continue
        view.SetOrientation(orientation)
        logic = application.GetSliceLogic(view)
        if logic is not None:
            logic.FitSliceToBackground()


def _fill_others(scene, nodes: AnyNodes) -> None:
    table = scene.GetSingletonNode(layouts.OTHER_VIEW, "vtkMRMLTableViewNode")
    if table is not None:
        table.SetTableNodeID(nodes.table.GetID())
    plot = scene.GetSingletonNode(layouts.OTHER_VIEW, "vtkMRMLPlotViewNode")
    chart = nodes.chart if isinstance(nodes, SceneNodes) else None
    if plot is not None and chart is not None:
        plot.SetPlotChartNodeID(chart.GetID())
