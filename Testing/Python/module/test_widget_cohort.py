"""The section "Cohort" with real Qt: the table of cases, sorted as numbers; a click loads one."""

import importlib.util
from pathlib import Path

import pytest

pytest.importorskip("slicer")
pytest.importorskip("PySide6.QtUiTools")
pytest.importorskip("pyarrow")

from CTCounterfactualLib.cohort.rows import DONE, FAILED, CaseRow
from CTCounterfactualLib.cohort.tables import write_tables
from CTCounterfactualLib.outputs.folder import write_result

FACTORY = Path(__file__).parents[1] / "scene" / "scene_factory.py"


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Return a folder of four cases: one whole, one without a folder, one that failed, one more."""
    spec = importlib.util.spec_from_file_location("explanations", FACTORY)
    factory = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(factory)
    folder = tmp_path_factory.mktemp("cohort")
    write_result(factory.make_explanation(), folder / "cases" / "a", scene=False, with_scan=True)
    scores = [("a", 10.0, "cases/a"), ("b", 9.5, ""), ("d", 100.0, "cases/d")]
    rows = [
        CaseRow(
            id, f"/d/{id}", "", id, 1.0, DONE, score_original=score, reduction=1.0, folder=place
        )
        for id, score, place in scores
    ]
    rows.append(CaseRow("c", "/d/c", "", "c", 0.0, FAILED, reason="It is cut off."))
    write_tables(folder, rows, [])
    return folder


@pytest.fixture(scope="module")
def opened(desk, cohort):
    """The panel with the cohort open."""
    dialog = desk.app.qt.QFileDialog
    before = dialog.getExistingDirectory
    dialog.getExistingDirectory = staticmethod(lambda *_: str(cohort))
    desk.ui.cohortButton.click()
    dialog.getExistingDirectory = before
    assert desk.message == ""
    return desk


def column(desk, number):
    table = desk.ui.cohortTable
    return [table.item(row, number).text() for row in range(table.rowCount)]


def click(desk, id):
    table = desk.ui.cohortTable
    table.cellClicked.emit(column(desk, 0).index(id), 0)


def test_the_table_and_what_it_says(opened):
    assert sorted(column(opened, 0)) == ["a", "b", "c", "d"]
    assert opened.ui.cohortLabel.text.endswith("3 of 4 cases explained.")
    failed = column(opened, 6)[column(opened, 0).index("c")]
    assert failed == "failed: It is cut off."


def test_numbers_are_sorted_as_numbers(opened):
    qt = opened.app.qt
    opened.ui.cohortTable.sortItems(2, qt.Qt.DescendingOrder)
    assert column(opened, 0)[:3] == ["d", "a", "b"]  # 100 before 10 before 9.5


def test_a_click_loads_the_case_that_stands_there(opened):
    """Sorted otherwise than the file, the row's own case is loaded."""
    click(opened, "a")
    assert opened.message == ""
    shown = opened.widget.shown
    assert shown is not None and shown.usable


def test_what_cannot_be_loaded_says_why(opened):
    click(opened, "c")
    assert "It is cut off." in opened.message
    for id in ("b", "d"):  # no folder, and one whose files were not kept
        click(opened, id)
        assert f"Only the numbers of {id} were kept" in opened.message


def test_another_folder_leaves_the_open_one(opened, tmp_path):
    dialog = opened.app.qt.QFileDialog
    before = dialog.getExistingDirectory
    dialog.getExistingDirectory = staticmethod(lambda *_: str(tmp_path))
    opened.ui.cohortButton.click()
    dialog.getExistingDirectory = before
    assert "no finished cohort" in opened.message
    assert len(column(opened, 0)) == 4


def test_a_readers_session_shows_numbers_only(opened, cohort, tmp_path):
    from CTCounterfactualLib.readers.make import StudySettings, make_study

    whole = tmp_path / "cohort"
    rows = [
        CaseRow(id, f"/d/{id}", "", id, label, DONE, folder="cases/a")
        for id, label in (("a", 1.0), ("z", 0.0))
    ]
    (whole / "cases").mkdir(parents=True)
    for id in ("a", "z"):
        (whole / "cases" / id).symlink_to(cohort / "cases" / "a")
    write_tables(whole, rows, [])
    study = make_study(whole, tmp_path / "study", StudySettings(("1",), question="fluid"))
    session = opened.widget.logic.readerStudy(study, whole, "1")
    before = opened.census()
    assert "Is there: fluid?" in session.show()
    names = {name for _, name in (opened.census() - before)}
    number = session.reading.current.number
    assert number in names and all(name.startswith(number) or not name for name in names)
    assert "1 of 2" in session.answer(4)
    assert "last case" in session.answer(2, "left")
    assert opened.census() == before
