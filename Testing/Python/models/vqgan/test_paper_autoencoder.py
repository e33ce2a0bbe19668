"""The paper's autoencoder, from a random checkpoint on, against its own wrapper."""

from __future__ import annotations

import pytest
import torch

from CTCounterfactualLib.models.autoencoder import SliceAutoencoder
from CTCounterfactualLib.models.catalogue import load_autoencoder
from CTCounterfactualLib.models.vqgan.config import VQGANConfig
from CTCounterfactualLib.models.vqgan.network import VQGAN
from CTCounterfactualLib.models.vqgan.taming import convert_checkpoint
from oracle_problems import fill
from parity import PRECISIONS, fixture, relative_error
from published_problems import (
    INPUT_SEED,
    NETWORK_SIZE,
    SLICE_COUNT,
    SLICE_SIZE,
    WEIGHT_SEED,
    WRAPPER_CODES,
    WRAPPER_CONFIG,
    normal,
    uniform,
)

PAPER = {
    "scale": NETWORK_SIZE / SLICE_SIZE,
    "transpose": True,
    "from_network": {"scale": 0.25, "shift": 0.5},  # (y + 2) / 4
}


@pytest.fixture(scope="module", params=["with yaml", "without yaml"])
def autoencoder(request, tmp_path_factory) -> SliceAutoencoder:
    yaml = pytest.importorskip("yaml")
    folder = tmp_path_factory.mktemp("paper")
    params = {"ddconfig": WRAPPER_CONFIG, **WRAPPER_CODES}
    network = VQGAN(VQGANConfig.from_dict({**WRAPPER_CONFIG, **WRAPPER_CODES}))
    state = {key: value.float() for key, value in fill(network.state_dict(), WEIGHT_SEED).items()}
    torch.save({"state_dict": state | {"loss.discriminator.w": torch.ones(2)}}, folder / "x.ckpt")
    (folder / "x.yaml").write_text(yaml.safe_dump({"model": {"params": params}}))
    chosen = folder / "x.yaml" if request.param == "with yaml" else None
    return load_autoencoder(convert_checkpoint(folder / "x.ckpt", folder, "paper", chosen, **PAPER))


def slices(dtype: torch.dtype) -> torch.Tensor:
    """The paper's slices (N, 1, H, W), H to Posterior, W to Left, as ours: J and I against them."""
    return uniform(INPUT_SEED, SLICE_COUNT, 1, SLICE_SIZE, SLICE_SIZE).flip(-2, -1).to(dtype)


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
def test_encode_and_decode_equal_the_papers_wrapper(autoencoder, dtype, tolerance):
    expected = fixture("paper_autoencoder")
    autoencoder.to(dtype)
    size = (SLICE_SIZE, SLICE_SIZE)
    z = autoencoder.encode(slices(dtype))
    assert relative_error(z, expected["latents"]) < tolerance
    reconstruction = autoencoder.decode(z, size).flip(-2, -1)
    assert relative_error(reconstruction, expected["reconstruction"]) < tolerance
    shift = 0.3 * normal(INPUT_SEED, *z.shape).to(dtype)
    shifted = (z + shift).detach().requires_grad_(True)
    decoded = autoencoder.decode(shifted, size).flip(-2, -1)
    assert relative_error(decoded, expected["decoded_shifted"]) < tolerance
    cotangent = normal(INPUT_SEED, *decoded.shape).to(dtype)
    (vjp,) = torch.autograd.grad(decoded, shifted, cotangent)
    assert relative_error(vjp, expected["vjp"]) < tolerance


def test_the_oracle_slices_use_several_codes():
    latents = torch.from_numpy(fixture("paper_autoencoder")["latents"])
    codes = latents.transpose(0, 1).flatten(1).T  # (N, C, h, w) -> (N*h*w, C)
    assert len(codes.unique(dim=0)) > 4


def test_the_papers_output_mapping_halves_the_contrast(autoencoder):
    z = autoencoder.encode(slices(next(autoencoder.network.parameters()).dtype))
    paper = autoencoder.decode(z, (SLICE_SIZE, SLICE_SIZE))
    exact = SliceAutoencoder(autoencoder.network, scale=autoencoder.scale, transpose=True)
    inverse = exact.decode(z, (SLICE_SIZE, SLICE_SIZE))
    torch.testing.assert_close(paper, 0.5 * inverse + 0.25)


def test_full_size_slices_become_256(autoencoder):
    """The catalogue's factor makes 224 pixels 256, as the paper's resize does."""
    full = SliceAutoencoder(autoencoder.network, scale=256 / 224, transpose=True)
    dtype = next(full.network.parameters()).dtype
    z = full.encode(torch.zeros(1, 1, 224, 224, dtype=dtype))
    assert z.shape[-2:] == (256 // full.factor, 256 // full.factor)
    assert full.decode(z, (224, 224)).shape == (1, 1, 224, 224)
