"""The verb `train-effusion`: what it refuses, and a tiny run whose model loads."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.app.cli import main
from CTCounterfactualLib.models.catalogue import load_classifier
from CTCounterfactualLib.scans.scan import Scan


@pytest.fixture
def scan_file(tmp_path):
    """A block of body with two lungs as a file, (K, J, I) in LPS order."""
    hu = np.full((28, 80, 120), -1000, np.int16)
    hu[:, 10:-10, 4:-4] = 50
    hu[4:24, 20:60, 10:50] = hu[4:24, 20:60, 70:110] = -850
    path = tmp_path / "block.nrrd"
    sitk.WriteImage(Scan.from_array(hu, (1.5, 1.5, 3.0)).image, str(path))
    return path


def test_nothing_to_train_on(tmp_path, capsys):
    assert main(["train-effusion", "-o", str(tmp_path), "--generated", "0"]) == 2
    assert "Nothing to train on" in capsys.readouterr().err


def test_unreadable_settings(tmp_path, capsys):
    path = tmp_path / "settings.json"
    path.write_text("{")
    arguments = ["train-effusion", "-o", str(tmp_path), "--settings", str(path)]
    assert main(arguments) == 2
    assert "Cannot read" in capsys.readouterr().err


def test_two_steps_give_a_model_that_loads(scan_file, tmp_path, capsys):
    settings = tmp_path / "settings.json"
    settings.write_text(
        json.dumps(
            {
                "config": {"width": 2},
                "variants": 4,
                "batch": 2,
                "generated": 5,
                "generated_share": 0.0,
            }
        )
    )
    out = tmp_path / "out"
    arguments = [
        "train-effusion",
        str(scan_file),
        "--left-of",
        str(scan_file),
        "--settings",
        str(settings),
        "--steps",
        "2",
        "--generated",
        "0",
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
    assert load_classifier(out / "tiny.json").sha256 == card["sha256"]
    again = tmp_path / "again"
    arguments = [
        "train-effusion",
        str(scan_file),
        "--settings",
        str(settings),
        "--steps",
        "1",
        "--generated",
        "0",
        "-o",
        str(again),
        "--start-from",
        str(out / "tiny.json"),
    ]
    assert main(arguments) == 0
    (earlier,) = json.loads((again / "my-effusion.json").read_text())["earlier_training"]
    assert earlier["steps"] == 2
