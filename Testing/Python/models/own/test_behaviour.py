"""How networks of cards behave: other precisions, views, in-place work, devices, ways out."""

import pytest
import torch

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.own.load import load_own_autoencoder, load_own_classifier

from .conftest import CARD

X = torch.linspace(0, 1, 120).reshape(1, 1, 4, 5, 6)
NET = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self, channels=1):
        super().__init__()
        self.conv = nn.Conv3d(channels, 1, 3, padding=1)
        nn.init.constant_(self.conv.weight, 0.1)
        nn.init.zeros_(self.conv.bias)
        self.register_buffer("mean", torch.full((1,), 0.3))
        self.register_buffer("seen", torch.zeros((), dtype=torch.int64))
    def forward(self, x):
        {before}
        return self.conv(x - self.mean).square().mean(dim=(1, 2, 3, 4))
def build():
    return Net({channels}){after}
"""
AUTOENCODER = """
schema = 1
kind = "autoencoder"
name = "pool"
factor = 2
channels = 3
[source]
type = "python"
file = "net.py"
"""
POOL = """
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool, self.up = nn.AvgPool2d(2), nn.Upsample(scale_factor=2)
    def encode(self, x):
        {encode}
        return self.pool(x)
    def decode(self, z):
        {decode}
        return self.up(z)
def build():
    return Net()
"""


def network(before="pass", channels="", after=""):
    return NET.format(before=before, channels=channels, after=after)


def load(write, consent, card=CARD, **options):
    return load_own_classifier(write(card, **{"net.py": network(**options)}), consent)


def gradient(classifier):
    x = X.clone().requires_grad_()
    return torch.autograd.grad(classifier.score(x).sum(), x)[0]


@pytest.mark.parametrize("precision", ["half", "double", "bfloat16"])
def test_a_network_of_another_precision_becomes_float32(write, trusting, precision):
    plain = float(load(write, trusting).score(X))
    other = load(write, trusting, after=f".{precision}()")
    tensors = (*other.network.parameters(), *other.network.buffers())
    assert {t.dtype for t in tensors} == {torch.float32, torch.int64}
    assert float(other.score(X)) == pytest.approx(plain, rel=1e-2)
    assert gradient(other).abs().max() > 0


def test_half_precision_inside_forward_is_named_and_not_the_axes(write, trusting):
    with pytest.raises(ModelError, match=r"mine fails on an input of.*another precision") as caught:
        load(write, trusting, before="self.conv(x.half())").score(X)
    assert "axes" not in str(caught.value)


def test_channels_may_be_normalised_in_place(write, trusting):
    card = CARD.replace("[source]", "[input]\nchannels = 3\n[source]")
    plain = load(write, trusting, card, channels=3, before="x = (x - 0.5) / 0.2")
    expected = float(plain.score(X)), gradient(plain)
    changed = load(write, trusting, card, channels=3, before="x.sub_(0.5).div_(0.2)")
    assert float(changed.score(X)) == expected[0]
    assert torch.equal(gradient(changed), expected[1])


def test_a_view_of_turned_axes_is_possible(write, trusting):
    card = CARD.replace("[source]", '[input]\naxes = "RAS"\n[source]')
    classifier = load(write, trusting, card, before="assert x.view(len(x), -1).shape[1] == 120")
    assert float(classifier.score(X)) > 0


def test_weights_moved_while_scoring_in_inference_mode_can_be_differentiated(write, trusting):
    classifier = load(write, trusting)
    with torch.inference_mode():
        assert classifier.score(X.to("meta")).device.type == "meta"
    moved = list(classifier.network.parameters())
    assert all(p.device.type == "meta" and not p.is_inference() for p in moved)


@pytest.mark.parametrize("place", ["import", "build"])
def test_a_file_that_ends_the_program_is_an_error(write, trusting, place):
    text = network()
    text = (
        f"raise SystemExit(0)\n{text}"
        if place == "import"
        else text.replace("    return Net()", "    raise SystemExit(0)")
    )
    with pytest.raises(ModelError, match="SystemExit: 0"):
        load_own_classifier(write(**{"net.py": text}), trusting)


def test_an_autoencoder_may_work_in_place_on_its_three_channels(write, trusting):
    def slices(encode, decode):
        text = POOL.format(encode=encode, decode=decode)
        autoencoder = load_own_autoencoder(write(AUTOENCODER, **{"net.py": text}), trusting)
        x = X[0].transpose(0, 1)[..., :4, :].clone()  # (4, 1, 4, 6)
        z = autoencoder.encode(x)
        before = x.clone(), z.clone()
        decoded = autoencoder.decode(z, (4, 6))
        assert torch.equal(x, before[0]) and torch.equal(z, before[1])
        return decoded

    plain = slices("x = (x - 0.5) / 0.2", "z = z * 0.2")
    assert torch.equal(slices("x.sub_(0.5).div_(0.2)", "z.mul_(0.2)"), plain)


@pytest.mark.parametrize(
    ("encode", "words"),
    [
        ("return self.pool(x).long()", r"encode returned numbers of type int64; expected latents"),
        ("x = x.half() @ x.new_ones(6, 6)", r"pool\.encode fails on.*another precision"),
        ("x = x @ x.new_ones(9, 9)", r"pool\.encode cannot take.*Mend channels or factor"),
        ("raise SystemExit", r"pool\.encode ends the program"),
    ],
)
def test_an_autoencoders_faults_are_told_by_their_cause(write, trusting, encode, words):
    text = POOL.format(encode=encode, decode="pass")
    autoencoder = load_own_autoencoder(write(AUTOENCODER, **{"net.py": text}), trusting)
    with pytest.raises(ModelError, match=words):
        autoencoder.encode(torch.zeros(1, 1, 4, 6))
