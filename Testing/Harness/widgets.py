"""Stand-ins of the ctk and qMRML widgets that the module uses: looks and values, no more."""

from __future__ import annotations

from PySide6.QtCore import Property, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractButton,
    QComboBox,
    QDoubleSpinBox,
    QGroupBox,
    QHBoxLayout,
    QLineEdit,
    QSlider,
    QStyle,
    QStyleOptionButton,
    QStylePainter,
    QWidget,
)

from .pythonqt import Manners

HEADER = 24  # pixels: the part of a collapsible section that always shows
NO_LIMIT = 16777215  # QWIDGETSIZE_MAX
SLIDER_STEPS = 1000


def _collapse(widget, collapsed: bool) -> None:
    widget._collapsed = collapsed
    widget.setMaximumHeight(HEADER if collapsed else NO_LIMIT)


class ctkCollapsibleButton(Manners, QAbstractButton):
    """A section under a heading."""

    contentsCollapsed = Signal(bool)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._collapsed = False
        self.setContentsMargins(0, HEADER, 0, 0)

    def _set(self, collapsed: bool) -> None:
        _collapse(self, collapsed)
        self.contentsCollapsed.emit(collapsed)

    collapsed = Property(bool, lambda self: self._collapsed, _set)

    def paintEvent(self, event):
        option = QStyleOptionButton()
        option.initFrom(self)
        option.rect.setHeight(HEADER)
        option.text = ("+ " if self._collapsed else "- ") + self.text
        QStylePainter(self).drawControl(QStyle.ControlElement.CE_PushButton, option)


class ctkCollapsibleGroupBox(Manners, QGroupBox):
    """A titled box that can be folded."""

    def __init__(self, parent=None):
        super().__init__(parent)
        self._collapsed = False

    collapsed = Property(bool, lambda self: self._collapsed, _collapse)


class ctkSearchBox(Manners, QLineEdit):
    """A line edit for searching."""


def _part(kind: type, name: str) -> Property:
    """Return a property that the spin box inside a slider has, too."""
    return Property(
        kind, lambda self: self._box.property(name),
        lambda self, value: self._box.setProperty(name, value),
    )


class ctkSliderWidget(Manners, QWidget):
    """A slider with a spin box."""

    valueChanged = Signal(float)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._slider, self._box = QSlider(Qt.Orientation.Horizontal), QDoubleSpinBox()
        self._page = 1.0
        self._slider.setRange(0, SLIDER_STEPS)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._slider)
        layout.addWidget(self._box)
        self._box.valueChanged.connect(self._changed)

    def _changed(self, value: float) -> None:
        low, high = self._box.minimum(), self._box.maximum()
        self._slider.setValue(round(SLIDER_STEPS * (value - low) / ((high - low) or 1)))
        self.valueChanged.emit(value)

    decimals, suffix = _part(int, "decimals"), _part(str, "suffix")
    minimum, maximum = _part(float, "minimum"), _part(float, "maximum")
    value, singleStep = _part(float, "value"), _part(float, "singleStep")
    pageStep = Property(float, lambda self: self._page, lambda self, v: setattr(self, "_page", v))


class qMRMLWidget(Manners, QWidget):
    """A widget that passes its scene on to the selectors within it."""

    def setMRMLScene(self, scene) -> None:
        for selector in self.findChildren(qMRMLNodeComboBox):
            selector.setMRMLScene(scene)


class _Browsing(qMRMLWidget):
    def __init__(self, parent=None):
        super().__init__(parent)
        self._browser = None

    def setMRMLSequenceBrowserNode(self, browser) -> None:
        self._browser = browser


class qMRMLSequenceBrowserSeekWidget(_Browsing):
    """Steps through a sequence."""

    def setSelectedItemNumber(self, number: int) -> None:
        self._browser.SetSelectedItemNumber(number)


class qMRMLSequenceBrowserPlayWidget(_Browsing):
    """Plays a sequence."""


def _kept(kind, name: str) -> Property:
    """Return a property that is only stored; the list is made anew when it is set."""

    def put(self, value) -> None:
        setattr(self, name, value)
        self._fill()

    return Property(kind, lambda self: getattr(self, name), put)


class qMRMLNodeComboBox(Manners, QWidget):
    """Selects one of the scene's nodes of some class, or none."""

    currentNodeIDChanged = Signal(str)

    def __init__(self, parent=None):
        super().__init__(parent)
        self._scene, self._types, self._none, self._text = None, [], False, "None"
        self._add = self._remove = self._children = False
        self._box, self._filling, self._observed = QComboBox(), False, []
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._box)
        self._box.currentIndexChanged.connect(self._tell)

    nodeTypes, noneEnabled = _kept("QStringList", "_types"), _kept(bool, "_none")
    noneDisplay, showChildNodeTypes = _kept(str, "_text"), _kept(bool, "_children")
    addEnabled, removeEnabled = _kept(bool, "_add"), _kept(bool, "_remove")
    currentNodeID = Property(str, lambda self: self._box.currentData() or "")

    def setMRMLScene(self, scene) -> None:
        for tag in self._observed:
            self._scene.RemoveObserver(tag)
        self._scene = scene
        events = () if scene is None else (
            scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndCloseEvent
        )
        self._observed = [scene.AddObserver(event, lambda *_: self._fill()) for event in events]
        self._fill()

    def setCurrentNode(self, node) -> None:
        self._box.setCurrentIndex(self._box.findData("" if node is None else node.GetID()))

    def _tell(self) -> None:
        if not self._filling:
            self.currentNodeIDChanged.emit(self.currentNodeID)

    def _fill(self) -> None:
        before, self._filling = self.currentNodeID, True
        self._box.clear()
        if self._none:
            self._box.addItem(self._text, "")
        scene = self._scene
        for kind in self._types if scene is not None else ():
            for number in range(scene.GetNumberOfNodesByClass(kind)):
                node = scene.GetNthNodeByClass(number, kind)
                if node.GetClassName() == kind or self._children:
                    self._box.addItem(node.GetName(), node.GetID())
        self._box.setCurrentIndex(self._box.findData(before))
        self._filling = False
        if self.currentNodeID != before:
            self._tell()
