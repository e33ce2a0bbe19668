"""taming-transformers checkpoints become a card and safetensors, with their yaml and without."""

from __future__ import annotations

import json

import pytest
import torch

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.catalogue import load_autoencoder
from CTCounterfactualLib.models.vqgan.config import VQGANConfig
from CTCounterfactualLib.models.vqgan.network import VQGAN
from CTCounterfactualLib.models.vqgan.taming import (
    config_from_yaml,
    convert_checkpoint,
    infer_config,
)
from CTCounterfactualLib.storage.hashing import file_sha256
from oracle_problems import VQGAN_CASES, fill, vqgan_inputs

yaml = pytest.importorskip("yaml")

SIZES = {
    "ch": 32,
    "ch_mult": [1, 2],
    "num_res_blocks": 1,
    "attn_resolutions": [8],
    "resolution": 16,
    "z_channels": 4,
    "in_channels": 1,
    "out_ch": 1,
    "double_z": False,
    "dropout": 0.0,
}
CODES = {"embed_dim": 4, "n_embed": 8}


def state_of(config: VQGANConfig) -> dict[str, torch.Tensor]:
    return {k: v.float() for k, v in fill(VQGAN(config).state_dict(), 5).items()}


@pytest.fixture
def state():
    return state_of(VQGANConfig.from_dict({**SIZES, **CODES}))


@pytest.fixture
def checkpoint(tmp_path, state):
    """A Lightning checkpoint with the tensors of a loss, as it is published."""
    path = tmp_path / "x.ckpt"
    loss = {"loss.discriminator.main.0.weight": torch.ones(2), "loss.logvar": torch.ones(1)}
    torch.save({"state_dict": {**state, **loss}, "epoch": 3, "global_step": 7}, path)
    return path


def write_yaml(path, sizes=SIZES, **codes):
    params = {"ddconfig": dict(sizes), **CODES, **codes, "lossconfig": {"target": "a.b.C"}}
    content = {"model": {"target": "taming.models.vqgan.VQModel", "params": params}}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


@pytest.mark.parametrize("with_yaml", [True, False])
def test_the_card_loads_with_every_tensor_of_the_checkpoint(tmp_path, checkpoint, state, with_yaml):
    stated = write_yaml(tmp_path / "x.yaml") if with_yaml else None
    card = convert_checkpoint(
        checkpoint,
        tmp_path,
        "mine",
        stated,
        transpose=True,
        scale=2.0,
        licence="CC-BY-4.0",
        description="for tests",
    )
    loaded = load_autoencoder(card)
    found = loaded.network.state_dict()
    assert set(found) == set(state)  # no loss.*
    assert all(torch.equal(found[name], tensor) for name, tensor in state.items())
    assert (loaded.name, loaded.description, loaded.factor) == ("mine", "for tests", 2)
    assert (loaded.scale, loaded.transpose) == (2.0, True)
    content = json.loads(card.read_text())
    assert content["converted_from"] == file_sha256(checkpoint)
    assert content["sha256"] == file_sha256(tmp_path / "mine.safetensors")
    assert content["licence"] == "CC-BY-4.0"


def test_converting_again_replaces_the_files(tmp_path, checkpoint):
    first = convert_checkpoint(checkpoint, tmp_path, "mine").read_bytes()
    assert convert_checkpoint(checkpoint, tmp_path, "mine").read_bytes() == first


@pytest.mark.parametrize("name", VQGAN_CASES)
def test_sizes_inferred_from_tensors_compute_the_same(name):
    values, size = VQGAN_CASES[name]
    stated = VQGANConfig(**values)
    state = state_of(stated)
    inferred = infer_config(state, "x.ckpt")
    networks = []
    for config in (stated, inferred):
        network = VQGAN(config).eval()
        network.load_state_dict(state)
        networks.append(network)
    x = vqgan_inputs(values, size, 2)["slices"].float()
    with torch.no_grad():
        z, z_inferred = (network.encode(x) for network in networks)
        assert torch.equal(z, z_inferred)
        assert torch.equal(networks[0].decode(z), networks[1].decode(z))
    same = (
        "ch",
        "ch_mult",
        "num_res_blocks",
        "in_channels",
        "out_ch",
        "z_channels",
        "embed_dim",
        "n_embed",
        "double_z",
        "factor",
    )
    assert all(getattr(stated, field) == getattr(inferred, field) for field in same)


def test_double_z_is_inferred():
    stated = VQGANConfig.from_dict({**SIZES, **CODES, "double_z": True})
    assert infer_config(state_of(stated), "x").double_z


def test_yaml_gives_the_stated_sizes(tmp_path):
    config = config_from_yaml(write_yaml(tmp_path / "x.yaml"))
    assert config == VQGANConfig.from_dict({**SIZES, **CODES})


def refuse(*arguments) -> str:
    with pytest.raises(ModelError) as error:
        convert_checkpoint(*arguments)
    return str(error.value)


@pytest.mark.parametrize("keep", [0, 100, -30])
def test_a_cut_checkpoint_is_refused_and_writes_nothing(tmp_path, checkpoint, keep):
    checkpoint.write_bytes(checkpoint.read_bytes()[:keep])
    assert "damaged, cut short" in refuse(checkpoint, tmp_path, "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["x.ckpt"]


@pytest.mark.parametrize(
    ("drop", "named"),
    [
        ("encoder.", "encoder.conv_in.weight"),
        ("encoder.down.", r"encoder.down.*"),
        ("quantize.", "quantize.embedding.weight"),
        ("encoder.down.0.block.", "encoder.down.0.block"),
    ],
)
def test_tensors_that_are_no_vqgan_are_named(tmp_path, state, drop, named):
    path = tmp_path / "other.ckpt"
    torch.save({k: v for k, v in state.items() if not k.startswith(drop)}, path)
    message = refuse(path, tmp_path, "mine")
    assert "is no taming-transformers VQ-GAN" in message
    assert named in message


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    path = tmp_path / "other.ckpt"
    torch.save(torch.nn.Linear(2, 2).state_dict(), path)
    assert "is no taming-transformers VQ-GAN" in refuse(path, tmp_path, "mine")


def test_a_missing_tensor_is_named(tmp_path, state):
    path = tmp_path / "x.ckpt"
    del state["decoder.norm_out.bias"]
    torch.save(state, path)
    assert "1 missing (decoder.norm_out.bias)" in refuse(path, tmp_path, "mine")


@pytest.mark.parametrize(
    ("sizes", "codes", "words"),
    [
        ({**SIZES, "ch_mult": [1, 2, 2]}, {}, "don't fit the model"),
        (SIZES, {"n_embed": 16}, "1 of another shape (quantize.embedding.weight)"),
        ({**SIZES, "attn_resolutions": []}, {}, "unexpected (decoder.up.1.attn.0.k.bias"),
        ({**SIZES, "ch": "wide"}, {}, "make no VQ-GAN"),
        ({**SIZES, "ch": 20}, {}, "make no VQ-GAN"),
        ({**SIZES, "attention": "linear"}, {}, "has no field 'attention'"),
    ],
)
def test_a_yaml_of_another_model_is_refused(tmp_path, checkpoint, sizes, codes, words):
    stated = write_yaml(tmp_path / "x.yaml", sizes, **codes)
    assert words in refuse(checkpoint, tmp_path, "mine", stated)
    assert not (tmp_path / "mine.json").exists()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"- 1\n- 2\n",
        b"model: {params: {embed_dim: 4}}",
        b"model: [",
        b"\xff\xfe\x00m",
        b"model: !!python/object/apply:os.system ['true']",
    ],
)
def test_a_file_that_is_no_configuration_says_so(tmp_path, checkpoint, content):
    path = tmp_path / "x.yaml"
    path.write_bytes(content)
    assert "is no VQ-GAN configuration" in refuse(checkpoint, tmp_path, "mine", path)


def test_a_missing_yaml_says_so(tmp_path, checkpoint):
    assert "Cannot read" in refuse(checkpoint, tmp_path, "mine", tmp_path / "none.yaml")


def test_yaml_aliases_are_refused(tmp_path, checkpoint):
    """Nine levels of nine aliases each would unfold to a billion parts."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    path = tmp_path / "x.yaml"
    for content in ("\n".join(lines), "model: " + "[" * 20_000, "model: " + "{a: " * 5000):
        path.write_text(content)
        assert "is no VQ-GAN configuration" in refuse(checkpoint, tmp_path, "mine", path)
    path.write_text("#" * (1 << 18))
    assert "at most 0.1" in refuse(checkpoint, tmp_path, "mine", path)


def test_a_name_of_a_tensor_cannot_ask_for_a_million_blocks(tmp_path, state):
    path = tmp_path / "x.ckpt"
    torch.save({**state, "encoder.down.0.block.99999999.conv1.weight": torch.ones(1)}, path)
    assert "num_res_blocks = 100000000" in refuse(path, tmp_path, "mine")
    torch.save({**state, "encoder.down.0.block.60.conv1.weight": torch.ones(1)}, path)
    assert "far larger network than its weights" in refuse(path, tmp_path, "mine")
