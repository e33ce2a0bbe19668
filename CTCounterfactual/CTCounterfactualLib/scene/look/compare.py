"""Comparing: scan, counterfactual and change side by side, heatmaps on and off, the change played.

Views are told apart by name; those of Slicer's own layouts keep what they show, except that a
heatmap is laid over each view of the scan or of the counterfactual when it is shown.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..make import provenance, roles
from ..make.nodes import SceneNodes
from . import layouts
from .jump import find_focus, jump

# Blends the change over the scan so that the anatomy below stays readable.
CHANGE_OPACITY = 0.6
# The colours of the labels carry their own opacity, weak to strong.
LABEL_OPACITY = 1.0
_HEATMAPS = (roles.HEATMAP, roles.CHUNK_HEATMAP)
# The views to compare with stay free of overlays.
_PLAIN_VIEWS = (layouts.SCAN_VIEW, layouts.COUNTERFACTUAL_VIEW)


def show_comparison(
    scene, application, nodes: SceneNodes, orientation: str = "Axial", more: bool = False
) -> int:
    """Switch to the layout scan | counterfactual | change, linked, at the largest change.

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
    layout = scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    if layout is None:
        raise LookupError("The scene has no layout node: there are no views to compare in.")
    before = layout.GetViewArrangement()
    layouts.register_layouts(layout)
    layout.SetViewArrangement(layouts.COMPARE_MORE if more else layouts.COMPARE)
    fill_comparison(scene, nodes)
    set_orientation(scene, application, orientation)
    jump(scene, find_focus(nodes.heatmap))
    return before


def fill_comparison(scene, nodes: SceneNodes) -> None:
    """Put the volumes, the table, the chart and the surfaces of a set into the views that exist."""
    shown = {
        layouts.SCAN_VIEW: (nodes.scan, None),
        layouts.COUNTERFACTUAL_VIEW: (nodes.counterfactual, None),
        layouts.CHANGE_VIEW: (nodes.scan, nodes.change),
    }
    for composite in _composites(scene):
        if composite.GetLayoutName() not in shown:
            continue
        background, foreground = shown[composite.GetLayoutName()]
        composite.SetLinkedControl(False)  # each view gets volumes of its own
        composite.SetBackgroundVolumeID(background.GetID())
        composite.SetForegroundVolumeID(foreground.GetID() if foreground else None)
        composite.SetForegroundOpacity(CHANGE_OPACITY if foreground else 0.0)
        composite.SetLabelVolumeID(None)
        composite.SetLinkedControl(True)
    _fill_others(scene, nodes)


def set_orientation(scene, application, orientation: str) -> None:
    """Turn the three views to Axial, Coronal or Sagittal, and fit the scan into each."""
    for name in layouts.SLICE_VIEWS:
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
            if _is_heatmap(shown) and shown.GetNodeReference(provenance.INPUT_REFERENCE) is scan:
                composite.SetLabelVolumeID(None)
        elif _overlays(scene, composite, scan):
            composite.SetLabelVolumeID(heatmap.GetID())
        if composite.GetLayoutName() == layouts.CHANGE_VIEW:
            composite.SetForegroundOpacity(0.0 if visible else CHANGE_OPACITY)


def set_heatmap_opacity(scene, opacity: float) -> None:
    """Set how opaque heatmaps are, 0 to 1, in each view that shows one.

    The labels' colours carry an opacity of their own, weak to strong: this scales it.
    """
    for composite in _composites(scene):
        if _is_heatmap(scene.GetNodeByID(composite.GetLabelVolumeID() or "")):
            composite.SetLabelOpacity(opacity)


def set_change_opacity(scene, opacity: float) -> None:
    """Set how opaque the change in HU is, 0 to 1, in each view that shows it over the scan."""
    for composite in _composites(scene):
        shown = scene.GetNodeByID(composite.GetForegroundVolumeID() or "")
        if shown is not None and _role(shown) == roles.CHANGE:
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


def _fill_others(scene, nodes: SceneNodes) -> None:
    table = scene.GetSingletonNode(layouts.OTHER_VIEW, "vtkMRMLTableViewNode")
    if table is not None:
        table.SetTableNodeID((nodes.chunk_table or nodes.score_table).GetID())
    plot = scene.GetSingletonNode(layouts.OTHER_VIEW, "vtkMRMLPlotViewNode")
    chart = nodes.evidence_chart or nodes.path_chart
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


def _is_heatmap(node) -> bool:
    return node is not None and _role(node) in _HEATMAPS


def _role(node) -> str | None:
    return provenance.get_attribute(node, provenance.ROLE)
