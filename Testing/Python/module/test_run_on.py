"""The panel's choice "Run on": a host is added, tested, used and removed, over real ssh."""

import json
import shlex
import sys
from pathlib import Path
from unittest import mock

import pytest

pytest.importorskip("slicer")
pytest.importorskip("PySide6.QtUiTools")

import CTCounterfactualLib
from CTCounterfactualLib.remote.hosts import FILE_VARIABLE, read_hosts
from CTCounterfactualLib.remote.ssh import PROGRAM_VARIABLE
from ssh_server import CAN_RUN, LACKING, running_server

LIBRARY = Path(CTCounterfactualLib.__file__).parent


@pytest.fixture
def there(tmp_path, monkeypatch):
    """The folder of temporary files on the host `lab`, which ssh reaches."""
    if not CAN_RUN:
        pytest.skip(LACKING)
    (tmp_path / "there").mkdir()
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "hosts.json"))
    with running_server(tmp_path) as config:
        monkeypatch.setenv(PROGRAM_VARIABLE, f"ssh -F {shlex.quote(str(config))}")
        yield tmp_path / "there"


def add_lab(desk, folder: Path, name: str = "") -> None:
    """Fill in the form and save it."""
    ui = desk.ui
    ui.runOnAddButton.click()
    assert not ui.runOnForm.isHidden()
    ui.hostDestinationEdit.text = "lab"
    ui.hostNameEdit.text = name
    ui.hostCommandEdit.text = shlex.join(["env", "OMP_NUM_THREADS=1", sys.executable, str(LIBRARY)])
    ui.hostFolderEdit.text = str(folder)
    ui.hostSaveButton.click()


def test_a_host_is_added_tested_used_and_removed(desk, there):
    ui, panel = desk.ui, desk.widget.run_on
    assert (ui.runOnComboBox.currentText, panel.chosen) == ("This computer", "")
    assert not ui.runOnTestButton.enabled
    add_lab(desk, there, "my lab")
    assert (desk.message, panel.chosen, ui.runOnForm.isHidden()) == ("", "my lab", True)
    assert read_hosts()["my lab"].destination == "lab"
    ui.runOnTestButton.click()
    assert ui.runOnTestButton.text == "Cancel"
    desk.until(lambda: ui.runOnTestButton.text == "Test")
    assert "my lab is ready." in desk.message
    for word in ("Python: 3.", "PyTorch: 2.", "GPU: ", "Memory: ", "free in"):
        assert word in desk.message
    # Neither packages nor model files are looked for here: both are that computer's.
    with mock.patch("CTCounterfactualSlicer.node_job.check_packages", side_effect=AssertionError):
        desk.apply()
        desk.finish()
    assert desk.message == ""
    assert desk.widget.shown.usable
    record = desk.widget.shown.result.folder / "result.json"
    assert json.loads(record.read_text())["host"] == "my lab"
    assert list(there.iterdir()) == []
    with mock.patch("slicer.util.confirmOkCancelDisplay", return_value=True):
        ui.runOnRemoveButton.click()
    assert (panel.chosen, read_hosts()) == ("", {})


def test_no_connection_and_a_cancel_are_said_and_leave_nothing(desk, there, tmp_path):
    ui, panel = desk.ui, desk.widget.run_on
    add_lab(desk, there)
    assert panel.chosen == "lab"
    before = desk.scene.GetNumberOfNodes()
    hosts = json.loads((tmp_path / "hosts.json").read_text())
    hosts["hosts"][0]["command"] = ["sleep", "600"]  # a login that never comes to the program
    hosts["hosts"].append({"name": "nobody", "destination": "asleep"})
    (tmp_path / "hosts.json").write_text(json.dumps(hosts))
    desk.widget.enter()
    desk.apply()
    desk.until(lambda: "Connecting to lab" in ui.stepLabel.text)
    ui.applyButton.click()
    desk.finish()
    assert "Cancelled" in desk.message
    ui.runOnComboBox.currentIndex = ui.runOnComboBox.findData("nobody")
    desk.apply()
    desk.finish()
    assert "nobody is there, but takes no ssh connections" in desk.message
    assert desk.scene.GetNumberOfNodes() == before
    assert list(there.iterdir()) == []


@pytest.mark.parametrize("destination", ["-oProxyCommand=x", ""])
def test_a_host_that_cant_be_is_not_added(desk, tmp_path, monkeypatch, destination):
    monkeypatch.setenv(FILE_VARIABLE, str(tmp_path / "hosts.json"))
    desk.ui.hostDestinationEdit.text = destination
    desk.ui.hostSaveButton.click()
    assert "what you would type behind ssh" in desk.message
    assert read_hosts() == {}
