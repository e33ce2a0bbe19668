"""Loading from cards: whole files load exactly, damaged ones are refused in words."""

from __future__ import annotations

import hashlib
import json

import pytest
import torch
from safetensors.torch import save_file

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.catalogue import load_autoencoder
from CTCounterfactualLib.models.files.loading import load_strict, read_safetensors
from CTCounterfactualLib.models.vqgan.card import autoencoder_from_card
from CTCounterfactualLib.models.vqgan.config import VQGANConfig
from CTCounterfactualLib.models.vqgan.network import VQGAN

CONFIG = {
    "ch": 16,
    "ch_mult": [1, 1],
    "num_res_blocks": 1,
    "attn_resolutions": [],
    "z_channels": 4,
    "embed_dim": 4,
    "n_embed": 8,
    "mid_attention": False,
}


@pytest.fixture
def network():
    torch.manual_seed(0)
    return VQGAN(VQGANConfig.from_dict(CONFIG))


@pytest.fixture
def install(tmp_path, network):
    """Return a function that writes weights and card, with changes, and gives the card's path."""

    def write(tensors: dict | None = None, damage=lambda data: data, **card_changes):
        weights = tmp_path / "model.safetensors"
        save_file(network.state_dict() if tensors is None else tensors, weights)
        weights.write_bytes(damage(weights.read_bytes()))
        card = {
            "schema": 1,
            "name": "tiny",
            "config": CONFIG,
            "weights": weights.name,
            "sha256": hashlib.sha256(weights.read_bytes()).hexdigest(),
            "description": "for tests",
            **card_changes,
        }
        path = tmp_path / "model.json"
        path.write_text(json.dumps({k: v for k, v in card.items() if v is not None}))
        return path

    return write


def refuse(path) -> str:
    with pytest.raises(ModelError) as error:
        autoencoder_from_card(path)
    return str(error.value)


def test_card_gives_the_same_network(install, network):
    path = install(to_network={"scale": 4.0, "shift": -2.0})
    loaded = autoencoder_from_card(path)
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], tensor), name
    assert (loaded.name, loaded.description, loaded.factor) == ("tiny", "for tests", 2)
    assert loaded.sha256 == json.loads(path.read_text())["sha256"]
    assert (loaded.to_network.scale, loaded.to_network.shift) == (4.0, -2.0)
    assert (loaded.from_network.scale, loaded.from_network.shift) == (0.5, 0.5)


def test_catalogue_takes_the_path_of_a_card(install):
    assert load_autoencoder(install()).name == "tiny"
    assert load_autoencoder(str(install())).name == "tiny"


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32(install, network, dtype):
    stored = {name: tensor.to(dtype) for name, tensor in network.state_dict().items()}
    loaded = autoencoder_from_card(install(stored)).network.state_dict()
    for name, tensor in stored.items():
        assert loaded[name].dtype == torch.float32
        assert torch.equal(loaded[name], tensor.float()), name


def test_missing_weights_file(install, tmp_path):
    path = install()
    (tmp_path / "model.safetensors").unlink()
    message = refuse(path)
    assert "model.safetensors is missing" in message
    assert "fetch it again" in message


def test_one_flipped_bit_is_another_hash(install, tmp_path):
    path = install()
    weights = tmp_path / "model.safetensors"
    data = bytearray(weights.read_bytes())
    data[-1] ^= 1
    weights.write_bytes(data)
    message = refuse(path)
    assert hashlib.sha256(data).hexdigest()[:12] in message
    assert json.loads(path.read_text())["sha256"][:12] in message
    assert "damaged or was replaced" in message


@pytest.mark.parametrize("keep", [0, 4, 100, -1])
def test_truncated_safetensors(install, keep):
    """The hash fits here, as for a file that was already damaged when its card was written."""
    message = refuse(install(damage=lambda data: data[:keep]))
    assert "is no readable safetensors" in message


def test_pickle_is_never_read(install, tmp_path, network):
    path = install()
    pickled = tmp_path / "model.safetensors"
    torch.save(network.state_dict(), pickled)
    digest = hashlib.sha256(pickled.read_bytes()).hexdigest()
    path.write_text(json.dumps({**json.loads(path.read_text()), "sha256": digest}))
    assert "is no readable safetensors" in refuse(path)


def test_tensors_that_do_not_fit_are_all_named(install, network):
    tensors = dict(network.state_dict())
    del tensors["decoder.conv_out.bias"]
    tensors["loss.perceptual.weight"] = torch.zeros(2)
    tensors["quantize.embedding.weight"] = torch.zeros(8, 5)
    message = refuse(install(tensors))
    assert "1 missing (decoder.conv_out.bias)" in message
    assert "1 unexpected (loss.perceptual.weight)" in message
    assert "1 of another shape (quantize.embedding.weight)" in message


def test_many_missing_tensors_are_counted(install, network):
    count = len(network.state_dict())
    message = refuse(install({"other": torch.zeros(1)}))
    assert f"{count} missing (decoder.conv_in.bias, decoder.conv_in.weight, " in message
    assert ", ...)" in message


def test_failed_load_leaves_the_module_as_it_was(network, tmp_path):
    before = {name: tensor.clone() for name, tensor in network.state_dict().items()}
    tensors = {name: tensor + 1 for name, tensor in network.state_dict().items()}
    del tensors["quant_conv.bias"]
    path = tmp_path / "w.safetensors"
    save_file(tensors, path)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    with pytest.raises(ModelError):
        load_strict(network, read_safetensors(path, sha256), str(path))
    assert all(torch.equal(network.state_dict()[name], before[name]) for name in before)


def test_unknown_config_field(install):
    message = refuse(install(config={**CONFIG, "chanels": 16}))
    assert "has no field 'chanels'. Did you mean" in message
    assert "in_channels" in message


@pytest.mark.parametrize("schema", [2, "1", None])
def test_card_of_another_schema(install, schema):
    message = refuse(install(schema=schema))
    assert f"has schema {schema!r}" in message
    assert "reads schema 1" in message


@pytest.mark.parametrize("field", ["name", "config", "weights", "sha256"])
def test_card_without_a_field(install, field):
    assert f"lacks the field(s) {field}." in refuse(install(**{field: None}))


@pytest.mark.parametrize(
    ("text", "expected"), [("{", "is no valid JSON"), ("[1]", "has schema 'list'")]
)
def test_card_that_is_no_json_object(tmp_path, text, expected):
    path = tmp_path / "card.json"
    path.write_text(text)
    assert expected in refuse(path)


def test_missing_card(tmp_path):
    assert "Cannot read the model card" in refuse(tmp_path / "none.json")


@pytest.mark.parametrize(
    "change",
    [
        {"config": [1, 2]},
        {"config": {**CONFIG, "ch": "wide"}},
        {"config": {**CONFIG, "ch": 20}},  # doesn't divide into groups for normalisation
        {"config": {**CONFIG, "code_groups": 3}},  # embed_dim 4 doesn't divide by 3
        {"to_network": {"scale": 2.0}},
        {"sha256": 5},
    ],
    ids=["config-list", "width-text", "width-20", "groups-3", "affine", "hash-number"],
)
def test_card_with_values_that_make_no_model(install, change):
    refuse(install(**change))
