"""Our networks as taming-transformers checkpoints, and back: the same numbers."""

from __future__ import annotations

import json

import pytest
import torch

from CTCounterfactualLib.app.cli import main
from CTCounterfactualLib.errors import ModelError, OutputError
from CTCounterfactualLib.models.catalogue import load_autoencoder
from CTCounterfactualLib.models.entry import RESOURCES
from CTCounterfactualLib.models.vqgan.config import VQGANConfig
from CTCounterfactualLib.models.vqgan.network import VQGAN
from CTCounterfactualLib.models.vqgan.taming import config_from_yaml, convert_checkpoint
from CTCounterfactualLib.models.vqgan.taming_export import export_checkpoint
from CTCounterfactualLib.training.export import export_model
from CTCounterfactualLib.training.train_settings import TrainSettings

CONFIG = VQGANConfig(
    ch=32, ch_mult=(1, 2), num_res_blocks=1, attn_resolutions=(8,), resolution=16, z_channels=4,
    embed_dim=4, n_embed=12,
)  # fmt: skip


@pytest.fixture
def card(tmp_path):
    torch.manual_seed(2)
    settings = TrainSettings(config=CONFIG)
    return export_model(VQGAN(CONFIG), settings, tmp_path, "ours", ["nothing"], "CC0")


def test_there_and_back(card, tmp_path):
    pytest.importorskip("yaml")
    yaml = export_checkpoint(card, tmp_path / "out" / "ours.ckpt")
    assert config_from_yaml(yaml) == CONFIG
    state = torch.load(tmp_path / "out" / "ours.ckpt", weights_only=True)["state_dict"]
    assert "encoder.down.0.block.0.norm1.weight" in state  # as published
    for with_yaml in (yaml, None):
        back = load_autoencoder(
            convert_checkpoint(tmp_path / "out" / "ours.ckpt", tmp_path, "back", with_yaml)
        )
        first = load_autoencoder(card)
        x = torch.rand(2, 1, 16, 24, generator=torch.Generator().manual_seed(0))
        z = first.encode(x)
        assert torch.equal(back.encode(x), z)
        assert torch.equal(back.decode(z), first.decode(z))


def test_what_the_published_layout_lacks_is_named(tmp_path):
    with pytest.raises(ModelError, match=r"patch = 2, mid_attention = False, cosine_codebook = Tr"):
        export_checkpoint(RESOURCES / "ct-vqgan-small.json", tmp_path / "no.ckpt")
    assert not list(tmp_path.iterdir())


def test_nothing_is_replaced_unasked(card, tmp_path):
    target = tmp_path / "here.ckpt"
    target.write_text("precious")
    with pytest.raises(OutputError, match="exists already"):
        export_checkpoint(card, target)
    assert target.read_text() == "precious"


def test_the_verb_converts_both_ways(card, tmp_path, capsys):
    pytest.importorskip("yaml")
    assert main(["models", "convert", str(card), "-o", str(tmp_path / "out")]) == 0
    assert "ours.ckpt" in capsys.readouterr().err
    checkpoint = tmp_path / "out" / "ours.ckpt"
    arguments = ["models", "convert", str(checkpoint), "-o", str(tmp_path), "--name", "again"]
    assert main(arguments) == 0
    assert json.loads((tmp_path / "again.json").read_text())["config"]["n_embed"] == 12
    assert main(["models", "convert", str(card), "-o", str(tmp_path / "out")]) == 2
    assert "exists already" in capsys.readouterr().err
