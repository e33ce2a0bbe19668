"""One rule says what a card is of; lists, loading, checking and the panel follow it."""

import json
import shutil

import pytest
import torch

from CTCounterfactualLib.app.check_command import _load
from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.catalogue import load_autoencoder, load_classifier
from CTCounterfactualLib.models.describe import describe_card
from CTCounterfactualLib.models.entry import RESOURCES
from CTCounterfactualLib.models.own.kind import CardKind, kind_of

from .conftest import CARD


@pytest.mark.parametrize(
    ("card", "kind", "form"),
    [
        ({"source": {}, "kind": "classifier"}, "classifier", "source"),
        ({"source": {}, "kind": "autoencoder"}, "autoencoder", "source"),
        ({"builtin": "lung-volume"}, "classifier", "builtin"),
        ({"builtin": "effusion-demo", "config": {}}, "classifier", "builtin"),
        ({"config": {}}, "autoencoder", "config"),
        ({"config": {}, "kind": "autoencoder"}, "autoencoder", "config"),
    ],
)
def test_what_a_card_is_of(tmp_path, card, kind, form):
    assert kind_of(card, tmp_path) == CardKind(kind, form)


@pytest.mark.parametrize(
    ("card", "words"),
    [
        ({}, "builtin, config, source or backbone"),
        ({"kind": "classifier"}, "builtin, config, source or backbone"),
        ({"source": {}}, "kind = None, expected 'classifier' or 'autoencoder'"),
        ({"source": {}, "kind": ["classifier"]}, "expected 'classifier' or 'autoencoder'"),
        ({"config": {}, "kind": "classifier"}, "with `config` it is that of an autoencoder"),
        ({"builtin": "x", "kind": "autoencoder"}, "with `builtin` it is that of a classifier"),
    ],
)
def test_a_card_that_says_nothing_or_two_things_is_refused(tmp_path, card, words):
    with pytest.raises(ModelError, match=words):
        kind_of(card, tmp_path / "card.json")


@pytest.fixture
def cards(tmp_path, write):
    """Cards of all four kinds, by name."""
    for name in ("effusion-demo", "ct-vqgan-small"):
        for suffix in (".json", ".safetensors"):
            shutil.copy(RESOURCES / f"{name}{suffix}", tmp_path)
    builtin = tmp_path / "volume.toml"
    builtin.write_text('schema = 1\nbuiltin = "lung-volume"\n')
    return {
        "own": write(CARD),
        "effusion": tmp_path / "effusion-demo.json",
        "volume": builtin,
        "vqgan": tmp_path / "ct-vqgan-small.json",
    }


def test_all_ways_agree(cards, trusting):
    for name, card in cards.items():
        kind = "autoencoder" if name == "vqgan" else "classifier"
        about = describe_card(card, trusting)
        assert about["kind"] == kind
        model, is_classifier = _load(str(card), trusting)
        assert is_classifier == (kind == "classifier") and model.name == about["name"]
        right, wrong = (load_classifier, load_autoencoder)[:: 1 if is_classifier else -1]
        assert right(card, trusting).name == about["name"]
        with pytest.raises(ModelError, match=rf"is the card of an? {kind}.*give it as {kind}"):
            wrong(card, trusting)


def test_a_built_in_without_weights_takes_none(cards, tmp_path):
    card = json.loads((tmp_path / "effusion-demo.json").read_text())
    path = tmp_path / "other.json"
    path.write_text(json.dumps({**card, "builtin": "lung-volume"}))
    with pytest.raises(ModelError, match="takes no weights of your own"):
        load_classifier(path)


def test_monai_layout_is_a_field_of_the_grid(write, trusting):
    grid = "[grid]\nmonai_layout = true\nantialias = false\n"
    model = load_classifier(write(CARD + grid), trusting)
    assert model.grid.monai_layout and not model.grid.antialias
    assert model.score(torch.zeros(1, 1, 2, 2, 2)).shape == (1,)
    with pytest.raises(ModelError, match="monai_layout = 1, expected true or false"):
        load_classifier(write(CARD + grid.replace("true", "1")), trusting)


@pytest.mark.parametrize(
    ("text", "suffix", "words"),
    [
        ("[" * 100_000, ".json", "is no valid JSON"),
        ("a = " + "[" * 100_000, ".toml", "is no valid TOML"),
        ('{"schema": 1, "schema": 1}', ".json", "'schema' is there twice"),
        ('{"schema": NaN}', ".json", "NaN is no number"),
        ('{"schema": 1, "a": -Infinity}', ".json", "-Infinity is no number"),
        ('{"schema": true}', ".json", "has schema True"),
        ('{"schema": 1.0}', ".json", "schema 1.0"),
        ("[1]", ".json", "has schema 'list'"),
        ("schema = 2", ".toml", "has schema 2"),
        ("1" * 5000, ".json", "is no valid JSON"),
        ("\x00", ".json", "is no valid JSON"),
        (" " * (1 << 22), ".json", "at most 2.1"),
        ("", ".json", "is empty"),
    ],
)
def test_files_that_are_no_cards(tmp_path, text, suffix, words):
    path = tmp_path / f"card{suffix}"
    path.write_text(text)
    with pytest.raises(ModelError, match=words) as error:
        load_classifier(path)
    assert len(str(error.value)) < 400 + len(str(path))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('name = "mine"', 'name = ["mine"]', "name = .*expected a text"),
        ("[output]", f"[grid]\nspacing = [1.0, 1.0, {'9' * 400}]\n[output]", r"spacing = "),
        ("[output]", "[grid]\nspacing = [1.0, 1.0, 1e-9]\n[output]", "above 0.05, at most 100"),
        ("[output]", "[grid]\nspacing = [nan, 1.0, 1.0]\n[output]", "3 numbers"),
        ("[output]", "[input]\nchannels = 1000000000000\n[output]", "at most 65536"),
        ("[output]", "[input]\ndepth = 1000000000000\n[output]", "at most 65536"),
        ("[output]", "[grid]\ncrop = [100000, 1000000]\n[output]", "at most 65536"),
    ],
)
def test_sizes_that_would_fill_the_memory_are_refused(write, trusting, old, new, words):
    with pytest.raises(ModelError, match=words):
        load_classifier(write(CARD.replace(old, new)), trusting)


@pytest.mark.parametrize("method", ["__init__", "_apply", "load_state_dict", "half", "a.b", "x y"])
def test_methods_are_the_networks_own(write, trusting, method):
    card = CARD.split("[output]")[0].replace('"classifier"', '"autoencoder"')
    card = card.replace("[source]", f'factor = 2\nencode = "{method}"\n[source]')
    with pytest.raises(ModelError, match="a method that the network itself defines"):
        load_autoencoder(write(card), trusting)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"net.py"', '"net.py\\u001b[2K harmless"'),
        ('"net.py"', '"net.py\\r"'),
        ('"mine"', '"mine\\u001b]0;x\\u0007"'),
        ('"mine"', '"mi\\u202ene"'),
    ],
)
def test_control_characters_cannot_rewrite_a_question(write, nobody, old, new):
    with pytest.raises(ModelError, match=r"without control|name of a file") as error:
        load_classifier(write(CARD.replace(old, new)), nobody)
    assert str(error.value).isprintable()
