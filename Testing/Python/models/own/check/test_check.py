"""What check-model finds: nothing in a good model, and each fault in a model that has it."""

import re

import pytest
import torch
from torch import nn

from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.models.autoencoder import Affine
from CTCounterfactualLib.models.catalogue import load_autoencoder
from CTCounterfactualLib.models.own.autoencoder import own_autoencoder
from CTCounterfactualLib.models.own.card import AutoencoderCard, ClassifierCard
from CTCounterfactualLib.models.own.check.autoencoder import CHECKED_AT, check_autoencoder
from CTCounterfactualLib.models.own.check.classifier import check_classifier
from CTCounterfactualLib.models.own.check.findings import FAILED, NOTE, OK, WARNING
from CTCounterfactualLib.models.own.check.gradient import check_gradient
from CTCounterfactualLib.models.own.check.subject import generated_chest
from CTCounterfactualLib.models.own.classifier import OwnClassifier
from CTCounterfactualLib.models.own.input import InputSpec
from CTCounterfactualLib.models.own.output import CardTarget, OutputSpec
from CTCounterfactualLib.models.own.source import Opened, SourceSpec
from CTCounterfactualLib.scans.grid import GridSpec

GRID = GridSpec(spacing=(6.0, 6.0, 12.0))


@pytest.fixture(scope="module")
def chest():
    """A generated chest on a coarse grid."""
    return generated_chest(GRID)


class Good(nn.Module):
    """The mean of the squares of each volume."""

    def forward(self, x):
        return x.square().mean(dim=(1, 2, 3, 4))


class With(nn.Module):
    """A network that is one function."""

    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(self, x)


def mean(x):
    return x.mean(dim=(1, 2, 3, 4))


def classifier(network: nn.Module, kind: str = "score", differentiable: bool = True, **input):
    """A classifier around a network."""
    output = OutputSpec(kind)
    card = ClassifierCard(
        "c",
        "",
        "",
        GRID,
        InputSpec(**input),
        SourceSpec("python"),
        output,
        (CardTarget("t", output.unit),),
    )
    return OwnClassifier(card, Opened(network.eval(), "", differentiable))


def found(model, chest, **options) -> dict:
    return {f.name: f for f in check_classifier(model, chest, **options)}


def test_a_good_model_passes_everything_and_each_finding_is_told(chest):
    told = []
    findings = check_classifier(classifier(Good()), chest, listener=told.append)
    assert told == findings
    assert {f.name: f.status for f in findings} == {
        "input": NOTE,
        "score": OK,
        "targets": NOTE,
        "response": OK,
        "deterministic": OK,
        "eval mode": OK,
        "gradient": OK,
        "batch": OK,
        "slices": OK,
    }
    expected = float((chest.volume.astype("float64") ** 2).mean())
    assert f"t = {expected:.4g};" in findings[1].message


class StubbornDropout(nn.Dropout):
    """Stays in training mode, whatever it is told."""

    def train(self, mode=True):
        return super().train(True)


def double_backward(x):
    """The mean, with twice its gradient."""
    return mean(2 * x - x.detach())


def half_detached(x):
    half = x.shape[2] // 2
    return mean(x[:, :, :half]) + mean(x[:, :, half:].detach())


@pytest.mark.parametrize(
    ("name", "network", "status", "words"),
    [
        ("score", With(lambda s, x: mean(x) / 0), FAILED, "not finite"),
        ("score", With(lambda s, x: x), FAILED, "Is it a segmentation"),
        ("score", With(lambda s, x: 1 / 0), FAILED, "ZeroDivisionError"),
        (
            "response",
            With(lambda s, x: 0 * mean(x) + 3),
            WARNING,
            "a volume of air scores 3, just as",
        ),
        ("deterministic", With(lambda s, x: mean(x) + torch.rand(())), FAILED, "two runs give"),
        (
            "eval mode",
            nn.Sequential(Good(), StubbornDropout(0.0)),
            FAILED,
            "still in training mode after .eval.*: 1",
        ),
        ("gradient", With(lambda s, x: mean(x.detach())), FAILED, "there a .detach()"),
        ("gradient", With(lambda s, x: mean((x > 0.5).float())), FAILED, "there a .detach()"),
        ("gradient", With(lambda s, x: mean(x.round())), FAILED, "0 everywhere"),
        ("gradient", With(lambda s, x: mean((0 * x).sqrt())), FAILED, "NaN or infinite"),
        (
            "gradient",
            With(lambda s, x: double_backward(x)),
            FAILED,
            "differs from finite differences",
        ),
        (
            "gradient",
            With(lambda s, x: half_detached(x)),
            FAILED,
            "Is a part of the network detached",
        ),
        ("batch", With(lambda s, x: mean(x) * len(x)), FAILED, "alone, but .* together"),
        (
            "batch",
            With(lambda s, x: x.reshape(1, 1, *x.shape[2:]).mean().reshape(1)),
            WARNING,
            "one volume at a time",
        ),
        (
            "slices",
            With(lambda s, x: mean(x.reshape(1, 1, 25, *x.shape[3:]))),
            FAILED,
            "say `depth`",
        ),
        (
            "slices",
            With(lambda s, x: mean(nn.functional.avg_pool3d(x, 20))),
            WARNING,
            "no short scans",
        ),
    ],
)
def test_each_fault_is_found_and_named(chest, name, network, status, words):
    finding = found(classifier(network), chest)[name]
    assert finding.status == status, finding
    assert re.search(words, finding.message), finding


def test_a_probability_out_of_range(chest):
    finding = found(classifier(With(lambda s, x: 5 + mean(x)), "probability"), chest)["targets"]
    assert finding.status == FAILED and 'kind = "logit"' in finding.message


def test_a_fixed_depth_warns_of_slices_that_do_not_count(chest):
    finding = found(classifier(Good(), depth=5), chest)["gradient"]
    assert finding.status == WARNING
    assert f"5 of {chest.slices} slices" in finding.message and "`depth`" in finding.message


def test_a_black_box_is_said_to_be_one(chest):
    finding = found(classifier(Good(), differentiable=False), chest)["gradient"]
    assert finding.status == WARNING and "not for counterfactuals" in finding.message


def test_after_a_failed_score_nothing_else_is_tried(chest):
    findings = check_classifier(classifier(With(lambda s, x: 1 / 0)), chest)
    assert [f.name for f in findings] == ["input", "score"]


def test_an_unknown_target_is_refused_before_anything_runs(chest):
    with pytest.raises(SettingsError, match=r"no target 'x'"):
        check_classifier(classifier(Good()), chest, target="x")


@pytest.mark.parametrize("size", [(1, 1, 6, 7, 8), (1, 4, 9, 10)])
def test_gradient_of_a_known_function_agrees(size):
    torch.manual_seed(0)
    x = torch.randn(size)
    status, message, gradient = check_gradient(lambda t: t.sin().sum(), x)
    assert status == OK and torch.allclose(gradient, x.cos())
    assert "along itself and a smooth random direction" in message


def test_a_saturated_probability_cannot_be_measured():
    x = torch.rand(1, 1, 6, 6, 6)
    status, message, _ = check_gradient(lambda t: torch.sigmoid(t.mean() + 15.0), x)
    assert status == WARNING and "give the logit" in message


class Blur(nn.Module):
    """Averages 2 x 2 pixels; `decode` may halve the contrast or be random."""

    def __init__(self, contrast=1.0, noise=0.0):
        super().__init__()
        self.contrast, self.noise = contrast, noise

    def encode(self, x):
        return nn.functional.avg_pool2d(x, 2)

    def decode(self, z):
        z = z + self.noise * torch.rand(())
        return self.contrast * nn.functional.interpolate(z, scale_factor=2.0)


def redrawn(network: nn.Module, chest) -> dict:
    card = AutoencoderCard(
        "a",
        "",
        "",
        SourceSpec("python"),
        2,
        1,
        "encode",
        "decode",
        Affine(2.0, -1.0),
        Affine(0.5, 0.5),
        1.0,
        False,
    )
    autoencoder = own_autoencoder(card, Opened(network, ""))
    return {f.name: f for f in check_autoencoder(autoencoder, chest)}


def test_a_good_autoencoder_passes(chest):
    findings = redrawn(Blur(), chest)
    assert [f.status for f in findings.values()] == [NOTE, *[OK] * 6], findings


@pytest.mark.parametrize(
    ("network", "name", "status", "words"),
    [
        (
            Blur(contrast=0.5),
            "intensities",
            FAILED,
            r"contrast 0\.\d+ of the scan's. Is from_network",
        ),
        (Blur(noise=0.2), "deterministic", FAILED, "It must return the mean"),
    ],
)
def test_faults_of_an_autoencoder(chest, network, name, status, words):
    finding = redrawn(network, chest)[name]
    assert finding.status == status and re.search(words, finding.message), finding


def test_the_embedded_autoencoder_passes():
    autoencoder = load_autoencoder("ct-vqgan-small")
    findings = check_autoencoder(autoencoder, generated_chest(CHECKED_AT))
    assert {f.status for f in findings} == {NOTE, OK}, findings
