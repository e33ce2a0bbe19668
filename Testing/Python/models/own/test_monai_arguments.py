"""Cards give MONAI's networks sizes and layers; what could fetch, load or fill memory isn't."""

import inspect
import json
import socket
import urllib.request

import pytest
import torch

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.own import monai_arguments
from CTCounterfactualLib.models.own.load import load_own_autoencoder
from CTCounterfactualLib.models.own.monai_arguments import ARGUMENTS, NETWORKS, check_arguments

nets = pytest.importorskip("monai.networks.nets")
SUSPICIOUS = (
    "url",
    "pretrained",
    "path",
    "repo",
    "file",
    "weights",
    "progress",
    "download",
    "state_dict",
    "device",
    "config",
)


def test_no_name_on_the_list_leads_out():
    innocent = {"block_config", "dropout_path_rate"}
    assert not [name for name in ARGUMENTS - innocent for word in SUSPICIOUS if word in name]


def test_networks_on_the_list_exist_and_take_what_is_listed():
    found = {name: getattr(nets, name) for name in NETWORKS if hasattr(nets, name)}
    assert len(found) > 0.9 * len(NETWORKS)
    taken = {key for made in found.values() for key in inspect.signature(made).parameters}
    assert len(ARGUMENTS - taken) <= 5  # names of other versions


@pytest.mark.parametrize(
    ("network", "arguments", "words"),
    [
        (
            "HoVerNet",
            {"pretrained_url": "http://127.0.0.1:9/x"},
            "HoVerNet isn't among the networks",
        ),
        ("Transchex", {}, "isn't among the networks"),
        ("TorchVisionFCModel", {}, "isn't among"),
        ("MILModel", {"num_classes": 1}, "isn't among"),
        ("NetAdapter", {}, "isn't among"),
        ("DenseNet121", {"pretrained": True}, "'pretrained', which isn't"),
        ("DenseNet121", {"progress": False}, "'progress', which isn't"),
        ("EfficientNetBN", {"model_name": "efficientnet-b0", "pretrained": 1}, "'pretrained'"),
        ("UNet", {"in_channels": "/etc/passwd"}, "the name of a layer or variant"),
        ("UNet", {"act": "http://127.0.0.1:9"}, "the name of a layer or variant"),
        ("UNet", {"act": "$import os"}, "the name of a layer or variant"),
        ("UNet", {"act": "os.system"}, "the name of a layer or variant"),
        ("UNet", {"act": ["relu", {"path": "x"}]}, "a layer's own numbers"),
        ("UNet", {"act": {"_target_": "os.system"}}, "a layer's own numbers"),
        ("UNet", {"in_channels": 10**12}, "from 0 to 8192"),
        ("UNet", {"in_channels": 10**5000}, "hundreds of digits"),
        ("UNet", {"in_channels": -1}, "from 0 to 8192"),
        ("UNet", {"dropout": float("nan")}, "a number of at most"),
        ("UNet", {"num_res_units": 8000}, "at most 512 layers"),
        ("DenseNet", {"block_config": [200, 200, 200]}, "at most 512 layers"),
        ("UNet", {"channels": [8] * 65}, "short lists"),
        ("UNet", {"channels": [[[[8]]]]}, "short lists"),
        ("UNet", {"norm": {1: 2}}, "a layer's own numbers"),
    ],
)
def test_what_isnt_known_to_be_harmless_is_refused(network, arguments, words):
    with pytest.raises(ModelError, match=words):
        check_arguments(getattr(nets, network), arguments)


def test_every_network_that_fetches_by_default_is_told_not_to(monkeypatch):
    def nothing(*_, **__):
        pytest.fail("it called out")

    for place, name in (
        (socket, "create_connection"),
        (urllib.request, "urlopen"),
        (torch.hub, "load_state_dict_from_url"),
    ):
        monkeypatch.setattr(place, name, nothing)
    told = [
        made
        for made in (getattr(nets, name, None) for name in NETWORKS)
        if made and "pretrained" in inspect.signature(made).parameters
    ]
    assert nets.EfficientNetBN in told
    assert all(check_arguments(made, {})["pretrained"] is False for made in told)
    arguments = check_arguments(nets.EfficientNetBN, {"model_name": "efficientnet-b0"})
    assert isinstance(nets.EfficientNetBN(**arguments), torch.nn.Module)


def vqvae_card(tmp_path, **changes):
    arguments = {
        "spatial_dims": 2,
        "in_channels": 1,
        "out_channels": 1,
        "channels": [8, 8],
        "num_res_layers": 1,
        "num_res_channels": [8, 8],
        "num_embeddings": 4,
        "embedding_dim": 2,
        "downsample_parameters": [[2, 4, 1, 1]] * 2,
        "upsample_parameters": [[2, 4, 1, 1, 0]] * 2,
    }
    torch.save(nets.VQVAE(**arguments).state_dict(), tmp_path / "w.pt")
    path = tmp_path / "card.json"
    path.write_text(
        json.dumps(
            {
                "schema": 1,
                "kind": "autoencoder",
                "name": "v",
                "factor": 4,
                "encode": "encode_stage_2_inputs",
                "source": {
                    "type": "monai",
                    "network": "VQVAE",
                    "weights": "w.pt",
                    "arguments": {**arguments, **changes},
                },
            }
        )
    )
    return path


@pytest.mark.parametrize(
    "changes",
    [
        {"num_embeddings": 1 << 20, "embedding_dim": 8192},
        {"channels": [8192, 8192]},
        {"num_res_layers": 500},
    ],
)
def test_a_network_grows_no_larger_than_its_weights(tmp_path, nobody, changes):
    load_own_autoencoder(vqvae_card(tmp_path), nobody)
    with pytest.raises(ModelError, match="make a far larger network than its weights are of"):
        load_own_autoencoder(vqvae_card(tmp_path, **changes), nobody)


def test_the_sizes_known_to_be_harmless_are_bounded():
    assert monai_arguments.MOST_SIZE <= 1 << 13 and monai_arguments.MOST_LAYERS <= 512
