"""Which volumes a view shows of a result: a background, and what lies over it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..make import provenance, volumes
from ..make.nodes import MapNodes, SceneNodes
from ..mrml import slicer

# Blends what lies over the scan so that the anatomy below stays readable.
OVERLAY_OPACITY = 0.6
# The colours of labels carry their own opacity, weak to strong.
LABEL_OPACITY = 1.0
# Corner texts of the views.
SCAN, COUNTERFACTUAL = "Scan", "CF"
# Of a scan whose numbers are no HU.
NO_UNIT = "Diff"
AnyNodes = SceneNodes | MapNodes


@dataclass(frozen=True)
class Picture:
    """What one slice view shows.

    Parameters
    ----------
    background : vtkMRMLScalarVolumeNode
        The scan, or a counterfactual of it.
    foreground : vtkMRMLScalarVolumeNode or None
        What is blended over it.
    label : vtkMRMLLabelMapVolumeNode or None
        Labels over both.
    title : str
        Text in the view's corner; empty: as it is.
    opaque : bool
        Whether the foreground hides what is below.
    """

    background: slicer.vtkMRMLScalarVolumeNode
    foreground: slicer.vtkMRMLScalarVolumeNode | None = None
    label: slicer.vtkMRMLLabelMapVolumeNode | None = None
    title: str = ""
    opaque: bool = False


def side_by_side(nodes: AnyNodes) -> tuple[Picture, Picture, Picture]:
    """Return the pictures of one result: the scan, what came of it, and where.

    Of a counterfactual that is the changed scan and the change in HU; of a map its first part (such
    as the sufficient explanation), or its labels, and the map.
    """
    scan = Picture(nodes.scan, title=SCAN)
    if isinstance(nodes, SceneNodes):
        changed = Picture(nodes.counterfactual, title=COUNTERFACTUAL)
        title = volumes.unit_words(nodes.change) or NO_UNIT
        return scan, changed, Picture(nodes.scan, nodes.change, title=title)
    part = nodes.focus
    name = provenance.get_attribute(part, "part") or "levels"
    method = provenance.get_attribute(nodes.map, provenance.METHOD) or ""
    return (
        scan,
        Picture(nodes.scan, label=part, title=name),
        Picture(nodes.scan, nodes.map, title=method),
    )


def one_each(results: Sequence[AnyNodes]) -> tuple[Picture, ...]:
    """Return the scan, then each result's change or map over it, titled by its method."""
    return (
        Picture(results[0].scan, title=SCAN),
        *(Picture(nodes.scan, nodes.overlay, title=_title(nodes)) for nodes in results),
    )


def show(scene, composite, picture: Picture, opacity: float | None = None) -> None:
    """Let a slice view show a picture, and nothing else.

    `opacity`, 0..1, is that of what lies over the background; None takes the usual ones. The
    interaction flags are set: without them Slicer's colour legends don't follow.
    """
    composite.SetLinkedControl(False)  # each view gets volumes of its own
    composite.SetBackgroundVolumeID(picture.background.GetID())
    composite.SetForegroundVolumeID(picture.foreground.GetID() if picture.foreground else None)
    over = OVERLAY_OPACITY if opacity is None else opacity
    over = 1.0 if picture.opaque else over
    composite.SetForegroundOpacity(over if picture.foreground else 0.0)
    composite.SetLabelVolumeID(picture.label.GetID() if picture.label else None)
    composite.SetLabelOpacity(LABEL_OPACITY if opacity is None else opacity)
    composite.SetLinkedControl(True)
    let_legends_follow(composite)
    view = scene.GetSingletonNode(composite.GetLayoutName(), "vtkMRMLSliceNode")
    if view is not None and picture.title:
        view.SetLayoutLabel(picture.title)


def let_legends_follow(composite) -> None:
    """Say that the layers changed in the way that Slicer's colour legends listen to."""
    composite.SetInteractionFlags(
        composite.BackgroundVolumeFlag | composite.ForegroundVolumeFlag | composite.LabelVolumeFlag
    )
    composite.Modified()


def _title(nodes: AnyNodes) -> str:
    method = provenance.get_attribute(nodes.main, provenance.METHOD) or ""
    if isinstance(nodes, MapNodes):
        return method
    return f"{method} ({volumes.unit_words(nodes.change) or NO_UNIT})".strip()
