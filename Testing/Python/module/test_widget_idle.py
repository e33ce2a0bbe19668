"""The panel before anything runs: what it loads, shows, follows, and says of each method."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("slicer")
pytest.importorskip("PySide6.QtUiTools")

from PIL import Image

from CTCounterfactualLib.methods import choices
from CTCounterfactualLib.methods.registry import NAMES, find_method
from CTCounterfactualLib.setting_table import SETTINGS

REPOSITORY = Path(__file__).resolve().parents[3]
# Greys and colours that a drawn panel has at least; a blank one has one.
FEWEST_COLOURS = 30


def colours(path: Path) -> tuple[int, int, int]:
    """Width and height of a picture, and how many colours it has."""
    with Image.open(path) as picture:
        return *picture.size, len(picture.convert("RGB").getcolors(2**24))


def choose_method(desk, name: str) -> None:
    """Choose a method in the list, as a user does."""
    box = desk.ui.methodComboBox
    texts = [box.itemText(number) for number in range(box.count)]
    (row,) = [number for number, text in enumerate(texts) if text.endswith(f": {name}")]
    box.currentIndex = row
    assert desk.parameters.method == name


def test_the_panel_loads_without_torch(tmp_path):
    code = (
        "import sys; from pathlib import Path; from Harness.application import slicer_like\n"
        "with slicer_like(Path(sys.argv[1])) as app:\n"
        "    import slicer\n"
        "    frame = slicer.qMRMLWidget(); frame.setLayout(app.qt.QVBoxLayout())\n"
        "    widget = app.module.CTCounterfactualWidget(frame); widget.setup(); widget.enter()\n"
        "    print([m for m in ('torch', 'scipy', 'matplotlib') if m in sys.modules])\n"
        "    print(widget.ui.applyButton.enabled, widget.ui.applyButton.toolTip)\n"
        "    widget.cleanup()\n"
    )
    path = [str(REPOSITORY / "CTCounterfactual"), str(REPOSITORY / "Testing")]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = {path!r}\n{code}", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[:2] == ["[]", "False Select a CT scan first."]


def test_the_idle_panel_shows_the_engines_defaults(desk):
    ui = desk.ui
    assert desk.parameters.inputVolume is desk.chest
    assert ui.inputSelector.currentNodeID == desk.chest.GetID()
    assert (ui.chunkSpinBox.value, ui.maxChangeSlider.value) == (10, 5.0)
    assert ui.modeComboBox.currentText == "Whole volume, then each chunk"
    assert ui.targetLabel.text == "aerated lung volume (L)"
    assert (ui.applyButton.text, desk.message) == ("Apply", "")
    assert ui.progressWidget.isHidden()
    width, height, found = colours(desk.picture("idle"))
    assert (width, found > FEWEST_COLOURS) == (460, True)
    assert height > 800


def test_controls_and_parameters_follow_each_other(desk):
    desk.ui.chunkSpinBox.value = 7
    assert desk.parameters.chunk == 7
    desk.parameters.mode = "whole"
    assert desk.ui.modeComboBox.currentText == "Whole volume only"
    assert not desk.ui.chunkSpinBox.enabled
    desk.ui.defaultsButton.click()
    assert (desk.ui.chunkSpinBox.value, desk.parameters.mode) == (10, "both")


def test_the_methods_are_listed_by_their_kind_and_a_line_cannot_be_chosen(desk):
    box = desk.ui.methodComboBox
    texts = [box.itemText(number) for number in range(box.count)]
    assert [text.partition(": ")[2] for text in texts if text] == [
        method.name for method in choices.grouped()
    ]
    assert sorted(text.partition(": ")[2] for text in texts if text) == sorted(NAMES)
    kinds = [text.partition(":")[0] for text in texts if text]
    assert kinds == sorted(kinds, key=["Counterfactual", "Causal", "Saliency"].index)
    assert texts.count("") == len(set(kinds)) - 1
    box.currentIndex = texts.index("")
    assert desk.parameters.method == "latent-shift"
    choose_method(desk, "latent-shift")


@pytest.mark.parametrize("name", NAMES)
def test_what_a_method_needs_is_said_under_the_choice(desk, name):
    choose_method(desk, name)
    method = find_method(name)
    said = desk.ui.methodLabel.text.replace("&#x27;", "'")
    assert str(method.needs)[1:] in said and method.description[1:] in said
    choose_method(desk, "latent-shift")


def test_what_is_lacking_is_said_first(desk, monkeypatch):
    monkeypatch.setattr(choices, "find_spec", lambda name: None if name == "captum" else True)
    choose_method(desk, "guided-backprop")
    said = desk.ui.methodLabel.text
    assert said.startswith("<b>The package captum isn&#x27;t installed.</b>")
    assert "known to fail with random weights" in said
    monkeypatch.undo()
    choose_method(desk, "latent-shift")
    assert "<b>" not in desk.ui.methodLabel.text
    if find_spec("captum"):
        choose_method(desk, "guided-backprop")
        assert "<b>" not in desk.ui.methodLabel.text
        choose_method(desk, "latent-shift")


def test_settings_that_mean_nothing_to_a_method_are_grey(desk):
    ui = desk.ui
    always = ("deviceComboBox", "seedSpinBox", "outputsComboBox")
    searching = ("goalComboBox", "maxChangeSlider", "stepComboBox", "autoencoderComboBox")
    own = (
        "modeComboBox",
        "modeComboBoxCaption",
        "chunkSpinBox",
        "framesSpinBox",
        "regionSelector",
        "regionAutoCheckBox",
    )
    for name, enabled in (
        ("grad-cam", always),
        ("responsibility", always + searching),
        ("structures", (*always, *searching, "regionSelector")),
        ("latent-shift", always + searching + own),
    ):
        choose_method(desk, name)
        for control in always + searching + own:
            assert getattr(ui, control).enabled == (control in enabled), (name, control)
    assert not ui.targetScoreSpinBox.enabled  # its switch is off


def test_only_the_options_of_the_chosen_method_are_shown_and_reach_the_job(desk):
    from CTCounterfactualSlicer.panels.parameters import keywords_of

    ui = desk.ui
    assert ui.methodOptionsGroupBox.isHidden()
    choose_method(desk, "responsibility")
    assert not ui.methodOptionsGroupBox.isHidden()
    assert not ui.responsibilityDepthSpinBox.isHidden() and ui.smoothgradSamplesSpinBox.isHidden()
    assert not ui.responsibilityOcclusionLineEdit.enabled  # off: the counterfactual
    assert keywords_of(desk.parameters)["methodOptions"] == {}
    ui.responsibilityDepthSpinBox.value = 4
    ui.responsibilityOcclusionCheckBox.checked = True
    assert ui.responsibilityOcclusionLineEdit.enabled
    ui.responsibilityOcclusionLineEdit.text = "air"
    desk.parameters.regionAuto = True  # which only a counterfactual has
    keywords = keywords_of(desk.parameters)
    assert keywords["methodOptions"] == {"depth": 4, "occlusion": "air"}
    assert (keywords["method"], keywords["region"]) == ("responsibility", None)
    choose_method(desk, "latent-shift")
    assert keywords_of(desk.parameters)["methodOptions"] == {}
    assert keywords_of(desk.parameters)["region"] == "auto"
    ui.defaultsButton.click()
    desk.parameters.regionAuto = False
    assert ui.responsibilityDepthSpinBox.value == find_method("responsibility").options().depth


def test_structures_take_a_whole_segmentation(desk):
    from CTCounterfactualSlicer.panels.parameters import keywords_of

    choose_method(desk, "structures")
    assert desk.ui.regionSelectorCaption.text == "Structures:"
    desk.scene.RegisterNodeClass(desk.slicer.vtkMRMLSegmentationNode())
    node = desk.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "organs")
    desk.parameters.regionSegmentation = node
    assert desk.ui.segmentComboBox.isHidden()
    keywords = keywords_of(desk.parameters)
    assert (keywords["segments"], keywords["region"]) == (node, None)
    choose_method(desk, "latent-shift")
    assert desk.ui.regionSelectorCaption.text == "Region:"
    assert not desk.ui.segmentComboBox.isHidden()
    desk.scene.RemoveNode(node)
    assert keywords_of(desk.parameters)["segments"] is None


def test_a_spot_is_asked_where_the_last_point_lies_in_the_volumes_own_space(desk):
    from CTCounterfactualSlicer.panels.parameters import keywords_of

    assert desk.ui.spotButton.isHidden()
    choose_method(desk, "spot")
    assert not desk.ui.spotButton.isHidden()
    desk.ui.spotButton.click()
    assert "There is no point yet" in desk.message
    desk.scene.RegisterNodeClass(desk.slicer.vtkMRMLMarkupsFiducialNode())
    points = desk.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "F")
    for place in ((1.0, 2.0, 3.0), (10.0, -20.5, 30.0)):
        points.AddControlPointWorld(*place)
    moved = desk.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "moved")
    matrix = desk.slicer.util.vtkMatrixFromArray(
        np.array([[1, 0, 0, 4.0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
    )
    moved.SetMatrixTransformToParent(matrix)
    desk.chest.SetAndObserveTransformNodeID(moved.GetID())
    desk.ui.spotButton.click()
    assert desk.message == ""
    assert desk.ui.spotAtLineEdit.text == "6.0,-20.5,30.0"
    assert keywords_of(desk.parameters)["methodOptions"] == {"at": "6.0,-20.5,30.0"}
    desk.ui.defaultsButton.click()
    for node in (points, moved):
        desk.scene.RemoveNode(node)
    choose_method(desk, "latent-shift")


def test_every_option_of_every_method_has_a_row_with_its_words(desk):
    settings = [one for group in choices.option_settings().values() for one in group.values()]
    assert len({one.name for one in settings}) == len(settings) >= 20
    assert not {one.name for one in settings} & set(SETTINGS)
    for one in settings:
        stem = one.console_keyword
        names = [stem + end for end in ("ComboBox", "SpinBox", "LineEdit", "CheckBox")]
        found = [getattr(desk.ui, name) for name in names if hasattr(desk.ui, name)]
        assert found and all(one.help[1:] in control.toolTip for control in found), one.name


def test_the_panel_is_as_wide_as_it_was_whatever_it_shows(desk):
    """It jumped from 352 to 590 pixels with the logits of three probabilities."""
    from CTCounterfactualSlicer.panels.shown import Shown

    desk.frame.show()

    def width() -> int:
        desk.slicer.app.processEvents()
        desk.frame.layout().activate()
        return desk.frame.minimumSizeHint().width()

    idle = width()
    scores = {"original": 0.99751, "reconstruction": 0.99642, "counterfactual": 0.0097771}
    desk.widget.show(
        Shown(unit="probability", flags=("A warning of several words. " * 9,), **scores)
    )
    assert "logit" in desk.ui.counterfactualScoreLabel.text
    assert width() == idle
    desk.ui.methodOptionsGroupBox.collapsed = False
    for name in NAMES:
        choose_method(desk, name)
        assert width() <= idle, name
    choose_method(desk, "latent-shift")
    desk.ui.methodOptionsGroupBox.collapsed = True
    desk.widget.show(None)
    desk.frame.hide()


def test_a_result_whose_scan_was_deleted_is_no_result(desk):
    from CTCounterfactualLib.scene.make import provenance, roles
    from CTCounterfactualSlicer.panels.shown import main_nodes

    scan = desk.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "gone soon")
    node = desk.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "moved counterfactual")
    provenance.mark(node, roles.COUNTERFACTUAL)
    provenance.refer([node], scan, node)
    assert main_nodes(desk.scene) == [node]
    desk.scene.RemoveNode(scan)
    assert main_nodes(desk.scene) == []
    desk.widget.results.find_results()
    assert desk.message == ""
    desk.scene.RemoveNode(node)


def test_after_a_reload_on_the_screen_the_panel_follows_at_once(app, desk):
    """An index reviewer's first click: it was dead until one left the module and came back."""
    frame = app.qt.QWidget()
    frame.setLayout(app.qt.QVBoxLayout())
    type(frame).isEntered = lambda self: True
    try:
        widget = app.module.CTCounterfactualWidget(frame)
        widget.setup()
        desk.widget.exit()
        desk.scene.StartState(desk.scene.CloseState)
        desk.scene.EndState(desk.scene.CloseState)
        assert widget.parameterNode is not None
        widget.ui.chunkSpinBox.value = 9
        assert widget.parameterNode.chunk == 9
        widget.cleanup()
    finally:
        del type(frame).isEntered
        desk.widget.enter()
        desk.ui.defaultsButton.click()
