"""The `qt` module: PySide6 with PythonQt's manners.

Properties are attributes, signals are connected by their signature, and an attribute that a class
doesn't have can't be set.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from functools import cache

from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

PROPERTY_OF_NAME = {"name": "objectName"}  # PythonQt's own alias
SIGNAL_CODE = "2"  # what Qt's SIGNAL() puts before a signature


@cache
def properties_of(cls: type) -> frozenset[str]:
    """Return the names of a Qt class's properties, inherited ones too."""
    meta = cls.staticMetaObject
    return frozenset(meta.property(n).name() for n in range(meta.propertyCount()))


class Manners:
    """Mixed in before a PySide6 class, this makes its objects behave as PythonQt's do."""

    def __getattribute__(self, name: str):
        name = PROPERTY_OF_NAME.get(name, name)
        if name == "connect":  # PySide6 looks it up past any override
            return lambda signature, call: _connect(self, signature, call)
        if not name.startswith("_") and name in properties_of(type(self)):
            return QtCore.QObject.property(self, name)
        return super().__getattribute__(name)

    def __setattr__(self, name: str, value) -> None:
        name = PROPERTY_OF_NAME.get(name, name)
        if name in properties_of(type(self)):
            QtCore.QObject.setProperty(self, name, value)
        elif name.startswith("_"):  # a stand-in's own
            super().__setattr__(name, value)
        else:
            raise AttributeError(f"{type(self).__name__} has no property {name!r} to set")


def _connect(sender, signature: str, call: Callable) -> None:
    meta = sender.metaObject()
    if meta.indexOfSignal(QtCore.QMetaObject.normalizedSignature(signature).data()) < 0:
        raise AttributeError(f"{type(sender).__name__} has no signal {signature!r}")
    # A function of our own: PySide6 would hold a bound method weakly, PythonQt holds it.
    QtCore.QObject.connect(
        sender, SIGNAL_CODE + signature, lambda *arguments: call(*arguments)
    )


class UiLoader(QtUiTools.QUiLoader):
    """Loads .ui files; its widgets are of this module's classes, or stand-ins."""

    stand_ins: types.ModuleType | None = None
    module: types.ModuleType | None = None

    def createWidget(self, className, parent=None, name=""):
        """Make one widget; called by Qt for each in the file."""
        made = getattr(self.stand_ins, className, None) or getattr(self.module, className)
        widget = made(parent)
        widget.objectName = name
        return widget


def make_qt(stand_ins: types.ModuleType) -> types.ModuleType:
    """Return a `qt` module whose classes are made when asked for."""
    module = types.ModuleType("qt")

    def find(name: str):
        for library in (QtCore, QtGui, QtWidgets):
            found = getattr(library, name, None)
            if found is not None:
                break
        else:
            raise AttributeError(f"qt has no {name}")
        if isinstance(found, type) and issubclass(found, QtCore.QObject):
            found = mannered(found)
        setattr(module, name, found)
        return found

    module.__getattr__ = find
    module.QUiLoader = type("QUiLoader", (UiLoader,), {"stand_ins": stand_ins, "module": module})
    return module


@cache
def mannered(cls: type) -> type:
    """Return a class like PySide6's with PythonQt's manners."""
    if cls is not QtWidgets.QTableWidget:
        return type(cls.__name__, (Manners, cls), {})
    header = mannered(QtWidgets.QHeaderView)

    class QTableWidget(Manners, cls):
        def __init__(self, parent=None):
            super().__init__(parent)
            self.setHorizontalHeader(header(QtCore.Qt.Orientation.Horizontal, self))

    return QTableWidget
