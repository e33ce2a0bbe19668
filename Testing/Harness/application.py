"""Stand-ins of the application and of the module's bases; `slicer_like` puts them in place."""

import sys
import types
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import slicer
import slicer.util
from PySide6.QtWidgets import QApplication

from CTCounterfactualLib.scene.headless import headless_scene

from . import parameters, pythonqt, widgets

MODULE = Path(__file__).resolve().parents[2] / "CTCounterfactual" / "CTCounterfactual.py"
STAND_INS = (
    "qt", "ctk", "slicer.i18n", "slicer.parameterNodeWrapper", "slicer.ScriptedLoadableModule"
)
# Those hold what they found in the stand-ins.
OURS = ("CTCounterfactual", "CTCounterfactualSlicer.panels", "CTCounterfactualSlicer.timer")
UNLOAD = "moduleAboutToBeUnloaded(QString)"


class Manager:
    """What connects signals; `_calls` are the pairs of signature and function."""

    def __init__(self):
        self._calls = []

    def connect(self, signature: str, call) -> None:
        self._calls.append((signature, call))

    def disconnect(self, signature: str, call) -> None:
        self._calls.remove((signature, call))


class Application(Manager):
    """`slicer.app`."""

    applicationName = "Slicer"

    def __init__(self, application, logic):
        super().__init__()
        modules, views = Manager(), SimpleNamespace(resetThreeDViews=lambda: None)
        self.moduleManager, self.layoutManager = lambda: modules, lambda: views
        self.clipboard, self.processEvents = application.clipboard, application.processEvents
        self.applicationLogic = lambda: logic
        self.testingEnabled, self.topLevelWidgets = lambda: True, list


class ScriptedLoadableModule:
    def __init__(self, parent):
        self.parent = parent


class ScriptedLoadableModuleWidget:
    def __init__(self, parent=None):
        super().__init__()
        self.parent, self.layout = parent, parent.layout()
        slicer.app.moduleManager().connect(UNLOAD, self._onModuleAboutToBeUnloaded)

    def _onModuleAboutToBeUnloaded(self, moduleName: str) -> None:
        self.cleanup()
        slicer.app.moduleManager().disconnect(UNLOAD, self._onModuleAboutToBeUnloaded)

    def resourcePath(self, filename: str) -> str:
        return str(MODULE.parent / "Resources" / filename)

    def setup(self) -> None:
        pass


class ScriptedLoadableModuleLogic:
    def getParameterNode(self):
        name, scene = type(self).__name__.removesuffix("Logic"), slicer.mrmlScene
        node = scene.GetSingletonNode(name, "vtkMRMLScriptedModuleNode")
        if node is None:
            node = slicer.vtkMRMLScriptedModuleNode()
            node.SetSingletonTag(name)
            node.SetAttribute("ModuleName", name)
            node = scene.AddNode(node)
        return node


class ScriptedLoadableModuleTest:
    def delayDisplay(self, message: str, requestedDelay=None, msec=None) -> None:
        slicer.app.processEvents()


def _module(name: str, members: dict) -> types.ModuleType:
    made = types.ModuleType(name)
    vars(made).update(members)
    return made


def _forget() -> None:
    for name in [*STAND_INS, *sys.modules]:
        if name in STAND_INS or name in OURS or name.startswith(f"{OURS[1]}."):
            sys.modules.pop(name, None)


@contextmanager
def slicer_like(cache: Path):
    """Put a scene and the stand-ins in place and import the module; afterwards undo it all.

    Yields its `module`, `qt`, `headless` (scene and logics), `layout` (the layout node) and
    `errors`: exceptions of slots and observers, which Qt and VTK would only print.
    """
    qt = pythonqt.make_qt(widgets)
    bases = {name: kind for name, kind in globals().items() if name.startswith("Scripted")}
    with ExitStack() as stack:
        headless = stack.enter_context(headless_scene(cache))
        plots = slicer.vtkSlicerPlotsLogic()
        plots.SetMRMLApplicationLogic(headless.application)
        plots.SetMRMLScene(headless.scene)
        application = QApplication.instance() or QApplication([])
        members = {name: kind for name, kind in vars(widgets).items() if name.startswith("qMRML")}
        members["mrmlScene"] = headless.scene
        members["app"] = Application(application, headless.application)
        members["modules"] = SimpleNamespace(
            plots=SimpleNamespace(logic=lambda: plots),
            ctcounterfactual=SimpleNamespace(path=str(MODULE)),
        )
        for name, value in members.items():
            stack.enter_context(mock.patch.object(slicer, name, value, create=True))
        _forget()
        stack.callback(_forget)
        translation = _module("i18n", {"tr": str, "translate": lambda context, text: text})
        bases = _module("ScriptedLoadableModule", bases)
        modules = (qt, widgets, translation, parameters, bases)
        sys.modules.update(zip(STAND_INS, modules, strict=True))
        import CTCounterfactual as module

        errors = []
        stack.enter_context(mock.patch("sys.excepthook", lambda *error: errors.append(error)))
        layout = headless.add_layouts()
        yield SimpleNamespace(
            module=module, qt=qt, headless=headless, layout=layout, errors=errors
        )
