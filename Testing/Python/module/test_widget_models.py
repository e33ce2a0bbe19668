"""The section Models in the panel: lists, a real fetch with cancel, licences, and an own model."""

import os
from unittest import mock

import pytest

pytest.importorskip("slicer")
pytest.importorskip("PySide6.QtUiTools")
pytest.importorskip("Harness.application")

from CTCounterfactualLib.models.store.cache import FOLDER_VARIABLE, PARTIAL_SUFFIX
from CTCounterfactualSlicer import model_files, own_models
from model_server import CONTENT, ModelServer
from own_model import CARD, NETWORK

MODEL, LICENSED, FILE = "lung-size", "merlin-phecodes", "lungmask-unet_r231-d5d2fc3d.pth"


@pytest.fixture(scope="module", autouse=True)
def models(tmp_path_factory):
    """Where fetched files go; nothing is there, and no own model is known."""
    folder = tmp_path_factory.mktemp("models")
    with (
        mock.patch.dict(os.environ, {FOLDER_VARIABLE: str(folder)}),
        mock.patch.object(own_models, "_session", {}),
    ):
        yield folder


@pytest.fixture
def server(tmp_path, monkeypatch):
    server = ModelServer()
    python = server.python(tmp_path, FILE, {MODEL: "Apache-2.0"})
    monkeypatch.setattr(model_files, "python_executable", lambda: python)
    yield server
    server.close()


@pytest.fixture
def answer(desk, monkeypatch):
    """Return a function that sets the answer to every question; it returns what was asked."""

    def give(yes: bool) -> list:
        asked = []
        for name in ("confirmOkCancelDisplay", "confirmYesNoDisplay"):

            def say(text, windowTitle=None, **details):
                asked.append(text)
                return yes

            monkeypatch.setattr(desk.slicer.util, name, say, raising=False)
        return asked

    return give


def select(desk, name: str) -> None:
    names = [entry.name for entry in desk.widget.models.entries]
    desk.ui.modelsTable.selectRow(names.index(name))


def idle(desk) -> bool:
    return desk.widget.models.job is None


def row_of(desk, name: str) -> list[str]:
    table, names = desk.ui.modelsTable, [entry.name for entry in desk.widget.models.entries]
    return [table.item(names.index(name), n).text() for n in range(table.columnCount)]


def test_all_models_are_listed_with_status_size_licence_and_origin(desk):
    assert row_of(desk, MODEL)[:4] == [MODEL, "needs download of 124 MB", "124 MB", "Apache-2.0"]
    assert "Vienna" in row_of(desk, MODEL)[4]
    assert row_of(desk, "lung-volume")[1] == "Ready"
    box = desk.ui.classifierComboBox
    texts = [box.itemText(n) for n in range(box.count)]
    assert "lung-volume" in texts and f"{LICENSED} (needs download of 488 MB)" in texts


def test_buttons_fit_the_selected_model(desk):
    ui = desk.ui
    buttons = (ui.modelFetchButton, ui.modelLocalButton, ui.modelVerifyButton, ui.modelRemoveButton)
    select(desk, "lung-volume")
    assert [button.enabled for button in buttons] == [False] * 4
    select(desk, MODEL)
    assert [button.enabled for button in buttons] == [True, True, False, False]
    details = ui.modelDetailsLabel.text
    assert "From: https://github.com/ieee8023/" in details and FILE in details


def test_apply_on_a_model_that_is_not_here_says_what_to_do(desk, answer):
    asked = answer(False)
    desk.apply(classifier=LICENSED)
    assert "needs download of 488 MB" in asked[0] and "not stated for the weights" in asked[0]
    assert not desk.widget.machine.busy and idle(desk)
    assert "fetch it under Models" in desk.message
    assert "needs download of 488 MB" in desk.ui.classifierStatusLabel.text
    desk.choose(classifier="lung-volume")


def test_terms_that_are_not_accepted_fetch_nothing(desk, answer, server):
    asked = answer(False)
    select(desk, LICENSED)
    desk.ui.modelFetchButton.click()
    assert len(asked) == 1 and "whose terms of use hold" in asked[0]
    assert idle(desk) and server.asked == []
    assert "the terms were not accepted" in desk.message


def test_fetch_cancel_and_fetch_again(desk, answer, server, models):
    asked = answer(True)
    server.slow.set()
    partial = models / f"{FILE}{PARTIAL_SUFFIX}"
    select(desk, MODEL)
    button = desk.ui.modelFetchButton
    button.click()
    assert (button.text, button.enabled) == ("Cancel", True)
    assert not desk.ui.modelAddButton.enabled and not desk.ui.modelProgressWidget.isHidden()
    desk.until(lambda: partial.is_file() and desk.ui.modelProgressBar.value > 0)
    assert FILE in desk.ui.modelStepLabel.text
    desk.picture("fetching")
    button.click()
    assert not button.enabled
    desk.until(lambda: idle(desk))
    assert "What has arrived is kept" in desk.message and partial.stat().st_size > 0
    server.slow.clear()
    button.click()
    desk.until(lambda: idle(desk))
    assert desk.message.endswith(f"Ready: {MODEL}.")
    assert (models / FILE).read_bytes() == CONTENT and server.asked[1].startswith("bytes=")
    assert row_of(desk, MODEL)[1] == "Ready" and (button.text, button.enabled) == ("Fetch", False)
    box = desk.ui.classifierComboBox
    assert MODEL in [box.itemText(n) for n in range(box.count)]
    assert asked == []  # its licence asks for nothing


def test_verify_finds_what_its_publisher_did_not_make(desk, models):
    (models / FILE).write_bytes(CONTENT)
    desk.widget.models.look()
    select(desk, MODEL)
    desk.ui.modelVerifyButton.click()
    desk.until(lambda: idle(desk))
    assert "its publisher's is d5d2fc3d" in desk.message.replace("&#x27;", "'")


def test_remove_asks_and_deletes(desk, answer, models):
    (models / FILE).write_bytes(CONTENT)
    desk.widget.models.look()
    select(desk, MODEL)
    answer(False)
    desk.ui.modelRemoveButton.click()
    assert (models / FILE).is_file()
    answer(True)
    desk.ui.modelRemoveButton.click()
    assert not (models / FILE).exists() and "4 MB freed" in desk.message
    assert row_of(desk, MODEL)[1] == "needs download of 124 MB"


def test_an_own_model_is_asked_for_once_added_and_explained(desk, answer, tmp_path, monkeypatch):
    (tmp_path / "net.py").write_text(NETWORK)
    card = tmp_path / "mine.json"
    card.write_text(CARD)
    monkeypatch.setattr(
        desk.app.qt.QFileDialog, "getOpenFileName", lambda *given: str(card), raising=False
    )
    asked = answer(False)
    desk.ui.modelAddButton.click()
    desk.until(lambda: idle(desk))
    assert len(asked) == 1 and "net.py is code, not only data" in asked[0]
    assert "was not run" in desk.message
    assert desk.widget.models.find(str(card)) is None
    asked = answer(True)
    desk.ui.modelAddButton.click()
    desk.until(lambda: idle(desk))
    assert len(asked) == 1 and desk.message.endswith("mine works and is in the lists now.")
    assert row_of(desk, str(card))[:4] == ["mine", "Ready", "", "MIT"]
    desk.apply(classifier=str(card))
    desk.finish()
    assert desk.message == ""
    assert desk.widget.shown.result.explanation.target.name == "mean"
    # Edited code is other code: Apply asks anew and then goes on by itself.
    (tmp_path / "net.py").write_text(NETWORK + "# edited\n")
    asked = answer(True)
    desk.apply(classifier=str(card))
    desk.until(lambda: asked)
    desk.finish()
    assert len(asked) == 1 and desk.message == ""
    # An edited card is loaded again before it is used.
    card.write_text(CARD.replace("Mean", "The mean"))
    desk.apply(classifier=str(card))
    assert "Verify" in desk.message and not desk.widget.machine.busy
    select(desk, str(card))
    desk.ui.modelVerifyButton.click()
    desk.until(lambda: idle(desk))
    assert desk.widget.models.find(str(card)).description == "The mean brightness"
    select(desk, str(card))
    desk.ui.modelRemoveButton.click()
    assert desk.widget.models.find(str(card)) is None and card.is_file()
    desk.choose(classifier="lung-volume")


def test_the_section_can_be_drawn(desk):
    desk.ui.modelsCollapsibleButton.collapsed = False
    assert desk.picture("models").stat().st_size > 0
