"""The panel from Apply to export: one real run, looked at from all sides."""

import html
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

pytest.importorskip("slicer")
pytest.importorskip("PySide6.QtUiTools")

from CTCounterfactualLib.counterfactual.result import DISCLAIMER
from CTCounterfactualLib.outputs.reading import read_result
from CTCounterfactualLib.scans.read import read_scan
from CTCounterfactualLib.scene.look import layouts
from CTCounterfactualLib.scene.make import provenance
from CTCounterfactualSlicer.says import says_of

CHUNKS = ["0-4", "4-8"]
RED, GREEN = "Red", "Green"
# Greys and colours that a drawn panel has at least; a blank one has one.
FEWEST_COLOURS = 30


@pytest.fixture(scope="module")
def run(desk):
    """One whole run; what the panel showed meanwhile, one entry per change."""
    seen = []

    def look() -> bool:
        ui = desk.ui
        now = {
            "progress": ui.progressBar.value,
            "rows": ui.chunkTable.rowCount,
            "step": ui.stepLabel.text,
            "scan": ui.scanScoreLabel.text,
            "heatmaps": len(desk.widget.shown.heatmaps) if desk.widget.shown else 0,
            "time": ui.timeLabel.text,
            "button": ui.applyButton.text,
            "visible": not ui.progressWidget.isHidden(),
        }
        if not seen or {**seen[-1], "time": ""} != {**now, "time": ""}:
            seen.append(now)
            if now["rows"] == 1 and now["heatmaps"] == 1 and "clicked" not in vars(desk):
                desk.clicked = True
                ui.chunkTable.selectRow(0)  # while it runs
                desk.jumped_while_running = offsets(desk)
                desk.picture("running")
        return not desk.widget.machine.busy

    desk.before = desk.census()
    look()
    desk.apply(mode="both", frames=1)
    desk.until(look)
    return seen


def offsets(desk) -> dict:
    """Where each slice view is, mm along its normal."""
    scene = desk.scene
    return {
        name: scene.GetSingletonNode(name, "vtkMRMLSliceNode").GetSliceOffset()
        for name in (RED, GREEN, *layouts.SLICE_VIEWS)
    }


def composite(desk, view: str):
    """The node that says which volumes a view shows."""
    return desk.app.headless.slices[view].GetSliceCompositeNode()


def colours(path: Path) -> tuple[int, int, int]:
    """Width and height of a picture, and how many colours it has."""
    with Image.open(path) as picture:
        return *picture.size, len(picture.convert("RGB").getcolors(2**24))


def test_progress_and_rows_come_while_it_runs(desk, run):
    assert desk.message == ""
    busy = [one for one in run if one["button"] == "Cancel"]
    progress = [one["progress"] for one in busy]
    assert progress == sorted(progress)
    assert len(set(progress)) > 5
    assert progress[-1] == 100
    assert all(one["visible"] for one in busy)
    assert {one["rows"] for one in busy} == {0, 1, 2}
    assert {one["heatmaps"] for one in busy} == {0, 1, 2}
    assert any("elapsed" in one["time"] and "left" in one["time"] for one in busy)
    assert any("chunk 1 of 2" in one["step"].lower() for one in busy)
    assert any(one["rows"] == 0 and one["scan"].endswith(" L") for one in busy)  # before the end
    assert (desk.ui.applyButton.text, desk.ui.progressWidget.isHidden()) == ("Apply", True)
    assert "Result written" in desk.ui.logText.plainText


def test_the_three_scores_their_reduction_and_the_disclaimer(desk, run):
    scores = desk.widget.shown.result.scores
    ui = desk.ui
    assert ui.scanScoreLabel.text == f"{scores.original:.4g} L"
    assert ui.reconstructionScoreLabel.text == f"{scores.reconstruction:.4g} L"
    assert ui.counterfactualScoreLabel.text == f"{scores.counterfactual:.4g} L"
    fell = scores.original - scores.counterfactual
    assert ui.reductionLabel.text == f"{fell:.4g} L ({fell / scores.original:.1%})"
    assert DISCLAIMER in ui.disclaimerLabel.text
    flags = desk.widget.shown.flags
    assert len(flags) >= 1  # a slab of 24 mm is warned about
    assert all(flag.split("'")[0] in ui.flagsLabel.text for flag in flags)
    assert not ui.flagsLabel.isHidden()


def test_the_result_is_told_in_sentences_which_stay_with_the_scene(desk, run):
    result = desk.widget.shown.result
    told = (result.folder / "what-this-says.txt").read_text(encoding="utf-8")
    assert not desk.ui.saysCollapsibleButton.isHidden()
    sentences = [line[2:] for line in told.splitlines() if line.startswith("- ")]
    assert len(sentences) >= 8
    shown = html.unescape(desk.ui.saysLabel.text)
    assert all(f"<li>{sentence}</li>" in shown for sentence in sentences)
    assert says_of(result.mainNode, None) == told


def test_the_table_has_a_row_per_chunk(desk, run):
    table = desk.ui.chunkTable
    rows = [[table.item(r, c).text() for c in range(table.columnCount)] for r in range(2)]
    assert [row[0] for row in rows] == CHUNKS
    assert all(row[4] == "as many tries as allowed" for row in rows)
    headers = [table.horizontalHeaderItem(n).text() for n in range(table.columnCount)]
    assert headers == ["Slices", "Reduction (L)", "After (L)", "Position (mm)", "Ended by"]
    chunks = desk.widget.shown.result.explanation.chunks
    for row, chunk in zip(rows, chunks, strict=True):
        assert row[3] == f"{chunk.slab_mm[0]:.0f} to {chunk.slab_mm[1]:.0f}"
        assert float(row[2]) == pytest.approx(chunk.score_after, abs=5e-5)


def test_where_the_score_shall_rise_the_panel_tells_its_increase(desk, run):
    shown, ui = desk.widget.shown, desk.ui
    rows = tuple(
        replace(row, direction="increase", score_before=2.0, score_after=after)
        for row, after in zip(shown.rows, (2.5, 1.5), strict=True)
    )
    desk.widget.show(
        replace(shown, direction="increase", original=2.0, counterfactual=3.0, rows=rows)
    )
    try:
        assert ui.reductionCaption.text == "Increase"
        assert ui.reductionLabel.text == "1 L (50.0%)"
        assert ui.chunkTable.horizontalHeaderItem(1).text() == "Increase (L)"
        cells = [[ui.chunkTable.item(row, n).text() for n in (1, 2)] for row in range(2)]
        # The same places behind the point all the way down, and a real minus.
        minus = "\N{MINUS SIGN}"
        assert cells == [["0.5000 (25.0%)", "2.500"], [f"{minus}0.5000 ({minus}25.0%)", "1.500"]]
    finally:
        desk.widget.show(shown)
    assert (ui.reductionCaption.text, ui.chunkTable.horizontalHeaderItem(1).text()) == (
        "Reduction",
        "Reduction (L)",
    )


def test_a_row_jumps_to_its_slices_and_shows_their_heatmap(desk, run):
    composite(desk, RED).SetBackgroundVolumeID(desk.chest.GetID())
    heatmaps = desk.widget.shown.nodes.chunk_heatmaps
    for number in (0, 1):
        desk.ui.chunkTable.selectRow(number)
        row = desk.widget.shown.rows[number]
        assert offsets(desk)[RED] == pytest.approx((row.low + row.high) / 2)
        assert composite(desk, RED).GetLabelVolumeID() == heatmaps[number].GetID()
        assert provenance.get_attribute(heatmaps[number], "start") == CHUNKS[number].split("-")[0]
    assert desk.ui.heatmapCheckBox.checked
    assert desk.jumped_while_running[RED] == pytest.approx(
        sum((desk.widget.shown.rows[0].low, desk.widget.shown.rows[0].high)) / 2
    )
    desk.ui.allChunksButton.click()
    combined = desk.widget.shown.nodes.heatmap
    assert composite(desk, RED).GetLabelVolumeID() == combined.GetID()
    assert desk.ui.chunkTable.selectedItems() == []
    assert desk.message == ""


def test_the_heatmap_can_be_hidden_and_dimmed(desk, run):
    composite(desk, RED).SetBackgroundVolumeID(desk.chest.GetID())
    desk.ui.chunkTable.selectRow(1)
    desk.ui.heatmapOpacitySlider.value = 0.25
    assert composite(desk, RED).GetLabelOpacity() == 0.25
    desk.ui.heatmapCheckBox.checked = False
    assert composite(desk, RED).GetLabelVolumeID() is None
    desk.ui.heatmapCheckBox.checked = True
    shown = composite(desk, RED).GetLabelVolumeID()
    assert shown == desk.widget.shown.nodes.chunk_heatmaps[1].GetID()


def test_compare_and_back(desk, run):
    ui, layout, nodes = desk.ui, desk.app.layout, desk.widget.shown.nodes
    standard = layout.GetViewArrangement()
    assert not ui.compareBackButton.enabled
    ui.compareMoreButton.click()
    assert layout.GetViewArrangement() == layouts.COMPARE_MORE
    ui.compareButton.click()
    assert layout.GetViewArrangement() == layouts.COMPARE
    shown = [composite(desk, view).GetBackgroundVolumeID() for view in layouts.SLICE_VIEWS]
    assert shown == [nodes.scan.GetID(), nodes.counterfactual.GetID(), nodes.scan.GetID()]
    assert composite(desk, layouts.CHANGE_VIEW).GetForegroundVolumeID() == nodes.change.GetID()
    nodes.scan.GetDisplayNode().SetWindowLevel(300, 40)
    window = nodes.counterfactual.GetDisplayNode()
    assert (window.GetWindow(), window.GetLevel()) == (300, 40)
    ui.orientationComboBox.currentIndex = 1
    view = desk.scene.GetSingletonNode(layouts.SCAN_VIEW, "vtkMRMLSliceNode")
    assert view.GetOrientation() == "Coronal"
    ui.orientationComboBox.currentIndex = 0
    ui.compareBackButton.click()
    assert layout.GetViewArrangement() == standard
    assert not ui.compareBackButton.enabled
    nodes.scan.GetDisplayNode().SetWindowLevel(1500, -500)
    assert window.GetWindow() == 300  # each its own again
    assert desk.message == ""


def test_the_change_plays(desk, run):
    ui = desk.ui
    assert ui.animationWidget.isHidden()
    ui.animationButton.click()
    nodes = desk.widget.shown.nodes
    assert desk.message == ""
    assert not ui.animationWidget.isHidden()
    browser = nodes.animation.browser
    assert browser.GetNumberOfItems() == 3  # scan, one frame, counterfactual
    scores = desk.widget.shown.result.scores
    for number, score in ((0, scores.original), (2, scores.counterfactual)):
        browser.SetSelectedItemNumber(number)
        assert ui.animationLabel.text == f"Score: {score:.4g} L"
    playing = composite(desk, layouts.COUNTERFACTUAL_VIEW).GetForegroundVolumeID()
    assert playing == nodes.animation.proxy.GetID()
    ui.compareBackButton.click()


def test_surfaces_come_and_go(desk, run):
    box = desk.ui.surfacesCheckBox
    box.checked = True
    assert desk.message == ""
    models = desk.widget.shown.nodes.surfaces
    assert len(models) >= 1
    assert all(model.GetDisplayNode().GetVisibility() for model in models)
    box.checked = False
    assert not any(model.GetDisplayNode().GetVisibility() for model in models)
    box.checked = True
    assert desk.widget.shown.nodes.surfaces == models


def test_plots_are_shown(desk, run):
    selection = desk.scene.GetFirstNodeByClass("vtkMRMLSelectionNode")
    for button in (desk.ui.evidenceChartButton, desk.ui.pathChartButton):
        button.click()
        assert desk.message == ""
    chart = desk.widget.shown.nodes.path_chart
    assert selection is None or selection.GetActivePlotChartID() == chart.GetID()


def test_exports(desk, run, tmp_path, monkeypatch):
    dialog = desk.app.qt.QFileDialog
    monkeypatch.setattr(
        dialog,
        "getSaveFileName",
        staticmethod(lambda parent, title, path, filters: str(tmp_path / Path(path).name)),
        raising=False,
    )
    monkeypatch.setattr(
        dialog, "getExistingDirectory", staticmethod(lambda *_: str(tmp_path)), raising=False
    )
    ui = desk.ui
    made = {}
    for name in ("Folder", "Report", "Figure", "Animation"):
        getattr(ui, f"export{name}Button").click()
        assert desk.message == "", name
        made[name] = Path(ui.exportLabel.text.removeprefix("Written: ").replace("\u200b", ""))
        assert made[name].parent == tmp_path
    result = desk.widget.shown.result
    back = read_result(made["Folder"], result.explanation.scan)
    assert np.array_equal(back.counterfactual, result.explanation.counterfactual)
    page = made["Report"].read_text(encoding="utf-8")
    assert DISCLAIMER in page
    assert "CHEST" in page
    with Image.open(made["Animation"]) as film:
        assert film.format == "GIF"
        assert film.n_frames >= 3
    assert colours(made["Figure"])[2] > FEWEST_COLOURS
    pytest.importorskip("highdicom")
    ui.exportDicomButton.click()
    assert desk.message == ""
    made["Dicom"] = Path(ui.exportLabel.text.removeprefix("Written: ").replace("\u200b", ""))
    assert made["Dicom"].name == "CHEST-counterfactual-dicom"
    dicom = read_scan(made["Dicom"] / "counterfactual")
    assert np.array_equal(dicom.array, result.explanation.counterfactual)
    ui.exportFolderButton.click()  # again: asks, and replaces
    assert desk.message == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        path.name for path in made.values()
    )


def test_a_failed_export_is_said_in_words(desk, run, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(
        desk.app.qt.QFileDialog,
        "getSaveFileName",
        staticmethod(lambda *_: str(tmp_path / "file" / "report.html")),
        raising=False,
    )
    desk.ui.exportReportButton.click()
    assert "report.html" in desk.message
    assert "Choose another place" in desk.message
    desk.ui.messageCloseButton.click()
    assert desk.message == ""


def test_the_panel_with_results_is_drawn(desk, run):
    for name in ("compare", "export", "setup"):
        getattr(desk.ui, f"{name}CollapsibleButton").collapsed = False
    _, height, found = colours(desk.picture("done"))
    assert found > FEWEST_COLOURS
    assert height > 1000
    _, _, running = colours(desk.files / "running.png")
    assert running > FEWEST_COLOURS


def test_a_saved_scene_brings_parameters_and_results_back(desk, run):
    """Last but one: the scene is another one afterwards."""
    shown = desk.widget.shown
    desk.choose(chunk=4, mode="both", levelEdges="12, 34", seed=5)
    bundle = desk.files / "saved.mrb"
    assert desk.scene.WriteToMRB(str(bundle), None, None)
    desk.scene.Clear(False)
    assert (desk.widget.shown, desk.ui.chunkTable.rowCount) == (None, 0)
    assert desk.ui.scanScoreLabel.text == "-"
    assert not desk.ui.applyButton.enabled
    assert desk.scene.ReadFromMRB(str(bundle), False, None)
    desk.widget.enter()
    again, parameters = desk.widget.shown, desk.widget.parameterNode
    assert (parameters.levelEdges, parameters.seed, parameters.chunk) == ("12, 34", 5, 4)
    assert desk.ui.levelEdgesLineEdit.text == "12, 34"
    assert parameters.inputVolume.GetName() == "CHEST"
    assert desk.ui.applyButton.enabled
    assert (again.flags, again.unit, again.target) == (shown.flags, shown.unit, shown.target)
    assert again.original == pytest.approx(shown.original)
    assert [row.start for row in again.rows] == [row.start for row in shown.rows]
    assert again.result is None  # files can't be exported, and the panel says so
    assert "came with the scene" in desk.ui.exportLabel.text
    assert not desk.ui.exportFolderButton.enabled
    assert desk.ui.compareButton.enabled
    desk.ui.chunkTable.selectRow(1)
    assert offsets(desk)[RED] == pytest.approx(sum((again.rows[1].low, again.rows[1].high)) / 2)
    desk.chest = parameters.inputVolume


def test_running_again_replaces_or_keeps(desk, run):
    """Last: with results of an earlier session in the scene, and a heatmap in a view."""
    composite(desk, RED).SetBackgroundVolumeID(desk.chest.GetID())
    desk.ui.allChunksButton.click()
    first, before = desk.widget.shown.nodes.counterfactual, desk.census()
    desk.apply(mode="chunks")
    desk.finish()
    assert desk.message == ""
    assert first.GetScene() is None
    # The same again, without what was made on request.
    assert sorted((desk.census() - before).elements()) == []
    assert desk.scene.GetNumberOfNodesByClass("vtkMRMLSequenceNode") == 0
    kept = desk.widget.shown.nodes.counterfactual
    desk.apply(outputs="keep")
    desk.finish()
    assert kept.GetScene() is desk.scene
    assert desk.widget.shown.nodes.counterfactual.GetName() != kept.GetName()
    assert desk.ui.resultComboBox.count == 2
    assert not desk.ui.resultComboBox.isHidden()
    desk.ui.resultComboBox.currentIndex = 0
    assert desk.widget.shown.nodes.counterfactual is kept
    assert desk.ui.chunkTable.rowCount == 2
