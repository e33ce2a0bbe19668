"""The module's panel on a screen that nobody sees: real Qt, real scene, real worker."""

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from unittest import mock

import pytest

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")  # before Qt is loaded
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # for Harness

PATIENCE_S = 600.0  # for what hangs; a busy machine must never reach it
VIEW_SIZE = 100  # pixels of a slice view
# A slab of four slices, 24 mm thick: eight prepared slices, two chunks.
SPACING_MM, SIZE, EFFUSION_ML = (4.0, 4.0, 6.0), (96, 84, 4), 300.0


class Desk:
    """An open panel with a small chest, and what a user does at it."""

    def __init__(self, app, files: Path):
        import slicer

        self.app, self.slicer, self.files = app, slicer, files
        self.scene = app.headless.scene
        self.add_chest()
        self.open()

    def add_chest(self) -> None:
        """Load the scan."""
        from CTCounterfactualLib.scans.generated import ChestSettings
        from CTCounterfactualSlicer.sample_data import add_generated_chest

        hierarchy = self.slicer.vtkMRMLSubjectHierarchyNode
        hierarchy.GetSubjectHierarchyNode(self.scene)  # Slicer's scenes have one
        chest = ChestSettings(SPACING_MM, SIZE, effusion_ml=EFFUSION_ML)
        self.chest = add_generated_chest(self.scene, chest, "CHEST")

    def open(self) -> None:
        """Open the module, as Slicer does on the user's first click on it."""
        self.frame = self.slicer.qMRMLWidget()
        self.frame.setLayout(self.app.qt.QVBoxLayout())
        self.widget = self.app.module.CTCounterfactualWidget(self.frame)
        self.widget.setup()
        self.widget.enter()
        self.ui, self.parameters = self.widget.ui, self.widget.parameterNode

    def choose(self, **parameters) -> None:
        """Set what makes a run quick, then what a test wants; the scene's parameters are new."""
        self.parameters = self.widget.parameterNode
        quick = {"chunk": 4, "maxEvaluations": 2, "frames": 0, "device": "cpu", "mode": "whole"}
        for name, value in (quick | parameters).items():
            setattr(self.parameters, name, value)

    def apply(self, **parameters) -> None:
        """Choose, and click Apply."""
        self.choose(**parameters)
        assert (self.ui.applyButton.text, self.ui.applyButton.enabled) == ("Apply", True)
        self.ui.applyButton.click()

    def until(self, wanted, patience: float = PATIENCE_S) -> None:
        """Run the event loop until something is so."""
        end = time.monotonic() + patience
        while not wanted():
            assert time.monotonic() < end, (self.ui.stepLabel.text, self.message)
            self.slicer.app.processEvents()
            time.sleep(0.005)

    def finish(self) -> None:
        """Run the event loop until the run has ended."""
        self.until(lambda: not self.widget.machine.busy)

    @property
    def message(self) -> str:
        """The message that the user sees; empty if there is none."""
        text = self.ui.messageLabel.text.replace("\N{ZERO WIDTH SPACE}", "")
        return "" if self.ui.messageFrame.isHidden() else text

    @property
    def jobs_files(self) -> list:
        """Folders of jobs on disk."""
        return [path for path in self.files.rglob("job-*") if path.is_dir()]

    def census(self) -> Counter:
        """How many nodes there are of each class, and of each name that a user sees."""
        nodes = [self.scene.GetNthNode(n) for n in range(self.scene.GetNumberOfNodes())]
        return Counter(
            (node.GetClassName(), "" if node.GetHideFromEditors() else node.GetName())
            for node in nodes
        )

    def picture(self, name: str) -> Path:
        """Draw the whole panel into a PNG and return its path."""
        self.frame.resize(460, min(2400, self.frame.sizeHint().height()))
        self.frame.show()
        self.slicer.app.processEvents()
        path = self.files / f"{name}.png"
        assert self.frame.grab().save(str(path))
        return path


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """Slicer's stand-ins with the module loaded and slice views in the scene."""
    pytest.importorskip("slicer", reason="slicer-core is not installed")
    pytest.importorskip("PySide6.QtUiTools", reason="PySide6 is not installed")
    from CTCounterfactualLib.scene.look import layouts
    from Harness.application import slicer_like

    with slicer_like(tmp_path_factory.mktemp("scene")) as made:
        layouts.register_layouts(made.layout)
        standard = made.layout.SlicerLayoutFourUpView
        for number in (layouts.COMPARE_MORE, standard):  # each makes its views
            made.layout.SetViewArrangement(number)
        for name in ("Red", "Green", "Yellow", *layouts.SLICE_VIEWS):
            node = made.headless.scene.GetSingletonNode(name, "vtkMRMLSliceNode")
            made.headless.add_slice_logic(node, VIEW_SIZE)
        yield made


@pytest.fixture(scope="module")
def desk(app, tmp_path_factory):
    """The open panel; it stays open for all tests of a file."""
    files = tmp_path_factory.mktemp("files")
    with mock.patch.object(tempfile, "tempdir", str(files)):  # where jobs have their folders
        made = Desk(app, files)
        yield made
        made.widget.cleanup()
        assert made.jobs_files == []


@pytest.fixture(autouse=True)
def no_errors(request):
    """Fail a test in which a slot or an observer raised: Qt and VTK only print that."""
    if "app" not in request.fixturenames:  # it has no panel
        yield
        return
    app = request.getfixturevalue("app")
    yield
    errors, app.errors[:] = list(app.errors), []
    assert errors == []
