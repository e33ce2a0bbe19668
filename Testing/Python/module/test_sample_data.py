"""Scans to try the module on."""
# ruff: noqa: E402 - without slicer-core there is nothing here to test

import sys
import time
import types

import numpy as np
import pytest
from PIL import Image

slicer = pytest.importorskip("slicer")

from CTCounterfactualLib.scans.generated import ChestSettings
from CTCounterfactualLib.scene.bundle.headless import headless_scene
from CTCounterfactualLib.scene.make import volumes
from CTCounterfactualSlicer import model_files, sample_data
from CTCounterfactualSlicer.chest_job import ChestJob
from CTCounterfactualSlicer.sample_data import SampleDataError

COARSE = ChestSettings((8.0, 8.0, 12.0), (48, 42, 4))


class Source:
    """A source as Sample Data keeps it: what was registered."""

    def __init__(self, **values):
        assert len({type(values[k]) for k in ("uris", "fileNames", "nodeNames")}) == 1
        self.__dict__.update(values)


@pytest.fixture
def registered(monkeypatch):
    """Stand in for Slicer's module SampleData, which the wheel lacks; returns its sources."""
    sources: dict[str, list] = {}

    class Logic:
        @staticmethod
        def registerCustomSampleDataCategory(category, title):
            sources.setdefault(category, [])

        @staticmethod
        def registerCustomSampleDataSource(category="Custom", **values):
            sources[category].append(Source(**values))

        @staticmethod
        def sampleDataSourcesByCategory(category=None):
            return sources.get(category, [])

        def sourceForSampleName(self, name):
            every = [one for each in sources.values() for one in each]
            return next((one for one in every if one.sampleName == name), None)

        def downloadSamples(self, name):
            return self.sourceForSampleName(name).nodes

    module = types.ModuleType("SampleData")
    module.SampleDataLogic = Logic
    monkeypatch.setitem(sys.modules, "SampleData", module)
    return sources


def test_the_generated_chest_is_a_ct_in_a_lung_window(tmp_path):
    with headless_scene(tmp_path) as headless:
        node = sample_data.add_generated_chest(headless.scene, COARSE)
        again = sample_data.add_generated_chest(headless.scene, COARSE)
        voxels = slicer.util.arrayFromVolume(node)
        assert voxels.dtype == np.int16
        assert voxels.min() < -900
        assert voxels.max() > 200
        # LPS identity: I grows to the left and J to posterior, both away from RAS.
        assert np.array_equal(np.sign(np.diag(volumes.ijk_to_ras(node))), [-1, -1, 1, 1])
        assert node.GetSpacing() == pytest.approx((8.0, 8.0, 12.0))
        assert node.GetDisplayNode().GetWindow() == volumes.LUNG_WINDOW_HU
        assert node.GetName() == "GeneratedChest"
        assert again.GetName() != node.GetName()


def test_both_scans_are_registered_once(registered):
    sample_data.register_sample_data()
    sample_data.register_sample_data()
    names = [source.sampleName for source in registered[sample_data.CATEGORY]]
    assert names == [sample_data.GENERATED, sample_data.SLICER_CHEST]
    assert all(callable(source.customDownloader) for source in registered[sample_data.CATEGORY])


def test_buttons_have_names_for_people_and_pictures(registered):
    own = Source(sampleName="CTChest", uris="u", fileNames="f", nodeNames="n")
    own.thumbnailFileName = "/slicer/CTChest.png"
    registered["builtIn"] = [own]
    sample_data.register_sample_data()
    generated, slicers = registered[sample_data.CATEGORY]
    assert not any("CTCounterfactual" in one.sampleName for one in (generated, slicers))
    with Image.open(generated.thumbnailFileName) as picture:
        assert picture.size == (256, 256)
    assert slicers.thumbnailFileName == own.thumbnailFileName


def test_a_chest_is_made_in_another_process_while_slicer_goes_on(tmp_path):
    pumped, said = [], []
    with headless_scene(tmp_path) as headless:
        job = ChestJob(
            headless.scene,
            "Chest",
            ("--spacing", "8", "8", "12"),
            python=sys.executable,
            onEvent=lambda event: said.append(event.message),
        )
        job.start()
        while job.poll():
            pumped.append(1)
            time.sleep(0.02)
        assert job.outcome.kind == "done", job.outcome
        assert len(pumped) > 5
        assert said[0] == "Generating a chest CT"
        assert job.node.GetName() == "Chest"
        assert slicer.util.arrayFromVolume(job.node).min() < -900
        cancelled = ChestJob(headless.scene, "Another", python=sys.executable)
        cancelled.start()
        cancelled.cancel()
        while cancelled.poll():
            time.sleep(0.02)
        assert (cancelled.outcome.kind, cancelled.node) == ("cancelled", None)
        for one in (job, cancelled):
            assert not one._folder.exists()


def test_a_chest_that_cannot_be_made_says_why(tmp_path, monkeypatch):
    monkeypatch.setattr(model_files, "python_executable", lambda: str(tmp_path / "no-python"))
    with headless_scene(tmp_path) as headless:
        with pytest.raises(SampleDataError, match="The chest could not be generated"):
            sample_data.generate_in_worker(headless.scene)
        assert headless.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0


def test_slicers_chest_is_taken_by_its_name(registered):
    registered["builtIn"] = [
        Source(sampleName="CTChest", uris="u", fileNames="f", nodeNames="n", nodes=["chest node"])
    ]
    assert sample_data.load_slicers_chest() == "chest node"
    registered["builtIn"][0].nodes = []
    with pytest.raises(SampleDataError, match="could not be downloaded"):
        sample_data.load_slicers_chest()


def test_a_slicer_without_it_says_what_to_take_instead(registered):
    with pytest.raises(SampleDataError, match=r"no sample named CTChest.*generated chest"):
        sample_data.load_slicers_chest()
