"""Comparing: scan, counterfactual and change side by side, heatmaps on and off, the change played.

Views are told apart by name; those of Slicer's own layouts keep what they show, except that a
heatmap is laid over each view of the scan or of the counterfactual when it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ..make import provenance, roles
from ..make.nodes import SceneNodes
from . import layouts
from .jump import find_focus, jump
from .pictures import (
    OVERLAY_OPACITY,
    AnyNodes,
    Picture,
    let_legends_follow,
    one_each,
    show,
    side_by_side,
)

_LABELS = (roles.HEATMAP, roles.CHUNK_HEATMAP, roles.PART)
_OVERLAYS = (roles.CHANGE, roles.MAP)
# The views to compare with stay free of overlays.
_PLAIN_VIEWS = (layouts.SCAN_VIEW, layouts.COUNTERFACTUAL_VIEW, *layouts.RESULT_VIEWS)


def show_comparison(
    scene, application, nodes: AnyNodes, orientation: str = "Axial", more: bool = False
) -> int:
    """Switch to the layout scan | counterfactual | change, linked, at the largest change.

    Of a map: scan | its first part or its levels | the map, where it is strongest.

    Parameters
    ----------
    application : vtkMRMLApplicationLogic
        `slicer.app.applicationLogic()`, or a headless scene's `application`.
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
        If the scene has no layout (none was ever shown).
    """
    before = _switch(scene, layouts.COMPARE_MORE if more else layouts.COMPARE)
    fill_comparison(scene, nodes)
    set_orientation(scene, application, orientation)
    jump(scene, find_focus(nodes.focus))
    return before


def show_results(
    scene, application, results: Sequence[AnyNodes], orientation: str = "Axial"
) -> int:
    """Switch to the scan and one view for each result, linked: its change or map over the scan.

    Parameters
    ----------
    results : sequence of SceneNodes or MapNodes
        Of one scan; the last `layouts.MOST_RESULTS` are shown. The first of these says where.

    Returns
    -------
    int
        The layout that was shown before.

    Raises
    ------
    LookupError
        If there is no result, or the scene has no layout.
    """
    if not results:
        raise LookupError("There is no result to compare: explain the scan first.")
    kept = tuple(results)[-layouts.MOST_RESULTS :]
    before = _switch(scene, layouts.compare_results(len(kept)))
    views = (layouts.SCAN_VIEW, *layouts.RESULT_VIEWS)
    _fill_slices(scene, dict(zip(views, one_each(kept), strict=False)))
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


def fill_comparison(scene, nodes: AnyNodes) -> None:
    """Put the volumes, the table, the chart and the surfaces of a set into the views that exist."""
    _fill_slices(scene, dict(zip(layouts.SLICE_VIEWS, side_by_side(nodes), strict=True)))
    _fill_others(scene, nodes)


def _fill_slices(scene, shown: dict[str, Picture]) -> None:
    for composite in _composites(scene):
        if composite.GetLayoutName() in shown:
            show(scene, composite, shown[composite.GetLayoutName()])


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


def show_chunk_heatmap(scene, heatmap) -> None:
    """Lay one heatmap, a chunk's or the combined one, over the views instead of any other."""
    set_heatmap_visible(scene, heatmap, True)


def set_heatmap_visible(scene, heatmap, visible: bool) -> None:
    """Show a heatmap over the scan's views, or hide every heatmap of that scan.

    In the comparison it takes the place of the change in HU, which comes back when it is hidden.
    """
    scan = heatmap.GetNodeReference(provenance.INPUT_REFERENCE)
    for composite in _composites(scene):
        if not visible:
            shown = scene.GetNodeByID(composite.GetLabelVolumeID() or "")
            lies_there = composite.GetLayoutName() not in _PLAIN_VIEWS and _is_labels(shown)
            if lies_there and shown.GetNodeReference(provenance.INPUT_REFERENCE) is scan:
                composite.SetLabelVolumeID(None)
                let_legends_follow(composite)
        elif _overlays(scene, composite, scan):
            composite.SetLabelVolumeID(heatmap.GetID())
            let_legends_follow(composite)
        if composite.GetLayoutName() == layouts.CHANGE_VIEW:
            composite.SetForegroundOpacity(0.0 if visible else OVERLAY_OPACITY)


def set_heatmap_opacity(scene, opacity: float) -> None:
    """Set how opaque heatmaps are, 0 to 1, in each view that shows one.

    The labels' colours carry an opacity of their own, weak to strong: this scales it.
    """
    for composite in _composites(scene):
        if _is_labels(scene.GetNodeByID(composite.GetLabelVolumeID() or "")):
            composite.SetLabelOpacity(opacity)


def set_change_opacity(scene, opacity: float) -> None:
    """Set how opaque changes in HU and maps are, 0 to 1, in each view that shows one."""
    for composite in _composites(scene):
        shown = scene.GetNodeByID(composite.GetForegroundVolumeID() or "")
        if shown is not None and _role(shown) in _OVERLAYS:
            composite.SetForegroundOpacity(opacity)


def show_animation(scene, nodes: SceneNodes, visible: bool) -> None:
    """Let the counterfactual's view play the change, or show the counterfactual itself again.

    The animation covers only what changes; around it the scan shows, which is the same there.
    """
    for composite in _composites(scene):
        if composite.GetLayoutName() != layouts.COUNTERFACTUAL_VIEW:
            continue
        played = nodes.animation.proxy if visible and nodes.animation else None
        background = nodes.scan if played else nodes.counterfactual
        composite.SetLinkedControl(False)
        composite.SetBackgroundVolumeID(background.GetID())
        composite.SetForegroundVolumeID(played.GetID() if played else None)
        composite.SetForegroundOpacity(1.0 if played else 0.0)
        composite.SetLinkedControl(True)


def _fill_others(scene, nodes: AnyNodes) -> None:
    table = scene.GetSingletonNode(layouts.OTHER_VIEW, "vtkMRMLTableViewNode")
    if table is not None:
        table.SetTableNodeID(nodes.table.GetID())
    plot = scene.GetSingletonNode(layouts.OTHER_VIEW, "vtkMRMLPlotViewNode")
    chart = nodes.chart if isinstance(nodes, SceneNodes) else None
    if plot is not None and chart is not None:
        plot.SetPlotChartNodeID(chart.GetID())


def _composites(scene) -> Iterator:
    for number in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
        yield scene.GetNthNodeByClass(number, "vtkMRMLSliceCompositeNode")


def _overlays(scene, composite, scan) -> bool:
    """Whether a view shows the scan, or a counterfactual of it, and is not kept plain."""
    background = scene.GetNodeByID(composite.GetBackgroundVolumeID() or "")
    if background is None or composite.GetLayoutName() in _PLAIN_VIEWS:
        return False
    is_result = _role(background) == roles.COUNTERFACTUAL
    shown = background.GetNodeReference(provenance.INPUT_REFERENCE) if is_result else background
    return shown is scan


def _is_labels(node) -> bool:
    return node is not None and _role(node) in _LABELS


def _role(node) -> str | None:
    return provenance.get_attribute(node, provenance.ROLE)
