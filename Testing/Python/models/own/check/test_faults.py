"""What check-model says of models that write, choose modes or end the program themselves."""

import pytest
import torch
from torch import nn

from CTCounterfactualLib.models.classifier import Target
from CTCounterfactualLib.models.faults import IN_PLACE, NO_GRADIENT_IN_DECODE, NO_GRADIENT_TO_TAKE
from CTCounterfactualLib.models.own.check.autoencoder import check_autoencoder
from CTCounterfactualLib.models.own.check.classifier import check_classifier
from CTCounterfactualLib.models.own.check.findings import FAILED, OK
from CTCounterfactualLib.models.own.check.subject import generated_chest
from CTCounterfactualLib.scans.grid import GridSpec

GRID = GridSpec(spacing=(6.0, 6.0, 12.0))


class Judge:
    """A classifier object with no base class; `before` is done to its input."""

    grid, targets = GRID, (Target("square"),)

    def __init__(self, before=lambda x: x):
        self.before = before
        self.network = nn.Dropout()

    def score(self, x, target=None):
        return self.network(self.before(x)).square().mean(dim=(1, 2, 3, 4))


class Halves:
    factor = 2

    def __init__(self, decode=lambda x: x):
        self.on_decode = decode

    def encode(self, x):
        return nn.functional.avg_pool2d(x, 2, ceil_mode=True)

    def decode(self, z, size):
        slices = nn.functional.interpolate(z, scale_factor=2, mode="bilinear")
        return self.on_decode(slices[..., : size[0], : size[1]])


@pytest.fixture(scope="module")
def chest():
    return generated_chest(GRID)


def found(model, chest, check=check_classifier):
    return {finding.name: finding for finding in check(model, chest)}


@pytest.mark.parametrize("mode", [torch.enable_grad, torch.no_grad, torch.inference_mode])
def test_an_object_is_checked_in_any_mode_of_the_caller_and_comes_back(chest, mode):
    judge = Judge(lambda x: x.mul_(0.5))
    volume = chest.volume.copy()
    with mode():
        findings = found(judge, chest)
    assert {findings[name].status for name in ("score", "deterministic", "gradient")} == {OK}
    assert judge.network.training  # as it was given; its dropout was off meanwhile
    assert (chest.volume == volume).all()


def overwrites(x):
    x = x * 1
    x /= x.std()
    return x


def leaves(x):
    raise SystemExit(0)


def test_in_place_work_that_spoils_the_gradient_is_named(chest):
    gradient = found(Judge(overwrites), chest)["gradient"]
    assert gradient.status == FAILED and IN_PLACE in gradient.message


def test_a_missing_gradient_and_a_way_out_are_named(chest):
    assert NO_GRADIENT_TO_TAKE in found(Judge(lambda x: x.detach()), chest)["gradient"].message
    score = found(Judge(leaves), chest)["score"]
    assert score.status == FAILED and "ends the program" in score.message


def test_an_autoencoder_without_gradient_is_named(chest):
    findings = found(Halves(), chest, check_autoencoder)
    assert findings["gradient"].status == OK
    findings = found(Halves(lambda x: x.detach()), chest, check_autoencoder)
    assert findings["gradient"].status == FAILED
    assert NO_GRADIENT_IN_DECODE in findings["gradient"].message
