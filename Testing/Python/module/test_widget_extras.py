"""Measures, spots, small changes, console results, loaded scans and widths, at the real panel."""

import types

import numpy as np
import pytest

pytest.importorskip("slicer")
pytest.importorskip("PySide6.QtUiTools")

import slicer

from CTCounterfactualLib.scene.make import provenance
from CTCounterfactualLib.scene.make.colors import shown_from
from CTCounterfactualSlicer import measure_job
from CTCounterfactualSlicer.packages import CAPTUM, Package

WIDTH = 380  # of the panel: more would not fit beside three views on 1366 pixels
LONG = "A_volume_with_a_name_that_is_as_long_as_they_come_from_some_scanners_and_has_no_blanks"


@pytest.fixture(scope="module")
def run(desk):
    """One run of all slices together."""
    desk.apply()
    desk.finish()
    assert desk.message == ""
    return desk


def fits(desk) -> bool:
    desk.slicer.app.processEvents()
    return desk.ui.CTCounterfactual.minimumSizeHint().width() <= WIDTH


def test_the_panel_never_asks_for_more_width(run):
    ui = run.ui
    assert fits(run)
    run.chest.SetName(LONG)
    for section in ("input", "settings", "results", "compare", "export", "models", "setup"):
        getattr(ui, f"{section}CollapsibleButton").collapsed = False
        assert fits(run), section
    ui.advancedGroupBox.collapsed = ui.methodOptionsGroupBox.collapsed = False
    for method in ("structures", "spot", "responsibility", "integrated-gradients", "latent-shift"):
        run.parameters.method = method
        assert fits(run), method
    run.widget.messages.show_error(f"Can't write /home/{LONG}/{LONG}.nrrd.")
    assert fits(run)
    run.widget.messages.clear()
    run.chest.SetName("CHEST")


def test_small_changes_are_hidden_by_a_row(run):
    colors = run.widget.shown.nodes.change.GetDisplayNode().GetColorNode()
    box = run.ui.thresholdSpinBox
    assert (box.enabled, box.value) == (True, shown_from(colors))

    def drawn() -> int:
        table = colors.GetLookupTable()
        return sum(table.GetTableValue(n)[3] > 0 for n in range(256))

    before = drawn()
    box.value = 60
    assert shown_from(colors) == 60
    assert 0 < drawn() < before
    assert run.message == ""


def test_measures_come_as_a_table_and_stay_with_the_scene(run, monkeypatch):
    ui = run.ui
    assert ui.measureTable.isHidden()
    ui.measureButton.click()
    assert ui.measureButton.text == "Cancel the measuring"
    run.until(lambda: ui.measureButton.text == "Measure")
    assert run.message == ""
    names = [ui.measureTable.item(row, 0).text() for row in range(ui.measureTable.rowCount)]
    assert {"Reduction", "Changed", "Ssim"} <= set(names)
    value = ui.measureTable.item(names.index("Reduction"), 1).text()
    scores = run.widget.shown.result.scores
    assert float(value.split()[0]) == pytest.approx(
        scores.original - scores.counterfactual, rel=0.01
    )
    assert "how far the score moved" in ui.measureTable.item(names.index("Reduction"), 2).text()
    assert "Not measured" in ui.measureLabel.text  # no truth is known
    assert measure_job.measures_of(run.widget.shown.nodes.main)["measures"]
    # Without its files nothing can be measured, but what was is shown.
    shown = run.widget.shown
    run.widget.show(type(shown).of_nodes(shown.nodes))
    assert not ui.measureButton.enabled
    assert ui.measureTable.rowCount == len(names)
    run.widget.show(shown)


def test_a_result_of_the_console_shows_at_once(run):
    before = run.widget.shown
    result = run.widget.logic.explain(
        run.chest, mode="whole", frames=0, maxEvaluations=2, device="cpu", outputs="keep"
    )
    assert run.widget.shown.result is result
    assert run.widget.shown is not before
    assert run.ui.resultComboBox.count == 2
    assert run.message == ""


def test_a_loaded_scan_is_chosen(run):
    parameters = run.widget.parameterNode
    selection = run.scene.GetFirstNodeByClass("vtkMRMLSelectionNode")

    def load(name: str, kind: str = "vtkMRMLScalarVolumeNode"):
        node = run.scene.AddNewNodeByClass(kind, name)
        slicer.util.updateVolumeFromArray(node, np.zeros((2, 2, 2), np.int16))
        return node

    helper = load("Something that a module made")
    run.slicer.app.processEvents()
    assert parameters.inputVolume is run.chest
    loaded = load("Scan")
    selection.SetActiveVolumeID(loaded.GetID())  # what loading a file does
    run.until(lambda: parameters.inputVolume is loaded, 10)
    parameters.inputVolume = None
    labels = load("Labels", "vtkMRMLLabelMapVolumeNode")
    ours = load("Ours")
    provenance.set_attributes(ours, role="change")
    run.slicer.app.processEvents()
    assert parameters.inputVolume is None
    for node in (helper, loaded, labels, ours):
        run.scene.RemoveNode(node)
    parameters.inputVolume = run.chest


def test_a_click_in_a_view_asks_about_that_spot(run, monkeypatch):
    asked = []
    monkeypatch.setattr(run.widget.run, "apply", lambda: asked.append(run.ui.spotAtLineEdit.text))
    run.scene.RegisterNodeClass(slicer.vtkMRMLMarkupsFiducialNode())
    run.parameters.method = "spot"
    ui = run.ui
    interaction = run.scene.GetFirstNodeByClass("vtkMRMLInteractionNode")
    assert not ui.spotClickButton.isHidden()
    ui.spotClickButton.click()
    assert interaction.GetCurrentInteractionMode() == interaction.Place
    node = run.scene.GetFirstNodeByName("Spot")
    node.AddControlPoint(10.0, -20.0, 130.0)
    assert asked == ["10.0,-20.0,130.0"]
    assert interaction.GetCurrentInteractionMode() != interaction.Place
    ui.spotClickButton.click()
    assert "stop" in ui.spotClickButton.text
    ui.spotClickButton.click()  # thought better of it
    node.AddControlPoint(1.0, 2.0, 3.0)
    assert len(asked) == 1
    run.parameters.method = "latent-shift"
    assert ui.spotClickButton.isHidden()


def test_captum_is_offered_where_it_is_missing(run, monkeypatch):
    installed = []
    monkeypatch.setattr(Package, "installed", property(lambda self: self is not CAPTUM))
    monkeypatch.setattr(
        "CTCounterfactualSlicer.installation.install", lambda missing: installed.extend(missing)
    )
    questions = []
    monkeypatch.setattr(
        slicer.util,
        "confirmOkCancelDisplay",
        lambda text, **_: bool(questions.append(text)) or len(questions) > 1,
        raising=False,
    )
    monkeypatch.setattr(
        slicer.util,
        "WaitCursor",
        lambda: types.SimpleNamespace(__enter__=lambda: None, __exit__=lambda *_: None),
        raising=False,
    )
    assert run.ui.installMethodButton.isHidden()
    run.parameters.method = "integrated-gradients"
    assert not run.ui.installMethodButton.isHidden()
    run.ui.installMethodButton.click()
    assert installed == []  # the user said no
    assert "captum" in questions[0]
    assert "Saliency maps" in questions[0]
    run.ui.messageCloseButton.click()
    run.parameters.method = "latent-shift"


def test_scores_side_by_side_have_the_same_digits(run):
    from CTCounterfactualSlicer.panels import texts

    assert texts.scores((0.0098, 0.0981, None), "L") == ["0.00980 L", "0.09810 L", "-"]
    assert texts.scores((0.9975, 0.5), "probability")[1] == "0.5000 probability (logit 0.00)"
    assert texts.scores((None, None, None), "") == ["-", "-", "-"]


def test_long_paths_can_be_wrapped_and_lose_no_letter(run):
    from CTCounterfactualSlicer.panels.texts import BREAK, breakable

    path = f"/home/{LONG}/report.html"
    assert breakable(path).replace(BREAK, "") == path
    assert max(map(len, breakable(path).split(BREAK))) <= 30
    assert breakable("Nothing long here.") == "Nothing long here."


def test_a_deleted_scan_is_said_and_a_closed_scene_takes_its_words_along(run):
    """Last: the scene is empty afterwards."""
    run.scene.RemoveNode(run.chest)
    assert "The scan of the result was deleted" in run.message
    assert run.widget.shown is None
    assert run.ui.chunkTable.rowCount == 0
    run.scene.Clear(False)
    assert run.message == ""
    assert run.ui.exportLabel.isHidden()
