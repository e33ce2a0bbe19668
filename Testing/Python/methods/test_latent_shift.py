"""Latent Shift as one method among others, and its counterfactual as an occlusion."""

import numpy as np
import pytest
import torch
from scans import BLOCK, BRIGHT, GRID, SIZE, scan_block, scan_with_block
from torch import nn
from torch.nn import functional as F

from CTCounterfactualLib.counterfactual.engine import explain
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.methods.attribute import attribute
from CTCounterfactualLib.models.classifier import Target

SETTINGS = ExplainSettings(
    mode="whole",
    frames=0,
    max_change=0.2,
    slice_smoothing=0.0,
    composite="residual",
    within="volume",
)


class SmoothFinder(nn.Module):
    """How bright the block is, smoothly: a probability."""

    name = "smooth finder"
    grid, targets = GRID, (Target("block", "probability", threshold=0.5),)

    def score(self, x, target=None):
        return ((x[(slice(None), 0, *BLOCK)].mean(dim=(1, 2, 3)) - BRIGHT) * 40).sigmoid()


class Halves:
    """Mean of 2 x 2 pixels, and back."""

    name, factor = "halves", 2

    def encode(self, x):
        return F.avg_pool2d(x, 2)

    def decode(self, z, size):
        return F.interpolate(z, scale_factor=2)[..., : size[0], : size[1]]


@pytest.fixture(scope="module")
def explanation():
    return explain(scan_with_block(), SmoothFinder(), None, Halves(), SETTINGS)


def block():
    mask = np.zeros(SIZE, bool)
    mask[scan_block()] = True
    return mask


def test_as_a_method_its_values_are_the_change_it_makes(explanation):
    found = attribute(
        scan_with_block(), "latent-shift", SmoothFinder(), autoencoder=Halves(), settings=SETTINGS
    )
    lowered = -explanation.difference / 2000  # the score falls where the block gets darker
    assert found.values == pytest.approx(lowered, abs=1e-6)
    assert found.values[block()].mean() > 0.01 and found.autoencoder.name == "halves"
    assert found.facts["scores"]["counterfactual"] < 0.5 < found.facts["scores"]["original"]


def test_a_counterfactual_occludes_and_only_what_it_changed_is_searched(explanation):
    found = attribute(
        scan_with_block(),
        "responsibility",
        SmoothFinder(),
        autoencoder=Halves(),
        settings=SETTINGS,
        options={"iterations": 4, "least_ml": 0.01},
    )
    told = found.facts
    assert told["occlusion"] == "counterfactual"
    assert told["score_occluded"] == pytest.approx(explanation.scores.counterfactual, abs=1e-3)
    changed = np.abs(explanation.difference) >= 1
    assert not found.values[~_box(changed)].any()
    assert found.values[block()].mean() > 2 * found.values[~block()].mean()
    sufficient = found.parts["sufficient"]
    assert sufficient.any() and not (sufficient & ~changed).any()
    assert told["explanations"][0]["score"] >= told["boundary"]


def _box(mask):
    """Return the smallest box around a mask, as a mask."""
    box = np.zeros_like(mask)
    box[tuple(slice(axis.min(), axis.max() + 1) for axis in np.nonzero(mask))] = True
    return box


def test_random_numbers_of_the_caller_go_on():
    torch.manual_seed(3)
    expected = torch.rand(2)
    torch.manual_seed(3)
    attribute(
        scan_with_block(),
        "responsibility",
        SmoothFinder(),
        options={"iterations": 1, "occlusion": "air", "least_ml": 1.0},
    )
    assert torch.equal(torch.rand(2), expected)
