"""What lists are told of a card, of built-in kinds too: as the catalogue lists the model."""

import hashlib
import json
import shutil

import pytest

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.describe import describe_card
from CTCounterfactualLib.models.entry import RESOURCES, list_models
from CTCounterfactualLib.models.targets import Target


@pytest.fixture
def copied(tmp_path):
    """Return a function that copies an embedded model's card and weights; returns the card."""

    def copy(name):
        for suffix in (".json", ".safetensors"):
            shutil.copy(RESOURCES / f"{name}{suffix}", tmp_path)
        return tmp_path / f"{name}.json"

    return copy


@pytest.mark.parametrize("name", ["effusion-demo", "ct-vqgan-small"])
def test_an_embedded_models_card_is_described_as_the_catalogue_lists_it(name, copied, trusting):
    card = copied(name)
    (entry,) = [entry for entry in list_models() if entry.name == name]
    about = describe_card(card, trusting)
    assert (about["kind"], about["name"]) == (entry.kind, name)
    assert tuple(Target(**one) for one in about["targets"]) == entry.targets
    assert about["differentiable"] is True
    assert about["sha256"] == hashlib.sha256(card.read_bytes()).hexdigest()
    json.dumps(about)  # plain values only


def test_a_card_of_a_built_in_without_weights(tmp_path, trusting):
    card = tmp_path / "volume.toml"
    card.write_text('schema = 1\nbuiltin = "lung-volume"\n')
    about = describe_card(card, trusting)
    assert about["kind"] == "classifier"
    assert about["targets"] == [
        {
            "name": "aerated lung volume",
            "unit": "L",
            "code": "",
            "threshold": None,
            "negatives": None,
        }
    ]


def test_changed_weights_are_refused(copied, trusting):
    card = copied("effusion-demo")
    weights = card.with_suffix(".safetensors")
    weights.write_bytes(weights.read_bytes()[:-4] + b"\0\0\0\1")
    with pytest.raises(ModelError, match="damaged or was replaced"):
        describe_card(card, trusting)


def test_a_card_that_is_not_there(tmp_path, trusting):
    with pytest.raises(ModelError, match=r"nowhere\.json"):
        describe_card(tmp_path / "nowhere.json", trusting)
