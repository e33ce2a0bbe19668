"""Stand-ins of the application and of the module's bases; `slicer_like` puts them in place."""

import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import slicer.util
from PySide6.QtWidgets import QApplication

from CTCounterfactualLib.scene.bundle.headless import headless_scene

from . import parameters, pythonqt, widgets

MODULE = Path(__file__).resolve().parents[2] / "CTCounterfactual" / "CTCounterfactual.py"
STAND_INS = {
    "qt": pythonqt,
    "slicer.i18n": SimpleNamespace(tr=str, translate=lambda context, text: text, getContext=str),
    "slicer.parameterNodeWrapper": parameters,
    "slicer.ScriptedLoadableModule": sys.modules[__name__],
}
# Those hold what they found in the stand-ins.
OURS = ("CTCounterfactual", "CTCounterfactualSlicer.panels", "CTCounterfactualSlicer.timer")


class Manager:
    """What connects signals; `_calls` are the pairs of signature and function."""

    def __init__(self):
        self._calls = []

    def connect(self, signature: str, call) -> None:
        self._calls.append((signature, call))


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
        unload = "moduleAboutToBeUnloaded(QString)"
        slicer.app.moduleManager().connect(unload, self._onModuleAboutToBeUnloaded)

    def _onModuleAboutToBeUnloaded(self, moduleName: str) -> None:
        self.cleanup()

    def resourcePath(self, filename: str) -> str:
        return str(MODULE.parent / "Resources" / filename)

    def setup(self) -> None:
        pass


class ScriptedLoadableModuleLogic:
    def getParameterNode(self):
        name, scene = type(self).__name__.removesuffix("Logic"), slicer.mrmlScene
        node = slicer.vtkMRMLScriptedModuleNode()
        node.SetSingletonTag(name)
        return scene.GetSingletonNode(name, node.GetClassName()) or scene.AddNode(node)


class ScriptedLoadableModuleTest:
    pass


def _forget() -> None:
    for name in list(sys.modules):
        if name in STAND_INS or name in OURS or name.startswith(f"{OURS[1]}."):
            del sys.modules[name]


@contextmanager
def slicer_like(cache: Path):
    """Put a scene and the stand-ins in place and import the module; afterwards undo it all.

    Yields its `module`, `qt`, `headless` (scene and logics), `layout` (the layout node) and
    `errors`: exceptions of slots and observers, which Qt and VTK would only print.
    """
    application, errors = QApplication.instance() or QApplication([]), []
    with ExitStack() as stack:
        headless = stack.enter_context(headless_scene(cache))
        plots = slicer.vtkSlicerPlotsLogic()
        plots.SetMRMLApplicationLogic(headless.application)
        plots.SetMRMLScene(headless.scene)
        members = {name: kind for name, kind in vars(widgets).items() if name.startswith("qMRML")}
        members["mrmlScene"] = headless.scene
        members["app"] = Application(application, headless.application)
        members["modules"] = SimpleNamespace(plots=SimpleNamespace(logic=lambda: plots))
        stack.enter_context(mock.patch.multiple(slicer, create=True, **members))
        _forget()
        stack.callback(_forget)
        sys.modules.update(STAND_INS)
        import CTCounterfactual as module

        stack.enter_context(mock.patch("sys.excepthook", lambda *error: errors.append(error)))
        made = SimpleNamespace(module=module, qt=pythonqt, headless=headless, errors=errors)
        made.layout = headless.add_layouts()
        yield made
