"""The `qt` module: PySide6 with PythonQt's manners.

Properties are attributes, signals are connected by their signature, and an attribute that a class
doesn't have can't be set. Classes are made when asked for.
"""

import ctypes
import sys
from functools import cache

from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

VIRTUAL = {"sizeHint", "minimumSizeHint"}  # Qt itself looks for overrides of these
ENOUGH = 1 << 30

# PySide6 6.12 takes these for immortal, which they are from Python 3.12 on: each call that returns
# None would take a reference from it until Python frees it and ends. So they get enough to last.
if sys.version_info < (3, 12):
    for _one in (None, True, False):
        ctypes.c_ssize_t.from_address(id(_one)).value += ENOUGH


@cache
def properties_of(cls: type) -> frozenset:
    """Return the names of a Qt class's properties, inherited ones too."""
    meta = cls.staticMetaObject
    return frozenset(meta.property(n).name() for n in range(meta.propertyCount())) - VIRTUAL


class Manners:
    """Mixed in before a PySide6 class, this makes its objects behave as PythonQt's do."""

    def __getattribute__(self, name: str):
        if name == "name":  # PythonQt's own
            name = "objectName"
        if name == "connect":  # PySide6 looks it up past any override
            return lambda signature, call: _connect(self, signature, call)
        if name in properties_of(type(self)):
            return QtCore.QObject.property(self, name)
        return super().__getattribute__(name)

    def __setattr__(self, name: str, value) -> None:
        if name in properties_of(type(self)):
            QtCore.QObject.setProperty(self, name, value)
        elif name.startswith("_") or isinstance(value, QtCore.QObject):
            # A stand-in's own, or a child: PySide6's QUiLoader puts those onto their parents.
            super().__setattr__(name, value)
        else:
            raise AttributeError(f"{type(self).__name__} has no property {name!r} to set")


def _connect(sender, signature: str, call) -> None:
    if sender.metaObject().indexOfSignal(signature) < 0:
        raise AttributeError(f"{type(sender).__name__} has no signal {signature!r}")
    # A function of our own: PySide6 would hold a bound method weakly, PythonQt holds it.
    QtCore.QObject.connect(sender, QtCore.SIGNAL(signature), lambda *values: call(*values))


@cache
def __getattr__(name: str):
    """Return what PySide6 has of a name; a class of objects with PythonQt's manners."""
    for library in (QtCore, QtGui, QtWidgets):
        found = getattr(library, name, None)
        if isinstance(found, type) and issubclass(found, QtCore.QObject):
            return type(name, (Manners, found), {})
        if found is not None:
            return found
    raise AttributeError(f"qt has no {name}")


class QUiLoader(QtUiTools.QUiLoader):
    def createWidget(self, class_name: str, parent=None, name: str = ""):
        from . import widgets  # which needs this module

        widget = (getattr(widgets, class_name, None) or __getattr__(class_name))(parent)
        widget.objectName = name
        if class_name == "QTableWidget":  # made by Qt, so without our manners
            widget.setHorizontalHeader(__getattr__("QHeaderView")(QtCore.Qt.Horizontal))
        return widget
