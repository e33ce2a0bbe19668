"""An exported network loads by its card and draws the same slices."""

from __future__ import annotations

import json

import pytest
import torch

from CTCounterfactualLib.models.catalogue import load_autoencoder
from CTCounterfactualLib.models.vqgan.config import VQGANConfig
from CTCounterfactualLib.models.vqgan.network import VQGAN
from CTCounterfactualLib.training.export import export_model
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
def exported(tmp_path):
    torch.manual_seed(1)
    network = VQGAN(CONFIG).eval()
    path = export_model(
        network,
        TrainSettings(config=CONFIG),
        tmp_path,
        "tiny",
        ["a scan"],
        "Apache-2.0",
        {"psnr_body_db": 30.0},
    )
    return network, path


def test_round_trip_to_half_precision(exported):
    network, path = exported
    loaded = load_autoencoder(path)
    assert loaded.network.config == CONFIG
    for name, tensor in network.state_dict().items():
        assert torch.equal(loaded.network.state_dict()[name], tensor.half().float()), name
    x = torch.rand(2, 1, 20, 24, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        z = loaded.encode(x)
        expected = (network.decode(z) + 1) / 2
    torch.testing.assert_close(loaded.decode(z), expected, rtol=0, atol=5e-3)


def test_card_says_what_was_trained_on_what(exported):
    card = json.loads(exported[1].read_text())
    assert (card["schema"], card["kind"], card["name"]) == (1, "autoencoder", "tiny")
    assert (card["licence"], card["data"]) == ("Apache-2.0", ["a scan"])
    assert card["quality"] == {"psnr_body_db": 30.0}
    assert card["training"]["steps"] == TrainSettings().steps
    assert "f = 4" in card["description"]
