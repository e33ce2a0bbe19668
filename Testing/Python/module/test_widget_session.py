"""The slider in the panel: prepared, moved, kept and ended, with real Qt and the real worker."""

import pytest

pytest.importorskip("slicer")
pytest.importorskip("PySide6.QtUiTools")


@pytest.fixture(autouse=True)
def clean(app, desk):
    """Fail a test in which a slot or an observer raised, or whose session left files."""
    yield
    errors, app.errors[:] = list(app.errors), []
    assert errors == []


def test_the_slider_is_prepared_moved_kept_and_ended(app, desk):
    """One session from beginning to end: each costs a worker that loads PyTorch."""
    ui = desk.ui
    assert (ui.sessionButton.text, ui.sessionButton.enabled) == ("Prepare", True)
    assert not ui.sessionSlider.enabled
    before = desk.census()
    desk.choose(goal="limit")
    desk.slicer.util.setSliceViewerLayers(background=desk.chest)
    ui.sessionButton.click()
    assert ui.sessionButton.text == "End"
    desk.until(lambda: ui.sessionSlider.enabled or desk.message)
    assert desk.message == ""
    assert "minutes without use" in ui.sessionLabel.text
    assert "change limit" in ui.sessionMarksLabel.text
    assert not ui.sessionKeepButton.enabled  # the scan itself
    for value in (-10.0, -30.0, -60.0):  # dragged; only the last is computed
        ui.sessionSlider.value = value
    assert "..." in ui.sessionScoreLabel.text
    desk.until(lambda: "% changed" in ui.sessionScoreLabel.text)
    session = desk.widget.session._session
    assert session.point.score < session.ready["score"]
    ui.sessionKeepButton.click()
    assert not ui.sessionSlider.enabled
    desk.until(lambda: desk.widget.shown is not None and desk.widget.shown.result is not None)
    result = desk.widget.shown.result
    assert result.explanation.whole.lam == session.lam
    desk.until(lambda: ui.sessionSlider.enabled)
    desk.picture("session")
    pid = session._process.pid
    ui.sessionButton.click()
    assert ui.sessionButton.text == "Prepare"
    assert desk.widget.session._session is None
    assert session._process.outcome is not None, pid
    assert desk.message == "The session has ended."
    assert not [name for _, name in desk.census() if "live" in name]
    assert len(desk.jobs_files) == 1  # of the result that was kept
    assert desk.census() - before


def test_closing_the_scene_ends_a_session_that_is_being_prepared(app, desk):
    desk.choose()
    desk.ui.sessionButton.click()
    session = desk.widget.session._session
    desk.scene.Clear()
    assert session.finished
    assert desk.widget.session._session is None
    assert desk.ui.sessionButton.text == "Prepare"
    desk.add_chest()
    desk.widget.initializeParameterNode()


def test_another_method_has_no_slider_and_says_so(desk):
    desk.choose(method="responsibility")
    assert not desk.ui.sessionButton.enabled
    assert "Latent Shift" in desk.ui.sessionButton.toolTip
    desk.choose(method="latent-shift")
    assert desk.ui.sessionButton.enabled
