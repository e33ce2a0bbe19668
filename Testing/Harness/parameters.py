"""Stand-in of slicer.parameterNodeWrapper: typed attributes kept as text in a scene's node."""

import typing
from types import SimpleNamespace

import vtk

# By class of a control: the property that holds its value, and the signal of a change.
VALUES = {
    "QSpinBox": ("value", "valueChanged(int)"), "QLineEdit": ("text", "textChanged(QString)"),
    "QDoubleSpinBox": ("value", "valueChanged(double)"), "QCheckBox": ("checked", "toggled(bool)"),
    "ctkSliderWidget": ("value", "valueChanged(double)"),
    "QComboBox": ("currentIndex", "currentIndexChanged(int)"),
    "qMRMLNodeComboBox": ("currentNodeID", "currentNodeIDChanged(QString)"),
}


class Choice:
    def __init__(self, choices):
        self._choices = list(choices)

    def validate(self, value) -> None:
        if value not in self._choices:
            raise ValueError(f"{value!r} is none of {self._choices}")

    def _prepare(self, widget) -> list:
        widget.clear()
        widget.addItems([str(value) for value in self._choices])
        return self._choices


class WithinRange:
    def __init__(self, minimum, maximum):
        self._bounds = minimum, maximum

    def validate(self, value) -> None:
        if not self._bounds[0] <= value <= self._bounds[1]:
            raise ValueError(f"{value!r} is not within {self._bounds}")

    def _prepare(self, widget) -> None:
        widget.minimum, widget.maximum = self._bounds


def _is_node(kind: type) -> bool:
    return issubclass(kind, vtk.vtkObject)


class _Wrapper:
    """What the decorator below adds to a class of annotated parameters."""

    def __init__(self, node):
        self.parameterNode, self._guis = node, {}
        for name, kind in self._kinds.items():
            if not _is_node(kind) and not node.GetParameter(name):
                self.setValue(name, self.default(name).value)

    def __getattr__(self, name: str):  # AddObserver, StartModify, ...: the node's own
        return getattr(self.__dict__["parameterNode"], name)

    def default(self, name: str):
        return SimpleNamespace(value=self._defaults.get(name))

    def getValue(self, name: str):
        kind, text = self._kinds[name], self.parameterNode.GetParameter(name)
        if _is_node(kind):
            return self.parameterNode.GetNodeReference(name)
        return text == str(True) if kind is bool else kind(text)

    def setValue(self, name: str, value) -> None:
        if _is_node(self._kinds[name]):
            self.parameterNode.SetNodeReferenceID(name, value.GetID() if value else None)
            return
        for rule in self._rules[name]:
            rule.validate(value)
        self.parameterNode.SetParameter(name, str(self._kinds[name](value)))

    def connectGui(self, gui) -> int:
        """Fill the controls that name a parameter, and follow both ways."""
        following = SimpleNamespace(off=False)  # the controls' changes: while filling, for ever
        named = {w.property("SlicerParameterName"): w for w in vars(gui).values()}
        fills = [self._tie(name, widget, following) for name, widget in named.items() if name]

        def fill(*_) -> None:
            if not following.off:
                following.off = True
                for one in fills:
                    one()
                following.off = False

        fill()
        tag = self.AddObserver(vtk.vtkCommand.ModifiedEvent, fill)
        self._guis[tag] = following
        return tag

    def disconnectGui(self, tag: int) -> None:
        self._guis.pop(tag).off = True
        self.RemoveObserver(tag)

    def _tie(self, name: str, widget, following):
        """Let a control set a parameter; return a function that fills the control."""
        held, signal = VALUES[type(widget).__name__]
        values, is_node = None, held == "currentNodeID"
        for rule in self._rules[name]:
            values = rule._prepare(widget)

        def read(*_) -> None:
            if not following.off:
                value = getattr(widget, held)
                value = self.GetScene().GetNodeByID(value or "") if is_node else value
                self.setValue(name, values[value] if values else value)

        def fill() -> None:
            value = self.getValue(name)
            if is_node:
                widget.setCurrentNode(value)
            else:
                setattr(widget, held, values.index(value) if values else value)

        widget.connect(signal, read)
        return fill


def parameterNodeWrapper(cls: type) -> type:
    kinds = typing.get_type_hints(cls)
    rules = typing.get_type_hints(cls, include_extras=True)
    members = {
        name: property(lambda w, n=name: w.getValue(n), lambda w, v, n=name: w.setValue(n, v))
        for name in kinds
    }
    members["_kinds"], members["_defaults"] = kinds, dict(vars(cls))
    members["_rules"] = {name: getattr(rules[name], "__metadata__", ()) for name in kinds}
    return type(cls.__name__, (_Wrapper,), members)
