"""Finds the names of Slicer's API that sources use, and looks them up in facts of a real Slicer.

The facts are what a running Slicer 5.13 told of itself (`slicer_api.json`): classes with their
properties, signals and slots, what live objects have, and the functions of its Python modules.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from functools import cache, cached_property
from pathlib import Path
from xml.etree import ElementTree

# Attributes of the package `slicer` that are neither classes nor listed modules.
PLAIN = {
    "mrmlScene",
    "app",
    "modules",
    "util",
    "packaging",
    "i18n",
    "ScriptedLoadableModule",
    "parameterNodeWrapper",
}
OUR_MODULE = "ctcounterfactual"
# Widgets that functions are given, by the names that parameters and attributes have for them.
PARAMETERS = {"combo": {"QComboBox"}, "self._combo": {"QComboBox"}}


class SlicerApi:
    """What Slicer has.

    Parameters
    ----------
    path : Path
        `slicer_api.json`.
    """

    def __init__(self, path: Path):
        facts = json.loads(path.read_text(encoding="utf-8"))
        self._classes = {name.partition(".")[2]: fact for name, fact in facts["classes"].items()}
        self._packages = {name.partition(".")[2]: name for name in facts["classes"]}
        self.objects = {name: set(members) for name, members in facts["objects"].items()}
        self.python = facts["python"]
        self.vtk = facts["vtk_classes"]

    def has_class(self, name: str, package: str = "") -> bool:
        """Tell whether there is a Qt, CTK or qMRML class; in one package if one is given."""
        return (
            self._packages.get(name, "").startswith(package + ".")
            if package
            else (name in self._classes)
        )

    @cache  # noqa: B019 - one object for the whole run
    def _all(self, name: str, kind: str) -> frozenset[str]:
        """Return members of one kind, inherited ones too."""
        fact = self._classes.get(name)
        if fact is None:
            return frozenset()
        return frozenset(fact[kind]).union(*(self._all(base, kind) for base in fact["is_a"]))

    def properties(self, name: str) -> frozenset[str]:
        """Return a class's properties."""
        return self._all(name, "properties")

    def signals(self, name: str) -> frozenset[str]:
        """Return a class's signals with their arguments."""
        return self._all(name, "signals")

    def slots(self, name: str) -> frozenset[str]:
        """Return a class's slots with their arguments."""
        return self._all(name, "slots")

    def members(self, name: str) -> frozenset[str]:
        """Return every name that an instance has."""
        called = {one.partition("(")[0] for one in (*self.signals(name), *self.slots(name))}
        return self.properties(name) | self._all(name, "other") | called | {"connect", "name"}

    @cached_property
    def vtk_methods(self) -> frozenset[str]:
        """Every name that any VTK or MRML class has."""
        import vtk

        known = {name for fact in self.vtk.values() for name in fact["own"]}
        plain = (vars(vtk)[name] for name in dir(vtk) if name.startswith("vtk"))
        return frozenset(known).union(*(vars(one) for one in plain if isinstance(one, type)))


class UiFile:
    """A .ui file: which widget is of which class, and what it says of them."""

    def __init__(self, path: Path):
        self._root = ElementTree.parse(path).getroot()
        self.widgets = {one.get("name"): one.get("class") for one in self._root.iter("widget")}
        # (sender, signal, receiver, slot)
        self.connections = [
            tuple(one.findtext(part) for part in ("sender", "signal", "receiver", "slot"))
            for one in self._root.iter("connection")
        ]

    def unknown_names(self, api: SlicerApi) -> list[str]:
        """Return in words each class, property, signal and slot that Slicer doesn't have."""
        found = [f"class {kind}" for kind in self.widgets.values() if not api.has_class(kind)]
        for widget in self._root.iter("widget"):
            kind = widget.get("class")
            named = {
                one.get("name") for one in widget.findall("property") if one.get("stdset") != "0"
            }
            found += [f"{kind} has no property {name}" for name in named - api.properties(kind)]
        for sender, signal, receiver, slot in self.connections:
            source, target = self.widgets[sender], self.widgets[receiver]
            if signal not in api.signals(source):
                found.append(f"{source} has no signal {signal}")
            if slot not in api.slots(target):
                found.append(f"{target} has no slot {slot}")
        return sorted(found)


class Source:
    """One Python file, with as much of its objects' classes as can be told without running it.

    Parameters
    ----------
    text : str
        Python source.
    widgets : dict
        Class by object name: what `self.ui.NAME` is.
    """

    def __init__(self, text: str, widgets: dict[str, str]):
        self._tree = ast.parse(text)
        self._widgets = widgets
        self.looked_up = 0  # names that were found or not found: none means that nothing was seen
        self._imported: set[str] = set()  # not of VTK, whatever their members look like
        self._scopes: dict[ast.AST, int] = {}  # line of the function that a node is in
        # Classes by scope and expression: `self._timer` (of the whole file), `table` (of one
        # function).
        self._classes: dict[tuple[int, str], set[str]] = {}
        for function in ast.walk(self._tree):
            if isinstance(function, ast.FunctionDef):
                self._scopes |= dict.fromkeys(ast.walk(function), function.lineno)
            elif isinstance(function, (ast.Import, ast.ImportFrom)):
                self._imported |= {alias.asname or alias.name for alias in function.names}
        for _pass in ("attributes", "the names that stand for them"):
            self._learn_all()

    def _learn_all(self) -> None:
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Assign):
                for target in node.targets:
                    self._learn(target, node.value)
            elif isinstance(node, (ast.For, ast.comprehension)) and isinstance(
                node.iter, (ast.Tuple, ast.List)
            ):
                for one in node.iter.elts:
                    self._learn(node.target, one)

    def _key(self, node: ast.expr) -> tuple[int, str]:
        return self._scopes.get(node, 0) if isinstance(node, ast.Name) else 0, ast.unparse(node)

    def _learn(self, target: ast.expr, value: ast.expr) -> None:
        kinds = self._class_of(value)
        if kinds:
            self._classes.setdefault(self._key(target), set()).update(kinds)

    def _class_of(self, node: ast.expr) -> set[str]:
        """Return the Qt classes that an expression may be of; none if that can't be told."""
        if isinstance(node, ast.Call):
            package, _, name = ast.unparse(node.func).rpartition(".")
            is_widget = package in ("qt", "ctk") or (package == "slicer" and name[:1] == "q")
            return {name} if is_widget else set()
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("self.ui", "ui"):
            return {self._widgets[node.attr]} if node.attr in self._widgets else set()
        return self._classes.get(self._key(node)) or PARAMETERS.get(ast.unparse(node), set())

    def unknown_names(self, api: SlicerApi) -> list[str]:
        """Return in words each name that Slicer doesn't have, with its line."""
        found = []
        for node in ast.walk(self._tree):
            if isinstance(node, ast.Attribute):
                found += [f"{node.lineno}: {one}" for one in self._of_attribute(node, api)]
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("slicer"):
                found += [f"{node.lineno}: {one}" for one in self._of_import(node, api)]
            elif isinstance(node, ast.Call):
                found += [f"{node.lineno}: {one}" for one in self._of_connect(node, api)]
        return found

    def _look_up(self, name: str, known, where: str) -> Iterator[str]:
        self.looked_up += 1
        if name not in known:
            yield f"{where} has no {name}"

    def _of_attribute(self, node: ast.Attribute, api: SlicerApi) -> Iterator[str]:
        owner, name = ast.unparse(node.value), node.attr
        if owner in ("self.ui", "ui"):
            yield from self._look_up(name, self._widgets, "the .ui")
        elif owner in ("qt", "ctk"):
            self.looked_up += 1
            if not api.has_class(name, owner):
                yield f"{owner} has no {name}"
        elif owner.startswith(("qt.", "ctk.")) and owner.count(".") == 1:
            yield from self._look_up(name, api.members(owner.partition(".")[2]), owner)
        elif owner == "slicer":
            self.looked_up += 1
            if not (name in PLAIN or name in api.vtk or api.has_class(name, "slicer")):
                yield f"slicer has no {name}"
        elif owner.startswith("slicer.") and owner.removeprefix("slicer.") in api.vtk:
            yield from self._look_up(name, api.vtk_methods, owner)
        elif owner in api.objects:
            if (owner, name) != ("slicer.modules", OUR_MODULE):
                yield from self._look_up(name, api.objects[owner], owner)
        elif owner in api.python:
            yield from self._look_up(name, api.python[owner], owner)
        elif kinds := self._class_of(node.value):
            for kind in kinds:
                yield from self._look_up(name, api.members(kind), kind)
        elif name[:1].isupper() and not name.isupper() and owner not in self._imported:
            yield from self._look_up(name, api.vtk_methods, "any VTK class")

    def _of_import(self, node: ast.ImportFrom, api: SlicerApi) -> Iterator[str]:
        for alias in node.names:
            if node.module == "slicer":
                known = (
                    alias.name in PLAIN
                    or alias.name in api.vtk
                    or (api.has_class(alias.name, "slicer"))
                )
                yield from self._look_up(alias.name, {alias.name} if known else (), "slicer")
            else:
                yield from self._look_up(alias.name, api.python.get(node.module, ()), node.module)

    def _of_connect(self, node: ast.Call, api: SlicerApi) -> Iterator[str]:
        function = node.func
        if not (
            isinstance(function, ast.Attribute)
            and function.attr in ("connect", "disconnect")
            and node.args
            and isinstance(node.args[0], ast.Constant)
        ):
            return
        signal, owner = node.args[0].value, ast.unparse(function.value)
        if owner in api.objects:  # live objects were listed without their signals' arguments
            yield from self._look_up(signal.partition("(")[0], api.objects[owner], owner)
            return
        kinds = self._class_of(function.value)
        if not kinds:
            self.looked_up += 1
            yield f"can't tell what {owner} is, to look up its signal {signal}"
        for kind in kinds:
            yield from self._look_up(signal, api.signals(kind), kind)
