"""The latent gradient of all slices from one classifier backward equals the naive ones."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from CTCounterfactualLib.counterfactual.gradient import (
    as_batch,
    decode_slices,
    encode_slices,
    latent_gradient,
    score_volume,
    volume_gradient,
)
from CTCounterfactualLib.errors import Cancelled, ModelError
from CTCounterfactualLib.events import CancelToken, Reporter
from CTCounterfactualLib.models.autoencoder import SliceAutoencoder
from CTCounterfactualLib.models.classifier import Classifier, Target
from CTCounterfactualLib.models.vqgan.config import VQGANConfig
from CTCounterfactualLib.models.vqgan.network import VQGAN
from CTCounterfactualLib.scans.grid import GridSpec
from oracle_problems import fill

SLICES, SIZE = 11, (14, 18)  # not a multiple of the batch, nor of f = 4
CONFIG = VQGANConfig(
    ch=32,
    ch_mult=(1, 1, 1),
    num_res_blocks=1,
    attn_resolutions=(4,),
    resolution=16,
    z_channels=8,
    embed_dim=4,
    n_embed=16,
)


class SmallNet(Classifier):
    """3D convolutions that mix all slices and give two targets; float64."""

    name = "small-net"
    description = "for tests"
    grid = GridSpec()
    targets = (Target("first"), Target("second"))

    def __init__(self):
        torch.manual_seed(4)
        self.net = (
            nn.Sequential(
                nn.Conv3d(1, 4, 3, padding=1),
                nn.SiLU(),
                nn.Conv3d(4, 4, 3, stride=2, padding=1),
                nn.SiLU(),
                nn.Flatten(),
                nn.Linear(4 * 6 * 7 * 9, 16),
                nn.Tanh(),
                nn.Linear(16, 2),
                nn.Sigmoid(),
            )
            .double()
            .requires_grad_(False)
        )

    def score(self, x, target=None):
        index = self.target_names.index(self.find_target(target).name)
        return self.net(x)[:, index]


@pytest.fixture(scope="module")
def models():
    network = VQGAN(CONFIG).double()
    network.load_state_dict(fill(network.state_dict(), 6))
    return SliceAutoencoder(network), SmallNet()


@pytest.fixture(scope="module")
def latents(models):
    x = np.random.default_rng(8).uniform(0, 1, (SLICES, 1, *SIZE))
    return encode_slices(models[0], torch.from_numpy(x)).clone()


def separated(models, latents, target="second"):
    """Return the score and df/dz as the engine computes them."""
    autoencoder, classifier = models
    score, image_gradient = volume_gradient(classifier, target, autoencoder.decode(latents, SIZE))
    return score, latent_gradient(autoencoder, latents, image_gradient)


def relative_error(found: torch.Tensor, expected: torch.Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max())


def test_equals_the_joint_gradient_of_all_slices(models, latents):
    autoencoder, classifier = models
    z = latents.clone().requires_grad_(True)
    score = classifier.score(as_batch(autoencoder.decode(z, SIZE)), "second")[0]
    (joint,) = torch.autograd.grad(score, z)

    found_score, found = separated(models, latents)
    assert found_score == pytest.approx(float(score.detach()), rel=1e-12)
    assert relative_error(found, joint) < 1e-10
    assert torch.all(joint.flatten(1).abs().amax(1) > 0)  # every slice has a say


@pytest.mark.parametrize("chunk", [1, 3, 10])
def test_equals_the_gradient_with_one_chunk_in_the_graph(models, latents, chunk):
    """As the paper's code does it: the chunk's slices in the graph, all others detached."""
    autoencoder, classifier = models
    _, found = separated(models, latents)
    fixed = autoencoder.decode(latents, SIZE)
    for start in range(0, SLICES, chunk):
        part = slice(start, min(start + chunk, SLICES))
        z = latents[part].clone().requires_grad_(True)
        volume = torch.cat([fixed[: part.start], autoencoder.decode(z, SIZE), fixed[part.stop :]])
        (blocked,) = torch.autograd.grad(classifier.score(as_batch(volume), "second")[0], z)
        assert relative_error(found[part], blocked) < 1e-10


def test_targets_have_gradients_of_their_own(models, latents):
    assert (
        relative_error(
            separated(models, latents, "first")[1], separated(models, latents, "second")[1]
        )
        > 0.1
    )


def test_float32_stays_close(models, latents):
    exact = separated(models, latents)[1]
    network = VQGAN(CONFIG)
    network.load_state_dict(models[0].network.state_dict())
    _, image_gradient = volume_gradient(models[1], "second", models[0].decode(latents, SIZE))
    single = latent_gradient(SliceAutoencoder(network), latents.float(), image_gradient.float())
    assert single.dtype == torch.float32
    assert relative_error(single.double(), exact) < 2.5e-5


def test_inputs_and_results_carry_no_graph(models, latents):
    _, gradient = separated(models, latents)
    assert not gradient.requires_grad
    assert not latents.requires_grad


def test_as_batch_orders_slices_as_depth(latents):
    volume = torch.arange(SLICES * 6).view(SLICES, 1, 2, 3)
    batch = as_batch(volume)
    assert batch.shape == (1, 1, SLICES, 2, 3)
    assert torch.equal(batch[0, 0, 7], volume[7, 0])
    assert batch.data_ptr() == volume.data_ptr()


def test_score_volume_is_the_score_of_its_target(models, latents):
    volume = models[0].decode(latents, SIZE)
    expected = models[1].net(as_batch(volume))[0]
    assert score_volume(models[1], "first", volume) == float(expected[0])
    assert score_volume(models[1], "second", volume) == float(expected[1])


def test_slices_in_batches_equal_slices_at_once(models, latents):
    autoencoder = models[0]
    volume = decode_slices(autoencoder, latents, SIZE, clipped=True)
    torch.testing.assert_close(
        volume, autoencoder.decode(latents, SIZE).clamp(0, 1), rtol=0, atol=1e-12
    )
    torch.testing.assert_close(
        encode_slices(autoencoder, volume), autoencoder.encode(volume), rtol=0, atol=1e-12
    )


def test_decoded_slices_are_clipped_only_where_that_is_asked_for(models, latents):
    drawn = models[0].decode(50 * latents, SIZE)
    assert float(drawn.max()) > 1
    torch.testing.assert_close(
        decode_slices(models[0], 50 * latents, SIZE), drawn, rtol=0, atol=1e-12
    )
    far = decode_slices(models[0], 50 * latents, SIZE, clipped=True)
    assert (float(far.min()), float(far.max())) == (0.0, 1.0)


def test_a_cancel_stops_between_batches(models, latents):
    """Each of the three long loops looks at the token; none finishes after it was set."""
    token = CancelToken()
    token.cancel()
    reporter = Reporter(cancel=token)
    image = torch.zeros(SLICES, 1, *SIZE, dtype=torch.float64)
    for work in (
        lambda: encode_slices(models[0], image, reporter),
        lambda: decode_slices(models[0], latents, SIZE, reporter),
        lambda: latent_gradient(models[0], latents, image, reporter),
    ):
        with pytest.raises(Cancelled):
            work()


@pytest.mark.parametrize(
    ("offset", "message"),
    [(-1.0, "gives nan where a finite score"), (0.0, "gradient of classifier root holds numbers")],
)
def test_scores_and_gradients_must_be_finite(offset, message):
    """The root of the mean of a black volume: its slope at 0 is infinite, below 0 it is none."""

    class Root(SmallNet):
        name = "root"

        def score(self, x, target=None):
            return (x.mean(dim=(1, 2, 3, 4)) + offset).sqrt()

    with pytest.raises(ModelError, match=message):
        volume = torch.zeros(SLICES, 1, *SIZE, dtype=torch.float64)
        if offset < 0:
            score_volume(Root(), "first", volume)
        volume_gradient(Root(), "first", volume)


class Odds(Classifier):
    """The sigmoid, in single precision, of three times the sum of all voxels and an offset."""

    name, description, grid = "odds", "for tests", GridSpec()
    targets = (Target("chance", "probability"),)

    def __init__(self, offset: float):
        self.offset = offset

    def score(self, x, target=None):
        return torch.sigmoid(3 * x.sum((1, 2, 3, 4)) + self.offset)


@pytest.mark.parametrize("offset", [-60.0, -5.0, 0.0, 5.0, 12.0])
def test_the_gradient_of_the_logit_is_that_of_what_the_sigmoid_was_given(offset):
    x = torch.zeros(2, 1, 3, 4)
    score, gradient = volume_gradient(Odds(offset), "chance", x, logit=True)
    assert score == pytest.approx(1 / (1 + np.exp(-offset)))
    torch.testing.assert_close(gradient, torch.full_like(x, 3.0), rtol=1e-5, atol=0)
    plain = volume_gradient(Odds(offset), "chance", x)[1]
    assert float(plain.abs().max()) <= 0.76  # 3 p (1 - p): what is left of it without


@pytest.mark.parametrize("offset", [-120.0, 40.0])
def test_a_lost_logit_leaves_the_gradient_of_the_probability(offset):
    score, gradient = volume_gradient(Odds(offset), "chance", torch.zeros(2, 1, 3, 4), logit=True)
    assert score in (0.0, 1.0) and not gradient.any()
