"""What all slice views show: one function decides, whatever was clicked or has come.

Views are told apart by name. Those of the comparison show a part of the result each. The user's own
show the scan, or a counterfactual of it if they do already, with the heatmap over it; while
one that is seen shows the scan, those with another volume are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...scans.modality import UNIT_OF_CT
from ..make import legends, provenance, roles, volumes
from ..make.heatmaps import LEGEND_TITLE
from ..make.nodes import SceneNodes
from . import layouts
from .pictures import (
    OVERLAY_OPACITY,
    SCAN,
    AnyNodes,
    Picture,
    one_each,
    show,
    side_by_side,
)

LABELS = (roles.HEATMAP, roles.CHUNK_HEATMAP, roles.PART)
OVERLAYS = (roles.CHANGE, roles.MAP)
# Set on a scan that has had its lung window: from then on the window is the user's.
WINDOWED = "lungWindow"


@dataclass(frozen=True)
class Look:
    """What is to be seen.

    Parameters
    ----------
    scan : vtkMRMLScalarVolumeNode
        What is explained.
    nodes : SceneNodes, MapNodes or None
        The result that is shown; None while it is being made.
    heatmap : vtkMRMLLabelMapVolumeNode or None
        Labels over the scan, of a chunk or of all; None shows none.
    results : sequence of SceneNodes or MapNodes
        Those that are compared with each other.
    opacity : float
        Of what lies over the scan, 0..1.
    played : bool
        Whether the counterfactual's view plays the way to it.
    """

    scan: Any
    nodes: AnyNodes | None = None
    heatmap: Any = None
    results: Sequence[AnyNodes] = ()
    opacity: float = OVERLAY_OPACITY
    played: bool = False


def stage(scene, application, look: Look) -> None:
    """Give every slice view the layers, opacity and title that it should have, and its legends.

    Parameters
    ----------
    application : vtkMRMLApplicationLogic
        Has the views' logics, to fit a scan into views that showed something else.
    """
    if look.heatmap is not None and legends.legend_of(look.heatmap) is None:
        _add_missing_legend(look)
    own = _own_pictures(look)
    elsewhere = not any(_shows_it(scene, each, look.scan) for each in _seen(scene))
    for composite in composites(scene):
        name = composite.GetLayoutName()
        if name in own:
            show(scene, composite, own[name], look.opacity)
        elif name not in (*layouts.SLICE_VIEWS, *layouts.RESULT_VIEWS):
            _stage_users(scene, application, composite, look, elsewhere)


def open_in_lung_window(scan) -> None:
    """Show a CT in a lung window, once: what the user makes of it later stays."""
    if provenance.get_attribute(scan, WINDOWED) is None:
        provenance.set_attributes(scan, **{WINDOWED: "true"})
        if scan.GetDisplayNode() is not None:
            volumes.set_window(scan, volumes.LUNG_WINDOW_HU, volumes.LUNG_LEVEL_HU)


def composites(scene) -> Iterator:
    """Yield the nodes that say which layers each slice view has."""
    for number in range(scene.GetNumberOfNodesByClass("vtkMRMLSliceCompositeNode")):
        yield scene.GetNthNodeByClass(number, "vtkMRMLSliceCompositeNode")


def _own_pictures(look: Look) -> dict[str, Picture]:
    """Return what the views of comparisons show, by their names."""
    if look.nodes is None:
        if look.heatmap is None:
            return {}
        running = Picture(look.scan, label=look.heatmap)
        return {layouts.SCAN_VIEW: Picture(look.scan, title=SCAN), layouts.CHANGE_VIEW: running}
    scan, result, where = side_by_side(look.nodes)
    if look.heatmap is not None:
        where = Picture(look.scan, label=look.heatmap, title=where.title)
    if look.played and isinstance(look.nodes, SceneNodes) and look.nodes.animation:
        # It covers only what changes; around it the scan shows, which is the same there.
        result = replace(
            result, background=look.scan, foreground=look.nodes.animation.proxy, opaque=True
        )
    own = dict(zip(layouts.SLICE_VIEWS, (scan, result, where), strict=True))
    if look.results:
        own |= dict(zip(layouts.RESULT_VIEWS, one_each(look.results)[1:], strict=False))
    return own


def _stage_users(scene, application, composite, look: Look, elsewhere: bool) -> None:
    """Lay the heatmap over one of the user's own views, or take it away, and nothing else."""
    label = scene.GetNodeByID(composite.GetLabelVolumeID() or "")
    if not _shows_it(scene, composite, look.scan):
        if not (elsewhere and look.heatmap is not None):
            return
        show(scene, composite, Picture(look.scan, label=look.heatmap), look.opacity)
        _fit(scene, application, composite)
        return
    if look.heatmap is not None:
        label = look.heatmap
    elif is_ours(label, LABELS) and scan_of(label) is look.scan:
        label = None
    foreground = scene.GetNodeByID(composite.GetForegroundVolumeID() or "")
    picture = Picture(scene.GetNodeByID(composite.GetBackgroundVolumeID()), foreground, label)
    mine = foreground is None or is_ours(foreground, OVERLAYS)
    opacity = look.opacity if mine else composite.GetForegroundOpacity()
    show(scene, composite, picture, opacity)


def _shows_it(scene, composite, scan) -> bool:
    """Whether a view's background is a scan or a counterfactual of it."""
    background = scene.GetNodeByID(composite.GetBackgroundVolumeID() or "")
    if background is None:
        return False
    return background is scan or (
        is_ours(background, (roles.COUNTERFACTUAL,)) and scan_of(background) is scan
    )


def _seen(scene) -> Iterator:
    """Yield the layers of the views that the layout has; of all where none says so."""
    every = list(composites(scene))
    mapped = []
    for composite in every:
        view = scene.GetSingletonNode(composite.GetLayoutName(), "vtkMRMLSliceNode")
        if view is not None and view.IsMappedInLayout():
            mapped.append(composite)
    yield from mapped or every


def _fit(scene, application, composite) -> None:
    view = scene.GetSingletonNode(composite.GetLayoutName(), "vtkMRMLSliceNode")
    logic = None if view is None else application.GetSliceLogic(view)
    if logic is not None:
        logic.FitSliceToBackground()


def _add_missing_legend(look: Look) -> None:
    """Give labels a legend: chunks have none, there would be too many."""
    heatmap = look.heatmap
    known = None if look.nodes is None else legends.legend_of(look.nodes.heatmap)
    title = LEGEND_TITLE.format(unit=UNIT_OF_CT) if known is None else known.GetTitleText()
    legend = legends.add_label_legend(heatmap, title)
    legend.SetSaveWithScene(heatmap.GetSaveWithScene())
    legend.GetPrimaryDisplayNode().SetSaveWithScene(heatmap.GetSaveWithScene())


def is_ours(node, wanted: Sequence[str]) -> bool:
    """Tell whether a node has one of these roles."""
    return node is not None and provenance.get_attribute(node, provenance.ROLE) in wanted


def scan_of(node):
    """Return the scan that a node of a result is about."""
    return node.GetNodeReference(provenance.INPUT_REFERENCE)
