"""Stand-ins of the ctk and qMRML widgets that the module uses: looks and values, no more."""

from PySide6 import QtGui, QtWidgets
from PySide6.QtCore import Property, Signal

from .pythonqt import Manners

HEADER = 24  # pixels: the part of a collapsible section that always shows
TEXT_AT = 6, 17  # in it
NO_LIMIT = 16777215  # QWIDGETSIZE_MAX


def _fold(widget, collapsed: bool) -> None:
    widget._collapsed = collapsed
    widget.setMaximumHeight(HEADER if collapsed else NO_LIMIT)


def _put_in(widget, inner):
    layout = QtWidgets.QHBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(inner)
    return inner


def _kept(kind, name: str) -> Property:
    """Return a property that is stored under a name."""
    return Property(kind, lambda w: getattr(w, name), lambda w, value: setattr(w, name, value))


def _boxed(kind: type, name: str) -> Property:
    """Return a property that the spin box inside a slider has, too."""
    return Property(
        kind, lambda w: w._box.property(name), lambda w, value: w._box.setProperty(name, value)
    )


class ctkCollapsibleButton(Manners, QtWidgets.QAbstractButton):
    contentsCollapsed = Signal(bool)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._collapsed = False
        self.setContentsMargins(0, HEADER, 0, 0)

    def _set(self, collapsed: bool) -> None:
        _fold(self, collapsed)
        self.contentsCollapsed.emit(collapsed)

    collapsed = Property(bool, lambda w: w._collapsed, _set)

    def paintEvent(self, event):
        painter = QtGui.QPainter(self)
        painter.fillRect(0, 0, self.width, HEADER - 2, self.palette.button())
        painter.drawText(*TEXT_AT, ("+ " if self._collapsed else "- ") + self.text)


class ctkCollapsibleGroupBox(Manners, QtWidgets.QGroupBox):
    _collapsed = False
    collapsed = Property(bool, lambda w: w._collapsed, _fold)


class ctkSearchBox(Manners, QtWidgets.QLineEdit):
    pass


class ctkSliderWidget(Manners, QtWidgets.QWidget):
    valueChanged = Signal(float)
    decimals, suffix = _boxed(int, "decimals"), _boxed(str, "suffix")
    minimum, maximum = _boxed(float, "minimum"), _boxed(float, "maximum")
    value, singleStep = _boxed(float, "value"), _boxed(float, "singleStep")

    def __init__(self, parent=None):
        super().__init__(parent)
        self._box = _put_in(self, QtWidgets.QDoubleSpinBox())
        self._box.valueChanged.connect(self.valueChanged)


class qMRMLWidget(Manners, QtWidgets.QWidget):
    def setMRMLScene(self, scene) -> None:
        for selector in self.findChildren(qMRMLNodeComboBox):
            selector.setMRMLScene(scene)


class qMRMLSequenceBrowserSeekWidget(qMRMLWidget):
    def setMRMLSequenceBrowserNode(self, browser) -> None:
        self._browser = browser


class qMRMLSequenceBrowserPlayWidget(qMRMLSequenceBrowserSeekWidget):
    pass


class qMRMLNodeComboBox(Manners, QtWidgets.QWidget):
    currentNodeIDChanged = Signal(str)
    nodeTypes, noneDisplay = _kept("QStringList", "_types"), _kept(str, "_text")
    noneEnabled = _kept(bool, "_none")
    currentNodeID = Property(str, lambda w: w._box.currentData() or "")

    def __init__(self, parent=None):
        super().__init__(parent)
        self._types, self._none, self._text, self._filling = [], False, "None", False
        self._box = _put_in(self, QtWidgets.QComboBox())
        self._box.currentIndexChanged.connect(self._tell)

    def setMRMLScene(self, scene) -> None:
        self._scene = scene
        for event in (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndCloseEvent):
            scene.AddObserver(event, self._fill)
        self._fill()

    def setCurrentNode(self, node) -> None:
        self._box.setCurrentIndex(self._box.findData("" if node is None else node.GetID()))

    def _tell(self, *_) -> None:
        if not self._filling:
            self.currentNodeIDChanged.emit(self.currentNodeID)

    def _fill(self, *_) -> None:
        before, self._filling = self.currentNodeID, True
        self._box.clear()
        if self._none:
            self._box.addItem(self._text, "")
        for kind in self._types:
            for number in range(self._scene.GetNumberOfNodesByClass(kind)):
                node = self._scene.GetNthNodeByClass(number, kind)
                if node.GetClassName() == kind:
                    self._box.addItem(node.GetName(), node.GetID())
        self._box.setCurrentIndex(max(0, self._box.findData(before)))
        self._filling = False
        if self.currentNodeID != before:
            self._tell()
