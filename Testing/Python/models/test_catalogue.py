"""The catalogue: what it lists, how it answers a name it doesn't know, and that it stays light."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import CTCounterfactualLib
from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.catalogue import load_autoencoder, load_classifier
from CTCounterfactualLib.models.classifiers.lung_volume import LungVolume
from CTCounterfactualLib.models.entry import READY, list_models
from CTCounterfactualLib.models.targets import Target


def test_shipped_models_are_listed():
    models = {model.name: model for model in list_models()}
    assert models["lung-volume"].kind == "classifier"
    assert models["lung-volume"].status == READY
    assert models["lung-volume"].targets == (Target("aerated lung volume", "L"),)
    assert models["ct-vqgan-small"].kind == "autoencoder"
    assert models["ct-vqgan-small"].card == "ct-vqgan-small.json"


def test_listed_targets_are_those_of_the_classifier():
    (entry,) = (model for model in list_models() if model.name == LungVolume.name)
    assert entry.targets == LungVolume.targets
    assert entry.description == LungVolume.description


def test_status_says_which_weights_are_missing(tmp_path):
    row = {"name": "a", "kind": "autoencoder", "description": "d", "weights": "a.safetensors"}
    (tmp_path / "catalogue.json").write_text(json.dumps({"schema": 1, "models": [row]}))
    (entry,) = list_models(tmp_path)
    assert (entry.status, entry.size_bytes) == ("needs its weights file a.safetensors", 0)
    (tmp_path / "a.safetensors").write_bytes(b"12345")
    (entry,) = list_models(tmp_path)
    assert (entry.status, entry.size_bytes) == (READY, 5)


@pytest.mark.parametrize("text", [None, "{", "{}"])
def test_damaged_catalogue(tmp_path, text):
    if text is not None:
        (tmp_path / "catalogue.json").write_text(text)
    with pytest.raises(ModelError, match=r"catalogue\.json cannot be read .* reinstall"):
        list_models(tmp_path)


@pytest.mark.parametrize(
    ("load", "name", "message"),
    [
        (load_classifier, "lung-volum", "There is no classifier named 'lung-volum'.*lung-volume"),
        (load_classifier, "xyz", "There is no classifier named 'xyz'.*Choose one of.*lung-volume"),
        (load_classifier, "ct-vqgan-small", "There is no classifier named 'ct-vqgan-small'"),
        (load_autoencoder, "vqgan", "There is no autoencoder named 'vqgan'.*ct-vqgan-small"),
        (load_autoencoder, "lung-volume", "There is no autoencoder named 'lung-volume'"),
    ],
)
def test_unknown_name_gets_a_suggestion(load, name, message):
    with pytest.raises(ModelError, match=message):
        load(name)


def test_classifier_by_name_and_by_instance():
    built = load_classifier("lung-volume")
    assert isinstance(built, LungVolume)
    assert load_classifier(built) is built


def test_list_needs_no_torch():
    """`ct-counterfactual models` must answer at once, and in an environment without torch."""
    code = (
        "import sys\n"
        "from CTCounterfactualLib.models.entry import list_models\n"
        "assert list_models()\n"
        "heavy = {'torch', 'SimpleITK', 'scipy', 'slicer'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    root = Path(CTCounterfactualLib.__file__).resolve().parents[1]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_a_classifier_card_names_its_builtin(tmp_path):
    card = tmp_path / "mine.json"
    card.write_text('{"schema": 1, "kind": "classifier", "builtin": "lung-volume"}')
    assert load_classifier(card).name == "lung-volume"
    card.write_text('{"schema": 1, "kind": "classifier"}')
    with pytest.raises(ModelError, match=r"lacks the field\(s\) builtin"):
        load_classifier(str(card))
