"""Section "Input": the scan, the classifier, its target, and a region."""

from __future__ import annotations

import slicer
from slicer.i18n import tr as _

from CTCounterfactualLib.models.entry import CatalogueEntry
from CTCounterfactualLib.models.targets import Target
from CTCounterfactualLib.scene.make.provenance import ROLE, get_attribute

from ..listed_targets import find_listed
from . import model_texts
from .choice_box import ChoiceBox
from .panel import Panel

VOLUME = "vtkMRMLScalarVolumeNode"


class InputPanel(Panel):
    """Fills the lists of models and targets; the volume selector is the parameter node's own."""

    def setup(self) -> None:
        """List the models and follow the choices."""
        self._classifiers: dict[str, CatalogueEntry] = {}
        self._targets: tuple[Target, ...] = ()
        self._filling = False
        self._classifier = ChoiceBox(self.ui.classifierComboBox, self._choose_classifier)
        self.ui.targetList.connect("currentRowChanged(int)", self._choose_target)
        self.ui.targetSearchBox.connect("textChanged(QString)", self._search)
        self._segment = ChoiceBox(self.ui.segmentComboBox, self._choose_segment)

    def enter(self) -> None:
        """List the segments again: they may have been edited meanwhile."""
        self.refresh()

    def offer(self, node) -> None:
        """Choose a scan that was just loaded, if none is chosen or it is the one to be looked at.

        Asked a moment after the node was added: only then it says what it is.
        """
        parameters = self.host.parameterNode
        if parameters is None or self.host.machine.busy or not may_be_scan(node):
            return
        selection = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLSelectionNode")
        active = "" if selection is None else selection.GetActiveVolumeID() or ""
        if parameters.inputVolume is None or active == node.GetID():
            parameters.inputVolume = node

    def refresh(self) -> None:
        """Show the parameter node's choices."""
        parameters = self.host.parameterNode
        free = parameters is not None and not self.host.machine.busy
        for widget in (
            self.ui.inputSelector,
            self.ui.classifierComboBox,
            self.ui.targetWidget,
        ):
            widget.enabled = free
        self._list_classifiers()
        if parameters is None:
            return
        self._classifier.select(parameters.classifier, missing=_("{value} (not available)"))
        entry = self._classifiers.get(parameters.classifier)
        self.ui.classifierStatusLabel.text = model_texts.summary(entry)
        self._fill_targets(entry)
        self._show_target(parameters.target)
        self._show_region(parameters)

    def _list_classifiers(self) -> None:
        """Fill the list anew if there are others, or one has become ready."""
        entries = self.host.models.entries
        classifiers = {entry.name: entry for entry in entries if entry.kind == "classifier"}
        if classifiers != self._classifiers:
            self._classifiers = classifiers
            self._classifier.fill([model_texts.item(entry) for entry in classifiers.values()])

    def _choose_classifier(self, name: str) -> None:
        if self.host.parameterNode is not None and name != self.host.parameterNode.classifier:
            self.host.parameterNode.target = ""
            self.host.parameterNode.classifier = name

    def _fill_targets(self, entry) -> None:
        targets = () if entry is None else tuple(entry.targets)
        if targets == self._targets:
            return
        self._filling = True
        try:
            self._targets = targets
            self.ui.targetSearchBox.text = ""
            self.ui.targetList.clear()
            self.ui.targetList.addItems([target.listed for target in targets])
        finally:
            self._filling = False
        choice = len(targets) > 1
        self.ui.targetSearchBox.visible = choice
        self.ui.targetList.visible = choice
        self.ui.targetLabel.visible = not choice
        self.ui.targetLabel.text = targets[0].listed if targets else "-"

    def _show_target(self, name: str) -> None:
        found = find_listed(self._targets, name or None)
        row = self._targets.index(found) if found else (0 if self._targets else -1)
        if self.ui.targetList.currentRow != row:
            self._filling = True
            try:
                self.ui.targetList.currentRow = row
            finally:
                self._filling = False

    def _choose_target(self, row: int) -> None:
        if not self._filling and self.host.parameterNode is not None and row >= 0:
            self.host.parameterNode.target = self._targets[row].label

    def _search(self, text: str) -> None:
        words = text.casefold().split()
        for row, target in enumerate(self._targets):
            found = all(word in target.listed.casefold() for word in words)
            self.ui.targetList.item(row).setHidden(not found)

    def _show_region(self, parameters) -> None:
        node = parameters.regionSegmentation
        segments = () if node is None else _segments(node)
        self.ui.segmentComboBoxCaption.visible = node is not None
        self.ui.segmentComboBox.visible = node is not None
        if tuple(segment for segment, _name in segments) != self._segment.values:
            self._segment.fill([(segment, name, "") for segment, name in segments])
        if node is not None and parameters.regionSegment not in self._segment.values:
            # Of a segmentation that was just chosen the first, or none of an empty one.
            parameters.regionSegment = next(iter(self._segment.values), "")
        self._segment.select(parameters.regionSegment)

    def _choose_segment(self, segment: str) -> None:
        if self.host.parameterNode is not None:
            self.host.parameterNode.regionSegment = segment


def _segments(node) -> tuple[tuple[str, str], ...]:
    """Return identifier and name of each segment of a segmentation node."""
    segmentation = node.GetSegmentation()
    ids = [segmentation.GetNthSegmentID(n) for n in range(segmentation.GetNumberOfSegments())]
    return tuple((one, segmentation.GetSegment(one).GetName()) for one in ids)


def may_be_scan(node) -> bool:
    """Tell whether a node may be a scan of the user's: no label map, none of our own results."""
    return (
        node.GetScene() is not None
        and node.GetClassName() == VOLUME
        and not node.GetHideFromEditors()
        and get_attribute(node, ROLE) is None
    )


def first_scan(scene):
    """Return the first volume of a scene that may be a scan, or None.

    Label maps are scalar volumes too, as far as their class goes, and so are our own results.
    """
    for number in range(scene.GetNumberOfNodesByClass(VOLUME)):
        node = scene.GetNthNodeByClass(number, VOLUME)
        if may_be_scan(node):
            return node
    return None
