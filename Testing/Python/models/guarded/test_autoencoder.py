"""Autoencoders of others: copies in, finite slices of the right shape out, faults named."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.autoencoder import SliceAutoencoder
from CTCounterfactualLib.models.catalogue import load_autoencoder
from CTCounterfactualLib.models.guarded.autoencoder import GuardedAutoencoder
from CTCounterfactualLib.models.vqgan.config import VQGANConfig
from CTCounterfactualLib.models.vqgan.network import VQGAN

X = torch.linspace(0, 1, 2 * 48).reshape(2, 1, 6, 8)


class Duck:
    """Halves slices and doubles them again; `change` is what it does beside."""

    factor = 2

    def __init__(self, encode=lambda z: z, decode=lambda x: x):
        self.on_encode, self.on_decode = encode, decode

    def encode(self, x):
        return self.on_encode(F.avg_pool2d(x, 2))

    def decode(self, z, size=None):
        slices = F.interpolate(z, scale_factor=2)
        return self.on_decode(slices if size is None else slices[..., : size[0], : size[1]])


def test_any_object_with_the_interface_will_do():
    duck = Duck()
    assert load_autoencoder(duck) is duck
    guarded = GuardedAutoencoder(duck)
    assert (guarded.name, guarded.sha256, guarded.factor, guarded.ours) == ("Duck", "", 2, False)
    z = guarded.encode(X)
    assert z.shape == (2, 1, 3, 4)
    assert torch.equal(guarded.decode(z, (6, 8)), duck.decode(z))
    assert guarded.on_network_grid(torch.ones(1, 1, 5, 7)).shape == (1, 1, 6, 8)


class Bare:
    factor = 2

    def encode(self, x):
        return x


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (42, "A int is no slice autoencoder: it has no method 'encode'; expected a name of"),
        (nn.Linear(2, 1), "A Linear is no slice autoencoder"),
        (Bare(), "no method 'decode'"),
        (Duck, "The class Duck was given as an autoencoder"),
    ],
)
def test_what_is_no_autoencoder_is_told_what_is_missing(model, words):
    with pytest.raises(ModelError, match=words):
        load_autoencoder(model)


@pytest.mark.parametrize("factor", [None, 0, 2.5, True, "4"])
def test_a_factor_that_is_none_is_refused(factor):
    duck = Duck()
    duck.factor = factor
    with pytest.raises(ModelError, match=r"`factor` of autoencoder Duck is a.*pixels per latent"):
        load_autoencoder(duck)


def test_only_a_vqgan_of_ours_is_called_without_a_copy():
    network = VQGAN(
        VQGANConfig(
            ch=32,
            ch_mult=(1, 1),
            num_res_blocks=1,
            attn_resolutions=(),
            resolution=16,
            z_channels=4,
            embed_dim=4,
            n_embed=8,
        )
    )
    ours = GuardedAutoencoder(SliceAutoencoder(network))
    assert ours.ours
    assert torch.equal(ours.encode(X), ours.inner.encode(X))

    class Mine(SliceAutoencoder):
        pass

    assert not GuardedAutoencoder(Mine(network)).ours
    with torch.no_grad():
        network.decoder.conv_out.bias.fill_(float("nan"))
    with pytest.raises(ModelError, match=r"Autoencoder autoencoder\.decode gives NaN"):
        ours.decode(ours.encode(X))


class InPlace(Duck):
    """Writes into what it is given, and returns what it keeps."""

    def encode(self, x):
        x.mul_(2)
        self.kept = F.avg_pool2d(x, 2)
        return self.kept

    def decode(self, z, size=None):
        z.mul_(0.5)
        self.drawn = F.interpolate(z, scale_factor=2)
        return self.drawn

    def on_network_grid(self, x):
        return x.zero_()


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_neither_side_can_write_into_the_others_tensors(mode):
    duck = InPlace()
    guarded = GuardedAutoencoder(duck)
    with mode():
        x = X.clone()
        latents = guarded.encode(x)
        before = latents.clone()
        slices = guarded.decode(latents, (6, 8))
        guarded.on_network_grid(x)
        assert torch.equal(x, X) and torch.equal(latents, before)
        kept, drawn = duck.kept.clone(), duck.drawn.clone()
        latents.zero_()
        slices.zero_()
    assert torch.equal(duck.kept, kept) and torch.equal(duck.drawn, drawn)


def test_a_gradient_is_taken_through_a_decoder_that_works_in_place():
    z = torch.ones(1, 1, 3, 4, requires_grad=True)
    (gradient,) = torch.autograd.grad(GuardedAutoencoder(InPlace()).decode(z, (6, 8)).sum(), z)
    assert torch.equal(gradient, torch.full_like(z, 2.0))  # four pixels of half each


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda z: (10 * z).long(), r"encode returned numbers of type int64; expected latents \(2"),
        (lambda z: (z, z), "Duck.encode returned a tuple of 2"),
        (lambda z: z.numpy(), "Duck.encode returned a ndarray"),
        (lambda z: z[:1], r"Duck.encode returned \(1, 1, 3, 4\); expected latents \(2, C, h, w\)"),
        (lambda z: z.flatten(1), r"Duck.encode returned \(2, 12\)"),
        (lambda z: z * float("nan"), "Duck.encode gives NaN or infinite values"),
        (lambda z: z / 0, "Duck.encode gives NaN or infinite values"),
        (lambda z: z @ torch.ones(7, 1), "Autoencoder Duck cannot take slices of"),
    ],
)
def test_latents_of_another_kind_are_named(change, words):
    with pytest.raises(ModelError, match=words):
        GuardedAutoencoder(Duck(encode=change)).encode(X)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x: (255 * x).to(torch.uint8), "Duck.decode returned numbers of type uint8"),
        (lambda x: x[:, 0], r"Duck.decode returned \(2, 6, 8\); expected \(2, 1, 6, 8\)"),
        (lambda x: x.expand(-1, 3, -1, -1), r"Duck.decode returned \(2, 3, 6, 8\)"),
        (lambda x: x[..., :5], r"Duck.decode returned \(2, 1, 6, 5\).*is `factor` right"),
        (lambda x: torch.sqrt(x - 10), "Duck.decode gives NaN or infinite values"),
        (lambda x: exit(), "Autoencoder Duck ends the program"),
    ],
)
def test_slices_of_another_kind_are_named(change, words):
    guarded = GuardedAutoencoder(Duck(decode=change))
    with pytest.raises(ModelError, match=words):
        guarded.decode(guarded.encode(X), (6, 8))


@pytest.mark.parametrize(
    "change",
    [
        lambda x: x.detach(),
        torch.no_grad()(lambda x: x * 1),
        torch.inference_mode()(lambda x: x * 1),
    ],
)
def test_a_decoder_without_gradient_is_named(change):
    guarded = GuardedAutoencoder(Duck(decode=change))
    z = guarded.encode(X)
    guarded.decode(z, (6, 8))
    with pytest.raises(ModelError, match="Autoencoder Duck: the decoded slices don't depend"):
        guarded.decode(z.requires_grad_(), (6, 8))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_latents_and_slices_come_back_in_the_precision_that_went_in(dtype):
    guarded = GuardedAutoencoder(Duck(encode=lambda z: z.to(dtype), decode=lambda x: x.to(dtype)))
    z = guarded.encode(X)
    assert z.dtype == guarded.decode(z, (6, 8)).dtype == torch.float32
