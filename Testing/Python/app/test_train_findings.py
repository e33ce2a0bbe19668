"""The verb `train-findings`: what it refuses, and a tiny run whose models load."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.app.cli import main
from CTCounterfactualLib.models.catalogue import load_classifier
from CTCounterfactualLib.models.classifiers.findings_network import FINDINGS
from CTCounterfactualLib.scans.scan import Scan
from CTCounterfactualLib.training.findings import calibrate


@pytest.fixture
def scan_file(tmp_path):
    """A block of body with two lungs as a file, (K, J, I) in LPS order."""
    hu = np.full((28, 80, 120), -1000, np.int16)
    hu[:, 10:-10, 4:-4] = 50
    hu[4:24, 20:60, 10:50] = hu[4:24, 20:60, 70:110] = -850
    path = tmp_path / "block.nrrd"
    sitk.WriteImage(Scan.from_array(hu, (1.5, 1.5, 3.0)).image, str(path))
    return path


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--generated", "0"], "Nothing to train on"),
        (["--slices", "some.npz"], "--slices and --readings go together"),
        (["--may-hold", "scan.nrrd"], "--may-hold scan.nrrd: nothing named"),
        (["--may-hold", "scan.nrrd", "cough"], "--may-hold scan.nrrd: cough named"),
        (["--settings", "none.json"], "Cannot read"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path, capsys, arguments, said):
    assert main(["train-findings", "-o", str(tmp_path / "out"), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_two_steps_give_a_model_that_loads(scan_file, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(calibrate, "BATCHES", 2)
    slices, readings = tmp_path / "slices.npz", tmp_path / "readings.csv"
    hu = sitk.GetArrayFromImage(sitk.ReadImage(str(scan_file)))[[10, 12]]
    np.savez(slices, hu=hu, spacing_mm=np.full((2, 2), 1.5), patient=np.array([1, 2]))
    readings.write_text(f"slice,{','.join(FINDINGS)}\n0,no,no,no,no\n1,yes,no,no,no\n")
    settings = tmp_path / "settings.json"
    settings.write_text(
        json.dumps({"config": {"width": 2, "fine_width": 2}, "variants": 2, "generated": 3})
    )
    out = tmp_path / "out"
    common = ["--settings", str(settings), "--generated", "0"]
    arguments = [
        "train-findings",
        str(scan_file),
        "--left-of",
        str(scan_file),
        "--may-hold",
        str(scan_file),
        "nodule",
        "--slices",
        str(slices),
        "--readings",
        str(readings),
        *common,
        "--steps",
        "2",
        "-o",
        str(out),
        "--name",
        "tiny",
        "--licence",
        "CC0",
    ]
    assert main(arguments) == 0
    assert "Model written" in capsys.readouterr().err
    card = json.loads((out / "tiny.json").read_text())
    assert card["training"]["steps"] == 2
    assert card["training"]["generated"] == 0
    assert card["licence"] == "CC0"
    assert any(line.startswith("slices (slice): 2 examples") for line in card["data"])  # of one
    assert load_classifier(out / "tiny.json").sha256 == card["sha256"]
    arguments = [
        "train-findings",
        str(scan_file),
        *common,
        "--steps",
        "1",
        "-o",
        str(tmp_path / "again"),
        "--start-from",
        str(out / "tiny.json"),
    ]
    assert main(arguments) == 0
    card = json.loads((tmp_path / "again" / "my-findings.json").read_text())
    assert [earlier["steps"] for earlier in card["earlier_training"]] == [2]
