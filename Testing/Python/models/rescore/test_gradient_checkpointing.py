"""Gradients in little memory: the same numbers, and bytes of live tensors counted without weights.

Counted on the meta device: shapes are those of a full volume, and nothing is computed.
"""

from __future__ import annotations

import weakref

import numpy as np
import pytest
import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from CTCounterfactualLib.models.classifiers.inflated_resnet import PIECE_SLICES, InflatedResNet
from CTCounterfactualLib.models.classifiers.lung_volume import LungVolume
from CTCounterfactualLib.models.rescore.segments import Segment
from published_problems import WEIGHT_SEED, fill_batch_normed, uniform


class LiveBytes(TorchDispatchMode):
    """Counts the bytes of the tensors that are made within, now and at most."""

    def __init__(self, *known: torch.Tensor):
        super().__init__()
        self.now = self.peak = 0
        self._seen = {tensor.untyped_storage()._cdata for tensor in known}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for tensor in pytree.tree_leaves(made):
            if isinstance(tensor, torch.Tensor):
                self._count(tensor.untyped_storage())
        return made

    def _count(self, storage: torch.UntypedStorage) -> None:
        key, size = storage._cdata, storage.nbytes()
        if key in self._seen:
            return  # a view
        self._seen.add(key)
        self.now += size
        self.peak = max(self.peak, self.now)
        weakref.finalize(storage, self._gone, key, size)

    def _gone(self, key: int, size: int) -> None:
        self._seen.discard(key)
        self.now -= size


def peak_of_gradient(function, shape: tuple[int, ...], *known: torch.Tensor) -> int:
    """Return the most bytes that a gradient with respect to an input of this shape needs."""
    x = torch.empty(shape, device="meta", requires_grad=True)
    with LiveBytes(x, *known) as counted:
        torch.autograd.grad(function(x).sum(), x)
    return counted.peak


def test_live_bytes_by_hand():
    x = torch.empty(1000, device="meta")
    with LiveBytes(x) as counted:
        a = x + 1  # 4 kB
        a = a * 2  # both live, then one
        assert counted.now == 4000
        b = a.view(10, 100) + 1
        del a, b
    assert (counted.now, counted.peak) == (0, 8000)


@pytest.fixture
def plain(monkeypatch):
    """Return a function that makes autograd keep everything, as it would by itself."""
    return lambda: monkeypatch.setattr(Segment, "checkpointed", Segment.__call__)


# The last piece is a smaller one.
@pytest.mark.parametrize("slices", [2 * PIECE_SLICES + 3, 4 * PIECE_SLICES + 2])
def test_gradient_of_the_resnet_is_that_of_plain_autograd(plain, slices):
    network = InflatedResNet((3, 3, 2, 1), 3).double().eval().requires_grad_(False)
    network.load_state_dict(fill_batch_normed(network.state_dict(), WEIGHT_SEED))
    x = uniform(5, 1, 1, slices, 16, 24).requires_grad_(True)
    logits, gradient = logit_and_gradient(network, x)
    plain()
    expected_logits, expected = logit_and_gradient(network, x)
    torch.testing.assert_close(logits, expected_logits, rtol=1e-12, atol=0)
    largest = float(expected.abs().max())
    assert float((gradient - expected).abs().max()) <= 1e-12 * largest
    assert (expected.abs().amax((0, 1, 3, 4)) > 1e-3 * largest).all()  # every slice has one


def logit_and_gradient(network: InflatedResNet, x: torch.Tensor):
    logit = network(x)[0, 1]
    return logit.detach(), *torch.autograd.grad(logit, x)


def test_without_a_gradient_nothing_is_cut_or_kept(monkeypatch):
    def refuse(self, x):
        raise AssertionError("inference has no backward pass")

    monkeypatch.setattr(Segment, "checkpointed", refuse)
    network = InflatedResNet((1, 1, 1, 1), 3).eval().requires_grad_(False)
    network(torch.rand(1, 1, 4, 16, 16))
    with torch.inference_mode():
        network(torch.rand(1, 1, 4, 16, 16))


def test_gradient_of_a_full_resnet_152_fits_little_memory(plain):
    shape = (1, 1, 100, 224, 224)
    with torch.device("meta"):
        network = InflatedResNet().eval().requires_grad_(False)
    light = peak_of_gradient(network, shape)
    assert light < 0.75e9
    plain()
    assert peak_of_gradient(network, shape) > 6 * light


def test_gradient_of_lung_volume_needs_two_volumes():
    shape = (92, 267, 267)
    classifier = LungVolume(np.ones(shape, np.float32))
    volume = 4 * np.prod(shape)
    region = classifier._region = classifier._region.to("meta")
    assert peak_of_gradient(classifier.score, (1, 1, *shape), region) < 2.1 * volume
    x = torch.empty((1, 1, *shape), device="meta")
    with LiveBytes(x, region) as counted, torch.inference_mode():
        classifier.score(x)
    assert counted.peak < 0.3 * volume
