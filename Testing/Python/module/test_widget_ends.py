"""Runs that end badly, or too early: what the user reads, and that nothing stays behind."""

import os
import signal
import threading

import numpy as np
import pytest

pytest.importorskip("slicer")
pytest.importorskip("PySide6.QtUiTools")

from PIL import Image

FEWEST_COLOURS = 30


@pytest.fixture(autouse=True)
def clean(desk):
    """Fail a test whose run left something."""
    yield
    assert not desk.widget.machine.busy
    assert desk.jobs_files == []


def alive(pid: int) -> bool:
    """Whether a process is there; one that waits to be reaped is not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        return stat.read().rpartition(")")[2].split()[0] != "Z"


def start(desk, rows: int = 0) -> int:
    """Start a run, wait for the worker's first words or rows, and return its process number."""
    desk.apply(mode="chunks")
    pid = desk.widget.job._process.pid
    desk.until(lambda: desk.ui.progressBar.value > 0 and desk.ui.chunkTable.rowCount >= rows)
    assert alive(pid)
    return pid


def unchanged(desk, before) -> None:
    """Check that the scene and the panel are as before a run, and that another may start."""
    assert desk.census() == before
    assert desk.ui.chunkTable.rowCount == 0
    assert desk.ui.scanScoreLabel.text == "-"
    assert desk.widget.job is None
    assert (desk.ui.applyButton.text, desk.ui.applyButton.enabled) == ("Apply", True)
    assert desk.ui.progressWidget.isHidden()


def test_cancel_leaves_nothing(desk):
    before = desk.census()
    pid = start(desk, rows=1)
    assert desk.census() - before  # live nodes
    desk.ui.applyButton.click()
    assert desk.ui.applyButton.text in ("Cancelling...", "Apply")
    desk.finish()
    assert not alive(pid)
    assert desk.message == "Cancelled: nothing was written."
    assert desk.jobs_files == []
    unchanged(desk, before)


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_killed_worker_is_explained_with_a_next_step(desk):
    before = desk.census()
    pid = start(desk)
    os.killpg(pid, signal.SIGKILL)
    desk.finish()
    assert "killed from outside (signal 9)" in desk.message
    assert "Error" in desk.message
    advice = desk.message.split("<br>")[-1]
    assert any(word in advice for word in ("smaller", "Close", "Choose", "Lower"))
    assert desk.ui.messageFrame.isHidden() is False
    path = desk.picture("error")
    with Image.open(path) as picture:
        assert len(picture.convert("RGB").getcolors(2**24)) > FEWEST_COLOURS
    desk.ui.messageCopyButton.click()
    assert "killed from outside" in desk.slicer.app.clipboard().text()
    unchanged(desk, before)
    desk.ui.messageCloseButton.click()
    assert desk.message == ""


def test_a_label_map_is_refused_in_words(desk):
    volume = desk.slicer.util.addVolumeFromArray(
        np.ones((8, 8, 8), np.uint8), name="Mask", nodeClassName="vtkMRMLLabelMapVolumeNode"
    )
    before = desk.census()
    desk.apply(inputVolume=volume)
    desk.finish()
    assert "Mask" in desk.message
    assert "is a label map" in desk.message
    unchanged(desk, before)
    desk.parameters.inputVolume = desk.chest
    desk.scene.RemoveNode(volume)


def test_a_volume_that_is_not_in_hu_is_refused_in_words(desk):
    volume = desk.slicer.util.addVolumeFromArray(
        np.random.default_rng(0).integers(0, 255, (12, 32, 32)).astype(np.int16), name="Photo"
    )
    before = desk.census()
    desk.apply(inputVolume=volume)
    desk.finish()
    assert "Photo" in desk.message  # as the user knows it, no file of ours
    assert "Settings &gt; Advanced &gt; Take the values as HU in any case" in desk.message
    assert "Error" in desk.message
    assert not any(word in desk.message for word in ("input.nrrd", "job-", "assume", "--"))
    unchanged(desk, before)
    desk.parameters.inputVolume = desk.chest
    desk.scene.RemoveNode(volume)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"levelEdges": "10, x"}, "rising numbers in HU"),
        ({"levelEdges": "10, 5"}, "Heatmap levels"),
    ],
)
def test_wrong_choices_are_refused_in_words(desk, changes, words):
    before = desk.census()
    good = {name: getattr(desk.parameters, name) for name in changes}
    desk.apply(**changes)
    desk.finish()
    assert words in desk.message
    unchanged(desk, before)
    desk.choose(**good)


def test_a_mistake_leaves_an_earlier_message_no_longer_than_the_next_run(desk):
    desk.apply(levelEdges="x")
    assert desk.message != ""
    desk.apply(levelEdges="10, 50")
    assert desk.message == ""
    desk.ui.applyButton.click()  # Cancel, before the worker has said anything
    desk.finish()
    assert desk.message == "Cancelled: nothing was written."


def test_a_scan_is_chosen_by_itself_but_never_a_label_map(desk):
    mask = desk.slicer.util.addVolumeFromArray(
        np.ones((8, 8, 8), np.uint8), name="Mask", nodeClassName="vtkMRMLLabelMapVolumeNode"
    )
    desk.parameters.inputVolume = None
    assert not desk.ui.applyButton.enabled
    desk.widget.enter()
    assert desk.widget.parameterNode.inputVolume is desk.chest
    desk.scene.RemoveNode(mask)


def test_deleting_the_scan_takes_it_off_the_panel(desk):
    volume = desk.slicer.util.addVolumeFromArray(np.zeros((8, 8, 8), np.int16), name="Other")
    desk.choose(inputVolume=volume)
    assert desk.ui.applyButton.enabled
    desk.scene.RemoveNode(volume)
    assert desk.parameters.inputVolume is None
    assert not desk.ui.applyButton.enabled
    desk.choose(inputVolume=desk.chest)


def test_closing_the_scene_ends_the_run(desk):
    pid = start(desk, rows=1)
    desk.scene.Clear(False)
    assert not alive(pid)
    assert desk.message == "The scene was closed."
    assert not desk.widget.machine.busy
    assert desk.scene.GetNumberOfNodesByClass("vtkMRMLTableNode") == 0
    assert desk.widget.parameterNode is not None
    assert not desk.ui.applyButton.enabled  # there is no scan
    desk.add_chest()  # for the next test
    desk.widget.enter()
    assert desk.ui.applyButton.enabled


def test_reloading_leaves_no_process_timer_or_observer(desk):
    """Last: it closes the panel."""
    threads = set(threading.enumerate())
    pid = start(desk)
    widget = desk.widget
    desk.slicer.app.moduleManager()._calls[-1][1]("CTCounterfactual")
    assert not alive(pid)
    assert widget.Observations == []
    assert widget.parameterNode is None
    assert desk.jobs_files == []
    from CTCounterfactualSlicer import timer

    desk.until(lambda: not timer._running)  # notices at its next look
    assert not any(value._timer.active for value in widget._panels if hasattr(value, "_timer"))
    desk.until(lambda: set(threading.enumerate()) <= threads)
    desk.scene.Clear(False)  # nobody listens any more
    assert widget.parameterNode is None
