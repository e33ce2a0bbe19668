"""Stand-in of slicer.parameterNodeWrapper: typed attributes kept as text in a scene's node."""

import typing
from types import SimpleNamespace

import vtk

# Which property of a control holds a parameter, where it isn't what Qt calls the user property.
HELD = {"QComboBox": "currentIndex", "qMRMLNodeComboBox": "currentNodeID"}


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
        self.parameterNode, self._deaf = node, False
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
        self._deaf = False  # to the controls: while they are filled, and once disconnected
        named = {w.property("SlicerParameterName"): w for w in vars(gui).values()}
        fills = [self._tie(name, widget) for name, widget in named.items() if name]

        def fill(*_) -> None:
            if not self._deaf:
                self._deaf = True
                for one in fills:
                    one()
                self._deaf = False

        fill()
        return self.AddObserver(vtk.vtkCommand.ModifiedEvent, fill)

    def disconnectGui(self, tag: int) -> None:
        self._deaf = True
        self.RemoveObserver(tag)

    def _tie(self, name: str, widget):
        """Let a control set a parameter; return a function that fills the control."""
        meta, shown, meant = widget.metaObject(), lambda value: value, lambda held: held
        for rule in self._rules[name]:
            if values := rule._prepare(widget):
                shown, meant = values.index, values.__getitem__
        if _is_node(self._kinds[name]):
            shown, meant = lambda node: node.GetID() if node else "", self.GetScene().GetNodeByID
        held = HELD.get(type(widget).__name__) or meta.userProperty().name()
        signal = meta.property(meta.indexOfProperty(held)).notifySignal().methodSignature()

        def read(*_) -> None:
            if not self._deaf:
                self.setValue(name, meant(getattr(widget, held)))

        widget.connect(signal.toStdString(), read)
        return lambda: setattr(widget, held, shown(self.getValue(name)))


def parameterNodeWrapper(cls: type) -> type:
    rules = typing.get_type_hints(cls, include_extras=True)
    members = {
        name: property(lambda w, n=name: w.getValue(n), lambda w, v, n=name: w.setValue(n, v))
        for name in rules
    }
    members["_kinds"], members["_defaults"] = typing.get_type_hints(cls), dict(vars(cls))
    members["_rules"] = {name: getattr(hint, "__metadata__", ()) for name, hint in rules.items()}
    return type(cls.__name__, (_Wrapper,), members)
