"""What a training writes: a table that grows, and a folder and a model that are its own."""

import json
import os

import pytest
import torch

from CTCounterfactualLib.app.cli import main
from CTCounterfactualLib.errors import OutputError, SettingsError
from CTCounterfactualLib.storage.hashing import file_sha256
from CTCounterfactualLib.training.files import claim_training, write_model
from CTCounterfactualLib.training.log_table import append_row

COLUMNS = ("step", "loss")


def test_a_table_grows_under_one_header(tmp_path):
    for step in (1, 2):
        append_row(tmp_path / "losses.csv", COLUMNS, {"step": step, "loss": 0.5})
    assert (tmp_path / "losses.csv").read_text() == "step,loss\n1,0.5\n2,0.5\n"


@pytest.mark.parametrize("content", [b"date,weight\n1,2\n", b"\xff\xfe", b"just words"])
def test_another_table_is_not_written_into(tmp_path, content):
    (tmp_path / "losses.csv").write_bytes(content)
    with pytest.raises(OutputError, match=r"losses\.csv"):
        append_row(tmp_path / "losses.csv", COLUMNS, {"step": 1, "loss": 0.5})
    assert (tmp_path / "losses.csv").read_bytes() == content


def test_a_model_is_two_files_and_its_card_has_the_digest(tmp_path):
    tensors = {"weight": torch.arange(4.0)}
    card = write_model(tmp_path, "mine", tensors, {"schema": 1})
    told = json.loads(card.read_text())
    assert told == {
        "schema": 1,
        "weights": "mine.safetensors",
        "sha256": file_sha256(tmp_path / "mine.safetensors"),
    }
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(OutputError, match="exists already"):
        write_model(tmp_path, "mine", {"weight": torch.zeros(4)}, {"schema": 1})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    write_model(tmp_path, "mine", {"weight": torch.zeros(4)}, {"schema": 1}, force=True)
    assert json.loads(card.read_text())["sha256"] != told["sha256"]


@pytest.mark.parametrize("name", ["../escape", "a/b", "..", "", "C:x", "a\nb", "a\0", "a\udcff"])
def test_the_name_of_a_model_leads_nowhere_else(tmp_path, name):
    with pytest.raises(SettingsError), claim_training(tmp_path / "a", name):
        raise AssertionError("must not get here")
    with pytest.raises(SettingsError):
        write_model(tmp_path, name, {}, {})
    assert os.listdir(tmp_path) == []


def test_one_training_a_folder_and_nothing_left_of_one_that_fails(tmp_path):
    with pytest.raises(KeyError), claim_training(tmp_path / "a" / "b", "mine") as folder:
        with (
            pytest.raises(OutputError, match=r"training folder .* is in use by process"),
            claim_training(folder, "other"),
        ):
            raise AssertionError("must not get here")
        raise KeyError
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("verb", ["train-vqgan", "train-effusion"])
def test_the_verbs_refuse_before_they_train(tmp_path, capsys, verb):
    (tmp_path / "mine.json").write_text("precious")
    command = [verb, "-o", str(tmp_path), "--generated", "1"]
    for extra, words in (
        (["--name", "mine"], "mine.json exists already"),
        (["--name", "../escape"], "and no folder"),
        (["--steps", "0"], "steps is 0; it must be 1 or more"),
    ):
        assert main([*command, *extra]) == 2
        assert words in capsys.readouterr().err
    assert os.listdir(tmp_path) == ["mine.json"]
    assert (tmp_path / "mine.json").read_text() == "precious"


def test_a_conversion_refuses_before_it_reads(tmp_path, capsys):
    (tmp_path / "mine.safetensors").write_text("precious")
    command = ["models", "convert", "nowhere.ckpt", "-o", str(tmp_path)]
    for name, words in (("mine", "mine.safetensors exists already"), ("../x", "and no folder")):
        assert main([*command, "--name", name]) == 2
        assert words in capsys.readouterr().err
    assert main(["models", "convert", "nowhere.ckpt", "-o", str(tmp_path / "a" / "b")]) == 2
    assert os.listdir(tmp_path) == ["mine.safetensors"]


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"package.json": '{"name": "x", "schema": 1}'}, "is no card of a model"),
        ({"package.json": "words"}, "is no card of a model"),
        ({"package.safetensors": "other weights"}, "without a card of its own"),
    ],
)
def test_force_replaces_a_model_only(tmp_path, files, words):
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    with pytest.raises(OutputError, match=words):
        write_model(tmp_path, "package", {"weight": torch.zeros(1)}, {"schema": 1}, force=True)
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == files
