"""Maps in the panel: run, shown beside a counterfactual's words, compared, exported, and found."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("slicer")
pytest.importorskip("PySide6.QtUiTools")

from CTCounterfactualLib.scene.look import layouts
from CTCounterfactualLib.scene.make import provenance

QUICK = {
    "responsibilityIterations": 1,
    "responsibilityLeastMl": 400.0,
    "useResponsibilityOcclusion": True,
    "responsibilityOcclusion": "air",
}
RED = "Red"


@pytest.fixture(scope="module")
def mapped(desk):
    """A responsibility map, by Apply."""
    desk.apply(method="responsibility", **QUICK)
    desk.finish()
    assert desk.message == ""
    return desk.widget.shown


def composite(desk, view: str):
    """The node that says which volumes a view shows."""
    return desk.app.headless.slices[view].GetSliceCompositeNode()


def table(desk) -> list[list[str]]:
    cells = desk.ui.chunkTable
    return [
        [cells.item(row, column).text() for column in range(cells.columnCount)]
        for row in range(cells.rowCount)
    ]


def test_the_scores_the_sign_and_no_empty_scores(desk, mapped):
    ui = desk.ui
    assert ui.scanScoreLabel.text == f"{mapped.result.score:.4g} L"
    assert ui.counterfactualScoreLabel.isHidden() and ui.reductionCaption.isHidden()
    assert "responsibility: Which parts, kept alone" in ui.methodResultLabel.text
    assert "Positive: kept alone" in ui.methodResultLabel.text
    assert not ui.methodResultLabel.isHidden()


def test_rows_are_explanations_and_a_click_shows_one(desk, mapped):
    rows = table(desk)
    assert [row[0] for row in rows] == ["sufficient", "necessary", "complete"]
    headers = [desk.ui.chunkTable.horizontalHeaderItem(n).text() for n in range(5)]
    assert headers == ["Kind", "Volume (mL)", "Components (mL)", "Score (L)", "Score without (L)"]
    found = mapped.result.facts["explanations"]
    assert [float(row[1]) for row in rows] == pytest.approx([one["ml"] for one in found], rel=1e-3)
    composite(desk, RED).SetBackgroundVolumeID(desk.chest.GetID())
    parts = mapped.result.partNodes
    for number, name in enumerate(("sufficient", "necessary")):
        desk.ui.chunkTable.selectRow(number)
        assert composite(desk, RED).GetLabelVolumeID() == parts[name].GetID()
    desk.ui.allChunksButton.click()
    assert composite(desk, RED).GetLabelVolumeID() == mapped.nodes.heatmap.GetID()
    assert desk.ui.allChunksButton.text == "Show the whole map"


def test_rows_of_structures_are_their_share_reduction_and_volume(desk, mapped):
    from CTCounterfactualLib.methods.facts import listed
    from CTCounterfactualSlicer.panels.shown import Shown

    rows = [
        {"name": "left lung", "ml": 900.25, "share": 0.62, "alone": 1.5},
        {"name": "liver", "ml": 12.0, "share": None, "alone": None},
    ]
    facts = {"structures": {"unit": "logit", "rows": rows}}
    desk.widget.show(
        Shown(
            unit="probability",
            method="structures",
            gain_unit="logit",
            answer="The left lung carries 62 % of the <score>.",
            about="structures: Which.",
            listing=listed(facts, "structures"),
        )
    )
    try:
        headers = [desk.ui.chunkTable.horizontalHeaderItem(n).text() for n in range(4)]
        assert headers == ["Name", "Share (%)", "Gain alone (logit)", "Volume (mL)"]
        assert table(desk) == [
            ["left lung", "62.00", "1.500", "900.2"],
            ["liver", "", "", "12.0"],
        ]
        assert "<b>The left lung carries 62 % of the &lt;score&gt;.</b>" in (
            desk.ui.methodResultLabel.text
        )
    finally:
        desk.widget.show(mapped)


def test_what_a_map_has_not_is_grey(desk, mapped):
    ui = desk.ui
    for control in (
        ui.evidenceChartButton,
        ui.pathChartButton,
        ui.animationButton,
        ui.surfacesCheckBox,
        ui.exportAnimationButton,
    ):
        assert not control.enabled
    assert ui.compareButton.enabled and ui.exportReportButton.enabled
    assert ui.animationLabel.isHidden()


def test_a_map_is_compared_with_its_part_and_titled(desk, mapped):
    layout = desk.app.layout
    before = layout.GetViewArrangement()
    desk.ui.compareButton.click()
    assert (desk.message, layout.GetViewArrangement()) == ("", layouts.COMPARE)
    over = composite(desk, layouts.CHANGE_VIEW)
    assert over.GetForegroundVolumeID() == mapped.nodes.map.GetID()
    part = composite(desk, layouts.COUNTERFACTUAL_VIEW).GetLabelVolumeID()
    assert part == mapped.nodes.parts[0].GetID()
    desk.ui.heatmapOpacitySlider.value = 0.25
    assert over.GetForegroundOpacity() == 0.25
    desk.ui.compareBackButton.click()
    assert layout.GetViewArrangement() == before


def test_the_tests_of_trust_give_rows_that_are_kept_with_the_result(desk, mapped):
    ui = desk.ui
    assert ui.trustTable.isHidden() and ui.trustLabel.isHidden()
    ui.trustButton.click()
    assert ui.trustButton.text == "Cancel the tests"
    desk.until(lambda: ui.trustButton.text == "Can I trust this?")
    assert desk.message == ""
    told = json.loads((mapped.result.folder / "trust.json").read_text())
    rows = [
        [ui.trustTable.item(row, column).text() for column in range(3)]
        for row in range(ui.trustTable.rowCount)
    ]
    assert len(rows) >= 3
    assert [row[0] for row in rows] == [test["test"] for test in told["tests"]]
    assert [row[1].lower() for row in rows] == [test["status"] for test in told["tests"]]
    assert all(row[2] for row in rows)
    assert not ui.trustTable.isHidden() and ui.trustLabel.text.startswith("Tests: ")
    kept = json.loads(provenance.get_attribute(mapped.nodes.map, "trust"))
    assert kept["status"] == told["status"]
    assert not mapped.result.workplace.input.exists()
    assert ui.trustButton.enabled


def test_exports_of_a_map(desk, mapped, tmp_path, monkeypatch):
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
    for name in ("Folder", "Report"):
        getattr(desk.ui, f"export{name}Button").click()
        assert desk.message == "", name
    folder = tmp_path / "CHEST-responsibility"
    assert json.loads((folder / "result.json").read_text())["method"]["name"] == "responsibility"
    assert "<td>sufficient</td>" in (tmp_path / "CHEST-report.html").read_text(encoding="utf-8")
    desk.exported = folder


def test_a_result_folder_is_loaded_beside_and_all_are_compared(desk, mapped, monkeypatch):
    """The same map again, as if another method had made it: both are listed and shown."""
    record = json.loads((desk.exported / "result.json").read_text())
    record["method"]["name"] = "occlusion"
    (desk.exported / "result.json").write_text(json.dumps(record))
    assert not desk.ui.compareResultsButton.enabled
    monkeypatch.setattr(
        desk.app.qt.QFileDialog,
        "getExistingDirectory",
        staticmethod(lambda *_: str(desk.exported)),
        raising=False,
    )
    desk.ui.loadFolderButton.click()
    assert desk.message == ""
    assert desk.widget.shown.nodes.map.GetName() == "CHEST occlusion map"
    assert desk.ui.resultComboBox.count == 2
    desk.ui.resultComboBox.currentIndex = 0
    assert desk.widget.shown is not None and desk.widget.shown.method == "responsibility"
    layout = desk.app.layout
    former = layout.GetViewArrangement()
    for number in (layouts.compare_results(2), former):  # makes the views
        layout.SetViewArrangement(number)
    for view in layouts.RESULT_VIEWS[:2]:
        node = desk.scene.GetSingletonNode(view, "vtkMRMLSliceNode")
        desk.app.headless.add_slice_logic(node, 50)
    desk.ui.compareResultsButton.click()
    assert desk.message == ""
    assert desk.app.layout.GetViewArrangement() == layouts.compare_results(2)
    titles = [
        desk.scene.GetSingletonNode(view, "vtkMRMLSliceNode").GetLayoutLabel()
        for view in layouts.RESULT_VIEWS[:2]
    ]
    assert titles == ["responsibility", "occlusion"]
    shown = [composite(desk, view).GetForegroundVolumeID() for view in layouts.RESULT_VIEWS[:2]]
    assert shown == [desk.scene.GetFirstNodeByName(f"CHEST {name} map").GetID() for name in titles]
    desk.ui.compareBackButton.click()
    assert layout.GetViewArrangement() == former


def test_a_map_that_came_with_a_scene_is_shown_alike(desk, mapped):
    """Last: the scene is another one afterwards."""
    bundle = desk.files / "saved.mrb"
    desk.ui.resultComboBox.currentIndex = 0
    rows = table(desk)
    assert desk.scene.WriteToMRB(str(bundle), None, None)
    desk.scene.Clear(False)
    assert desk.scene.ReadFromMRB(str(bundle), False, None)
    desk.widget.enter()
    desk.ui.resultComboBox.currentIndex = 0
    again = desk.widget.shown
    assert (again.method, again.about, again.listing) == (
        mapped.method,
        mapped.about,
        mapped.listing,
    )
    assert table(desk) == rows and again.result is None
    assert desk.widget.parameterNode.method == "responsibility"
    desk.ui.chunkTable.selectRow(0)
    assert desk.message == ""
    values = desk.slicer.util.arrayFromVolume(again.nodes.map)
    assert np.isfinite(values).all() and values.any()
    assert provenance.get_attribute(again.nodes.map, "sign").startswith("positive")
