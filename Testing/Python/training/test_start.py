"""Weights to start from: those of the card, and what it tells of them."""

from __future__ import annotations

import json

import pytest
import torch

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.vqgan.config import VQGANConfig
from CTCounterfactualLib.models.vqgan.network import VQGAN
from CTCounterfactualLib.training.export import export_model
from CTCounterfactualLib.training.start import read_start
from CTCounterfactualLib.training.train_settings import TrainSettings

CONFIG = VQGANConfig(
    ch=16,
    ch_mult=(1, 1),
    num_res_blocks=1,
    attn_resolutions=(),
    z_channels=8,
    embed_dim=8,
    n_embed=16,
    mid_attention=False,
    patch=2,
    cosine_codebook=True,
    code_groups=2,
)


@pytest.fixture
def card(tmp_path):
    torch.manual_seed(1)
    return export_model(
        VQGAN(CONFIG),
        TrainSettings(config=CONFIG, steps=7),
        tmp_path,
        "first",
        ["a scan"],
        "CC0",
    )


def test_the_network_is_the_cards_and_can_learn(card):
    start = read_start(card)
    torch.manual_seed(1)
    same = VQGAN(CONFIG).state_dict()
    for name, tensor in start.network.state_dict().items():
        assert torch.equal(tensor, same[name].half().float()), name
    assert start.network.training
    assert all(p.requires_grad for p in start.network.parameters())


def test_cards_tell_of_all_that_came_before(card, tmp_path):
    first = read_start(card)
    assert (first.told["name"], first.told["data"]) == ("first", ["a scan"])
    assert first.told["training"]["steps"] == 7
    assert first.told["sha256"] == json.loads(card.read_text())["sha256"]
    second = export_model(
        first.network,
        TrainSettings(config=CONFIG),
        tmp_path,
        "second",
        ["more"],
        "CC0",
        started_from=first.told,
    )
    told = read_start(second).told
    assert told["started_from"] == first.told
    assert "started_from" not in told["started_from"]


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"to_network": {"scale": 1.0, "shift": 0.0}}, "maps, resizes or turns"),
        ({"scale": 1.5}, "maps, resizes or turns"),
        ({"transpose": True}, "maps, resizes or turns"),
        ({"sha256": "0" * 64}, "damaged or was replaced"),
        ({"config": None}, "config"),
    ],
)
def test_what_is_no_start_is_refused(card, changed, words):
    card.write_text(json.dumps({**json.loads(card.read_text()), **changed}))
    with pytest.raises(ModelError, match=words):
        read_start(card)
