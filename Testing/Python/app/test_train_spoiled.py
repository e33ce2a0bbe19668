"""The verb `train-spoiled`: a model that loads, and bad input in one line."""

import numpy as np
import SimpleITK as sitk

from CTCounterfactualLib.app.cli import main
from CTCounterfactualLib.models.catalogue import load_classifier


def chest(tmp_path):
    _, j, i = np.mgrid[:20, :60, :70]
    hu = np.where(((j - 28) / 18) ** 2 + ((i - 35) / 22) ** 2 < 1, 40, -1000).astype(np.int16)
    image = sitk.GetImageFromArray(hu)
    image.SetSpacing((4.0, 4.0, 4.0))
    image.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
    path = tmp_path / "chest.nrrd"
    sitk.WriteImage(image, str(path))
    return str(path)


def test_trains_writes_and_loads(tmp_path, capsys):
    out = tmp_path / "out"
    assert main(["train-spoiled", chest(tmp_path), "-o", str(out), "--steps", "2"]) == 0
    assert "Model written" in capsys.readouterr().err
    model = load_classifier(out / "my-spoiled.json")
    assert model.name == "spoiled-demo"
    assert model.sha256


def test_bad_input_is_one_line(tmp_path, capsys):
    scan = chest(tmp_path)
    for more, words in (
        (["--steps", "0"], "steps"),
        (["--start-from", str(tmp_path / "none.json")], "none.json"),
    ):
        assert main(["train-spoiled", scan, "-o", str(tmp_path / "out"), *more]) == 2
        said = capsys.readouterr().err
        assert words in said and said.count("\n") == 1
