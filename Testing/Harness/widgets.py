"""Stand-ins of the ctk and qMRML widgets that the module uses: looks and values, no more."""

from PySide6 import QtWidgets
from PySide6.QtCore import Property, QSignalBlocker, Signal

from .pythonqt import Manners

HEADER = 24  # pixels: the part of a collapsible section that always shows
NO_LIMIT = 16777215  # QWIDGETSIZE_MAX


class ctkCollapsibleGroupBox(Manners, QtWidgets.QGroupBox):
    collapsed = Property(
        bool,
        lambda w: w.maximumHeight == HEADER,
        lambda w, collapsed: w.setMaximumHeight(HEADER if collapsed else NO_LIMIT),
    )


class ctkCollapsibleButton(ctkCollapsibleGroupBox):
    text = Property(str, lambda w: w.title, lambda w, text: w.setTitle(text))


class ctkSearchBox(Manners, QtWidgets.QLineEdit):
    pass


class ctkSliderWidget(Manners, QtWidgets.QDoubleSpinBox):
    """Its spin box alone."""


class qMRMLWidget(Manners, QtWidgets.QWidget):
    def setMRMLScene(self, scene) -> None:
        for selector in self.findChildren(qMRMLNodeComboBox):
            selector.setMRMLScene(scene)


class qMRMLSequenceBrowserSeekWidget(qMRMLWidget):
    def setMRMLSequenceBrowserNode(self, browser) -> None:
        """Do nothing: what plays is the browser."""


class qMRMLSequenceBrowserPlayWidget(qMRMLSequenceBrowserSeekWidget):
    pass


class qMRMLNodeComboBox(Manners, QtWidgets.QComboBox):
    """What the .ui sets (`nodeTypes`, ...) are dynamic properties."""

    currentNodeIDChanged = Signal(str)
    currentNodeID = Property(
        str,
        lambda w: w.currentData or "",
        lambda w, node_id: w.setCurrentIndex(w.findData(node_id)),
        notify=currentNodeIDChanged,
    )

    def setMRMLScene(self, scene) -> None:
        self._scene = scene
        tell = self.currentNodeIDChanged.emit
        self.connect("currentIndexChanged(int)", lambda _: tell(self.currentNodeID))
        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndCloseEvent):
            scene.AddObserver(event, self._fill)
        self._fill()

    def _fill(self, *_) -> None:
        before = self.currentNodeID
        with QSignalBlocker(self):
            self.clear()
            if self.property("noneEnabled"):
                self.addItem(self.property("noneDisplay"), "")
            for kind in self.property("nodeTypes"):
                for number in range(self._scene.GetNumberOfNodesByClass(kind)):
                    node = self._scene.GetNthNodeByClass(number, kind)
                    if node.GetClassName() == kind:
                        self.addItem(node.GetName(), node.GetID())
            self.setCurrentIndex(max(0, self.findData(before)))
        if self.currentNodeID != before:
            self.currentNodeIDChanged.emit(self.currentNodeID)
