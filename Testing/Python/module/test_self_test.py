"""The module's own test, run here on slicer-core with the same steps as in Slicer."""
# ruff: noqa: E402 - without slicer-core there is nothing here to test

import pytest

slicer = pytest.importorskip("slicer")

from CTCounterfactualLib.scene.bundle.headless import headless_scene
from CTCounterfactualSlicer import self_test
from CTCounterfactualSlicer.console import make_job
from CTCounterfactualSlicer.node_session import NodeSession
from CTCounterfactualSlicer.options import Options
from CTCounterfactualSlicer.self_test import SelfTestError


class Logic:
    """What the module's logic does, without Qt's timer: the steps poll by themselves."""

    def start(self, volume, onEvent=None, onFinished=None, **options):
        job = make_job(slicer.mrmlScene, volume, options, onEvent=onEvent, onFinished=onFinished)
        job.start()
        return job

    def explain(self, volume, progress=None, **options):
        return self.start(volume, onEvent=progress, **options).wait()

    def prepare(self, volume, **options):
        keywords = Options.from_keywords(**options)
        return NodeSession(slicer.mrmlScene, volume, keywords).start().until_ready()


@pytest.fixture
def scene(tmp_path, monkeypatch):
    with headless_scene(tmp_path) as headless:
        monkeypatch.setattr(slicer, "mrmlScene", headless.scene, raising=False)
        yield headless.scene


def test_all_steps_pass(scene):
    said = []
    self_test.run(Logic(), said.append)
    assert said[-1] == "All steps passed"
    assert len(said) == 8


def test_a_logic_that_accepts_everything_does_not_pass(scene):
    class Careless(Logic):
        def explain(self, volume, progress=None, **options):
            return None

    with pytest.raises(SelfTestError, match="should be refused"):
        self_test.run(Careless(), lambda text: None)
    assert scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0
