"""Files that leave Slicer: whole or not at all, and what they contain."""

import importlib.util
import json
import shutil
import sys
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("slicer")

from CTCounterfactualLib.counterfactual.result import Frame
from CTCounterfactualLib.errors import OutputError
from CTCounterfactualLib.jobs.workplace import Workplace
from CTCounterfactualLib.outputs.folder import write_result
from CTCounterfactualLib.outputs.reading import read_result
from CTCounterfactualSlicer import caches, exports
from CTCounterfactualSlicer.result import NodeResult

SCENE_TESTS = Path(__file__).resolve().parents[1] / "scene" / "scene_factory.py"


def make_explanation():
    spec = importlib.util.spec_from_file_location("factory_for_exports", SCENE_TESTS)
    factory = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(factory)
    return factory.make_explanation()


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """(explanation, its result folder), written once."""
    explanation = make_explanation()
    folder = write_result(explanation, tmp_path_factory.mktemp("made") / "result", scene=False)
    return explanation, folder


@pytest.fixture
def result(written, tmp_path):
    explanation, folder = written
    workplace = Workplace.create(tmp_path / "cache")
    shutil.copytree(folder, workplace.result)
    yield NodeResult(explanation, None, workplace, workplace.result)
    workplace.remove()


def test_the_folder_is_copied_whole_and_can_be_read_again(result, tmp_path):
    out = exports.export_folder(result, tmp_path / "deep" / "out", with_scan=True)
    record = json.loads((out / "result.json").read_text(encoding="utf-8"))
    files = sorted(p.relative_to(out).as_posix() for p in out.rglob("*") if p.is_file())
    assert record["files"] == files
    assert "scan.nrrd" in files
    back = read_result(out)
    assert np.array_equal(back.counterfactual, result.explanation.counterfactual)
    assert back.scores == result.explanation.scores
    assert [p.name for p in out.parent.iterdir()] == ["out"]


def test_an_earlier_result_is_replaced_only_if_asked(result, tmp_path):
    out = exports.export_folder(result, tmp_path / "out")
    (out / "mine.txt").write_text("added by hand")
    with pytest.raises(OutputError, match="earlier result"):
        exports.export_folder(result, out)
    with pytest.raises(OutputError, match=r"no part of it: mine\.txt"):
        exports.export_folder(result, out, force=True)
    assert (out / "mine.txt").read_text() == "added by hand"
    (out / "mine.txt").unlink()
    (out / "figure.png").unlink()
    exports.export_folder(result, out, force=True)
    assert (out / "figure.png").exists()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cache", "out"]


def test_a_folder_of_the_users_is_never_replaced(result, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_text("meow")
    with pytest.raises(OutputError, match="no result of this program"):
        exports.export_folder(result, tmp_path / "photos", force=True)
    assert (tmp_path / "photos" / "cat.jpg").read_text() == "meow"


def test_a_copy_that_fails_leaves_the_earlier_result(result, tmp_path, monkeypatch):
    out = exports.export_folder(result, tmp_path / "out")
    before = (out / "result.json").read_text()

    def full(source, target, dirs_exist_ok):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copytree", full)
    with pytest.raises(OutputError, match="the disk is full"):
        exports.export_folder(result, out, force=True)
    assert (out / "result.json").read_text() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cache", "out"]


def test_after_the_caches_were_cleared_the_message_says_what_to_do(result, tmp_path):
    assert caches.cache_size_mb(tmp_path / "cache") > 0
    assert caches.clear_caches(keep=[result.workplace], root=tmp_path / "cache") == 0
    assert result.folder.is_dir()
    assert caches.clear_caches(root=tmp_path / "cache") > 0
    assert caches.cache_size_mb(tmp_path / "cache") == 0
    with pytest.raises(OutputError, match="Run the explanation again"):
        exports.export_folder(result, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_figure_is_the_results_own(result, tmp_path):
    out = exports.export_figure(result, tmp_path / "deep" / "picture.png")
    assert out.read_bytes() == (result.folder / "figure.png").read_bytes()
    assert [p.name for p in out.parent.iterdir()] == ["picture.png"]


def test_the_report_is_written_or_copied(result, tmp_path):
    page = exports.export_report(result, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "not a diagnosis" in page
    (result.folder / "report.html").write_text("made by the worker")
    with pytest.raises(OutputError, match="exists already"):
        exports.export_report(result, tmp_path / "report.html")
    again = exports.export_report(result, tmp_path / "report.html", force=True)
    assert again.read_text().startswith("made")


def test_the_animation_needs_frames_and_then_is_whole(result, tmp_path):
    assert result.explanation.frames == ()
    with pytest.raises(OutputError, match="frames"):
        exports.export_animation(result, tmp_path / "change.gif")
    assert not (tmp_path / "change.gif").exists()


def test_the_animation_plays_the_frames_there_and_back(result, tmp_path):
    explanation = result.explanation
    half = explanation.scan.array + explanation.difference // 2
    frame = Frame(0.5, 0.6, explanation.scan.with_array(half))
    moving = replace(result, explanation=replace(explanation, frames=(frame,)))
    out = exports.export_animation(moving, tmp_path / "change.gif", fps=2)
    with Image.open(out) as gif:
        assert gif.n_frames >= 3  # scan, frame, counterfactual, and on the way back
    assert sorted(p.name for p in tmp_path.iterdir()) == ["cache", "change.gif"]


def test_a_place_that_cannot_be_written_is_said(result, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match=r"Cannot write .*Choose another place"):
        exports.export_figure(result, tmp_path / "file" / "picture.png")


def screen_capture(capture):
    """Return a module as Slicer's ScreenCapture: its logic's methods used here, by their names."""

    class Logic:
        def viewFromNode(self, node):
            return f"view of {node}"

        def captureImageFromView(self, view, filename=None):
            capture(view, filename)

    module = types.ModuleType("ScreenCapture")
    module.ScreenCaptureLogic = Logic
    return module


def test_views_are_captured_by_screen_capture(tmp_path, monkeypatch):
    def capture(view, filename):
        Path(filename).write_text(f"picture of {view}")

    monkeypatch.setitem(sys.modules, "ScreenCapture", screen_capture(capture))
    assert exports.export_views(tmp_path / "all.png").read_text() == "picture of None"
    one = exports.export_views(tmp_path / "one.png", "Red")
    assert one.read_text() == "picture of view of Red"


def test_views_that_cannot_be_captured_leave_no_file(tmp_path, monkeypatch):
    def capture(view, filename):
        raise ValueError("Capture image from view failed")

    monkeypatch.setitem(sys.modules, "ScreenCapture", screen_capture(capture))
    with pytest.raises(OutputError, match=r"can't be captured: Capture image .* Show the view"):
        exports.export_views(tmp_path / "all.png")
    assert list(tmp_path.iterdir()) == []
