"""Autoencoders by a card: known latents, known intensities, and what doesn't fit."""

import io

import pytest
import torch
from torch import nn

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.own.load import load_own_autoencoder

CARD = """
schema = 1
kind = "autoencoder"
name = "halves"
factor = 2
[source]
type = "python"
file = "net.py"
"""
HALVES = """
from torch import nn
from torch.nn import functional as F
class Halves(nn.Module):
    def encode(self, x):
        return RETURNED
    def decode(self, z):
        return F.interpolate(z, scale_factor=2.0)
build = Halves
"""
POOLED = "F.avg_pool2d(x, 2)"


def code(returned: str = POOLED) -> str:
    return HALVES.replace("RETURNED", returned)


@pytest.mark.parametrize("returned", [POOLED, f"({POOLED}, x)"])
def test_latents_and_slices(write, trusting, returned):
    autoencoder = load_own_autoencoder(write(CARD, **{"net.py": code(returned)}), trusting)
    x = torch.tensor([[0.0, 0.0, 1.0], [0.0, 0.0, 1.0]]).reshape(1, 1, 2, 3)
    latents = autoencoder.encode(x)
    # 0..1 became -1..1; the third column was padded with air (0, thus -1).
    assert latents.flatten().tolist() == [-1.0, 0.0]
    assert autoencoder.decode(latents, (2, 3))[0, 0, 0].tolist() == [0.0, 0.0, 0.5]


def test_channels_affines_and_method_names(write, trusting):
    card = CARD.replace(
        "[source]",
        """channels = 3
encode = "squeeze"
to_network = { scale = 10.0, shift = 1.0 }
from_network = { scale = 0.1, shift = -0.1 }
[source]""",
    )
    net = code("(F.avg_pool2d(x, 2), None)").replace("encode", "squeeze")
    autoencoder = load_own_autoencoder(write(card, **{"net.py": net}), trusting)
    latents = autoencoder.encode(torch.full((2, 1, 4, 4), 0.5))
    assert latents.shape == (2, 3, 2, 2) and bool((latents == 6.0).all())
    assert torch.allclose(autoencoder.decode(latents), torch.full((2, 1, 4, 4), 0.5))


@pytest.mark.parametrize(
    ("net", "words"),
    [
        (code("F.avg_pool2d(x, 4)"), r"encode returned \(1, 1, 2, 2\); with factor 2.*any, 4, 4"),
        (code("'latents'"), r"encode returned a str"),
        (
            code("x.reshape(3)"),
            r"halves.encode cannot take an input of \(1, 1, 8, 8\) \(RuntimeError",
        ),
        (code().replace("decode", "draw"), "has no method 'decode'"),
    ],
)
def test_what_does_not_fit_is_said(write, trusting, net, words):
    with pytest.raises(ModelError, match=words):
        load_own_autoencoder(write(CARD, **{"net.py": net}), trusting).encode(
            torch.zeros(1, 1, 8, 8)
        )


class Scripted(nn.Module):
    """Halves in TorchScript."""

    @torch.jit.export
    def encode(self, x):
        return nn.functional.avg_pool2d(x, 2)

    @torch.jit.export
    def decode(self, z):
        return nn.functional.interpolate(z, scale_factor=2.0)

    def forward(self, x):
        return x


def test_torchscript_by_exported_methods(write, trusting):
    buffer = io.BytesIO()
    torch.jit.save(torch.jit.script(Scripted()), buffer)
    card = CARD.replace("python", "torchscript").replace("net.py", "m.pt")
    autoencoder = load_own_autoencoder(write(card, **{"m.pt": buffer.getvalue()}), trusting)
    latents = autoencoder.encode(torch.ones(1, 1, 4, 6)).requires_grad_(True)
    autoencoder.decode(latents).sum().backward()
    # Each latent is drawn as 2 x 2 pixels, each mapped by y / 2 + 1 / 2.
    assert torch.allclose(latents.grad, torch.full_like(latents, 2.0))


def test_template(template, trusting):
    path = template("autoencoder", "my_autoencoder.py", "autoencoder.toml")
    autoencoder = load_own_autoencoder(path, trusting)
    x = torch.rand(2, 1, 37, 50)
    assert autoencoder.decode(autoencoder.encode(x), (37, 50)).shape == x.shape
