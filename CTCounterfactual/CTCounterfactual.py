"""Slicer module "CT Counterfactual": what would change the classifier's mind about this CT?

Thin by intent: the panels (`CTCounterfactualSlicer.panels`) draw, `CTCounterfactualSlicer` runs
jobs and builds nodes, `CTCounterfactualLib` computes, in a process of its own.
"""

from typing import Annotated

import slicer
import vtk
from slicer import vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.parameterNodeWrapper import Choice, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

from CTCounterfactualLib.wording import Place
from CTCounterfactualSlicer import options as defaults
from CTCounterfactualSlicer.keywords import with_keywords
from CTCounterfactualSlicer.own_models import list_all
from CTCounterfactualSlicer.panels import texts
from CTCounterfactualSlicer.panels.input import first_scan
from CTCounterfactualSlicer.panels.parameter_node import with_settings
from CTCounterfactualSlicer.panels.scene_events import SceneEvents
from CTCounterfactualSlicer.panels.sections import make_sections
from CTCounterfactualSlicer.panels.shown import Shown
from CTCounterfactualSlicer.state import StateMachine
from CTCounterfactualSlicer.timer import JobTimer


class CTCounterfactual(ScriptedLoadableModule):
    """What Slicer shows of the module before it is opened."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("CT Counterfactual")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Analysis")]
        self.parent.dependencies = ["Sequences", "Segmentations", "Volumes", "SampleData"]
        self.parent.contributors = ["CTCounterfactual contributors"]
        self.parent.helpText = texts.help_text()
        self.parent.acknowledgementText = texts.acknowledgement()
        slicer.app.connect("startupCompleted()", onStartupCompleted)


def onStartupCompleted() -> None:
    """Add the sample scans, and the layouts in which saved scenes may want to open."""
    from CTCounterfactualLib.scene.look.layouts import register_layouts
    from CTCounterfactualSlicer.sample_data import register_sample_data

    register_sample_data()
    layout = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLLayoutNode")
    if layout:
        register_layouts(layout)


@parameterNodeWrapper
@with_settings
class CTCounterfactualParameterNode:
    """All choices of the panel, the engine's settings too; saved with the scene."""

    inputVolume: vtkMRMLScalarVolumeNode
    classifier: str = defaults.DEFAULT_CLASSIFIER
    target: str = ""  # the classifier's first
    method: str = defaults.DEFAULT_METHOD
    regionAuto: bool = False
    regionSegmentation: vtkMRMLSegmentationNode
    regionSegment: str = ""
    outputs: Annotated[str, Choice(defaults.OUTPUTS)] = defaults.OUTPUTS[0]
    autoencoder: str = defaults.DEFAULT_AUTOENCODER
    assumeHu: bool = False


class CTCounterfactualWidget(ScriptedLoadableModuleWidget, VTKObservationMixin, SceneEvents):
    """The module's panel: makes the sections, holds what they share, tells them when to redraw."""

    def __init__(self, parent=None) -> None:
        self.ui = None
        self.logic = None
        self.machine = StateMachine()
        self.job = None  # the NodeJob that runs
        self.shown: Shown | None = None
        self.parameterNode = None
        self._guiTag = None
        self._panels = ()
        self._stopListening = None
        self._entered = False
        VTKObservationMixin.__init__(self)
        ScriptedLoadableModuleWidget.__init__(self, parent)

    def setup(self) -> None:
        """Load the .ui, make the sections, watch the scene; called once by Slicer."""
        ScriptedLoadableModuleWidget.setup(self)
        uiWidget = slicer.util.loadUI(self.resourcePath("UI/CTCounterfactual.ui"))
        self.layout.addWidget(uiWidget)
        self.ui = slicer.util.childWidgetVariables(uiWidget)
        uiWidget.setMRMLScene(slicer.mrmlScene)
        self.logic = CTCounterfactualLogic()
        self._panels = make_sections(self.ui, self)
        self._stopListening = self.machine.listen(lambda old, new: self.refresh())
        scene = slicer.mrmlScene
        self.watchScene(scene)
        # After "Reload" the module is on the screen already, and nobody calls `enter`.
        self._entered = bool(getattr(self.parent, "isEntered", bool)())
        self.initializeParameterNode()
        self.results.find_results()

    def cleanup(self) -> None:
        """End a running job and let go of the scene; before a reload and when Slicer closes."""
        if self.job is not None:
            self.job.abandon()
        if self._stopListening is not None:
            self._stopListening()
        self.setParameterNode(None)
        self.removeObservers()
        for panel in self._panels:
            panel.cleanup()

    def enter(self) -> None:
        """Show the scene's parameters, which may be new; called when the module is opened."""
        self._entered = True
        self.initializeParameterNode()
        for panel in self._panels:
            panel.enter()

    def exit(self) -> None:
        """Stop following the parameter node; called when another module is opened."""
        self._entered = False
        self._disconnectGui()

    def initializeParameterNode(self) -> None:
        """Follow the scene's parameter node; choose the first volume if none is chosen."""
        self.setParameterNode(self.logic.getParameterNode())
        if not self.parameterNode.inputVolume:
            self.parameterNode.inputVolume = first_scan(slicer.mrmlScene)

    def setParameterNode(self, parameterNode) -> None:
        """Connect the controls to a parameter node, or to none."""
        self._disconnectGui()
        self.parameterNode = parameterNode
        if parameterNode is not None:
            self._guiTag = parameterNode.connectGui(self.ui)
            self.addObserver(parameterNode, vtk.vtkCommand.ModifiedEvent, self.refresh)
            for panel in self._panels:
                panel.connected()
        self.refresh()

    def _disconnectGui(self) -> None:
        if self._guiTag is not None:
            self.parameterNode.disconnectGui(self._guiTag)
            self.removeObserver(self.parameterNode, vtk.vtkCommand.ModifiedEvent, self.refresh)
            self._guiTag = None

    def refresh(self, caller=None, event=None) -> None:
        """Let all sections draw what is so now: state, parameters, result shown."""
        for panel in self._panels:
            panel.refresh()

    def show(self, shown: Shown | None) -> None:
        """Show an explanation, or none."""
        self.shown = shown
        self.refresh()


class CTCounterfactualLogic(ScriptedLoadableModuleLogic):
    """What the console and the panels call; see the module's help for examples."""

    def getParameterNode(self) -> CTCounterfactualParameterNode:
        """Return the scene's parameter node, made if need be."""
        return CTCounterfactualParameterNode(super().getParameterNode())

    @with_keywords
    def explain(self, volumeNode, progress=None, **options):
        """Explain a volume and return a `NodeResult`, by another method a `MapResult`; waits.

        Parameters
        ----------
        volumeNode : vtkMRMLScalarVolumeNode
            CT scan, HU.
        progress : callable, optional
            Called with each event; `print` will do.
        options
            The keywords below.

        Raises
        ------
        CTCounterfactualError
            In words: what was wrong with the input or the options, or why the worker failed.
        """
        from CTCounterfactualSlicer.console import make_job

        job = make_job(slicer.mrmlScene, volumeNode, options, onEvent=progress)
        job.start()
        return job.wait(slicer.app.processEvents)

    @with_keywords
    def start(
        self,
        volumeNode,
        *,
        onEvent=None,
        onFinished=None,
        onLog=None,
        machine=None,
        place=Place.CONSOLE,
        **options,
    ):
        """Start explaining a volume and return its job at once; same options as `explain`.

        `onEvent(event)` is called with each event and `onFinished(job)` once at the end, both in
        the GUI thread; `job.cancel()` stops it, `job.result` holds the result. `place` is
        where the user reads the messages.
        """
        from CTCounterfactualSlicer.console import make_job

        job = make_job(
            slicer.mrmlScene,
            volumeNode,
            options,
            place,
            onEvent=onEvent,
            onLog=onLog,
            onFinished=onFinished,
            machine=machine,
        )
        job.start()
        if not job.finished:
            JobTimer(job).start()
        return job

    def prepare(self, volumeNode, progress=None, **options):
        """Prepare a volume so that lambda can be moved, and return its `NodeSession`; waits.

        `session.at(-0.5)` goes to a lambda and returns its `score` and `change_percent`, the views
        follow; `session.keep()` makes it a result; `session.close()` ends it. It also ends with
        the scene, with Slicer, or 15 minutes after its last use. Options are those of `explain`.
        """
        from CTCounterfactualSlicer.sessions import start_session

        return start_session(volumeNode, onEvent=progress, **options).until_ready()

    def load(self, folder, volumeNode=None, *, place=Place.CONSOLE):
        """Add a result folder's nodes to the scene; see `CTCounterfactualSlicer.loading`."""
        from CTCounterfactualSlicer.loading import load_result

        return load_result(slicer.mrmlScene, folder, volumeNode, place)

    def readerStudy(self, study, cohort, reader, session=1):
        """Begin or go on with a reader's session of a study; `show()`, then `answer(1 to 5)`."""
        from CTCounterfactualSlicer.reader_session import ReaderSession

        return ReaderSession(slicer.mrmlScene, study, cohort, reader, session)

    def exportDicom(self, result, folder, *, force=False, progress=None, place=Place.CONSOLE):
        """Write a result as DICOM files into a folder; see `CTCounterfactualSlicer.dicom`."""
        from CTCounterfactualSlicer.dicom import export_dicom

        return export_dicom(result, folder, force, progress, place=place)

    def listModels(self) -> tuple:
        """Return all classifiers and autoencoders with their targets and status."""
        return list_all()


class CTCounterfactualTest(ScriptedLoadableModuleTest):
    """The real path on a small generated chest; see `CTCounterfactualSlicer.self_test`."""

    def setUp(self) -> None:
        """Start from an empty scene."""
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        """Run all steps; Slicer's "Reload and Test" and the command line call this."""
        from CTCounterfactualSlicer import self_test

        self.setUp()
        self_test.run(CTCounterfactualLogic(), self.delayDisplay)
