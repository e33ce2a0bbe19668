"""The verb `stress`: a table, files, and bad input in one line."""

import pytest
import SimpleITK as sitk

from CTCounterfactualLib.app.cli import main
from domes import SPACING, two_domes


@pytest.fixture(scope="module")
def chest(tmp_path_factory):
    image = sitk.GetImageFromArray(two_domes()[0].astype("int16"))
    image.SetSpacing(SPACING)
    image.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
    path = tmp_path_factory.mktemp("stress") / "chest.nrrd"
    sitk.WriteImage(image, str(path))
    return path


def run(chest, *more):
    return main(["stress", str(chest), "--classifier", "lung-volume", *map(str, more)])


def test_prints_a_table_and_writes(chest, tmp_path, capsys):
    out = tmp_path / "out"
    assert run(chest, "--only", "marker,noise", "--draws", 1, "-o", out) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0].startswith("lung-volume, aerated lung volume")
    assert said[1].startswith("100 mL effusion: -0.")
    assert {line.split()[1] for line in said[2:4]} == {"marker", "noise"}
    assert said[-1].startswith("In all: ")
    assert sorted(p.name for p in out.iterdir()) == ["stress.csv", "stress.json", "stress.png"]


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--only", "electrode,lead"], "no distractor 'lead'"),
        (["--only", ","], "Nothing to try"),
        (["--draws", "0"], "draws"),
        (["--ml", "-5"], "ml"),
        (["--target", "effusion"], "no target 'effusion'"),
    ],
)
def test_bad_input_is_one_line(chest, capsys, more, message):
    assert run(chest, *more) == 2
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


def test_files_that_are_there_stay_and_are_told_before_the_work(chest, tmp_path, capsys):
    (tmp_path / "stress.csv").write_text("mine")
    assert run(chest, "-o", tmp_path) == 2
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "stress.csv").read_text() == "mine"
