"""Models of users through the whole engine: copies, asked twice, given back as they came."""

from __future__ import annotations

import random

import numpy as np
import pytest
import SimpleITK as sitk
import torch
from torch import nn
from torch.nn import functional as F
from users import SIZE, Halves, Judge, Net, flag, run, same, small_scan

from CTCounterfactualLib.counterfactual.region import Region
from CTCounterfactualLib.counterfactual.repeatable import differs
from CTCounterfactualLib.errors import Cancelled, ModelError
from CTCounterfactualLib.events import CancelToken


@pytest.fixture(scope="module")
def scan():
    return small_scan()


@pytest.fixture(scope="module")
def plain(scan):
    """What well-behaved models give."""
    return run(scan)


def test_objects_with_the_interface_are_explained_and_repeatable_ones_not_flagged(plain):
    assert plain.scores.counterfactual < plain.scores.original
    assert flag(plain) == ""
    assert (plain.classifier.name, plain.autoencoder.name) == ("judge", "halves")


def in_place(x):
    x -= 0.5
    x += 0.5
    return x


def test_models_that_write_into_their_input_give_the_same_as_those_that_do_not(scan, plain):
    for before in (in_place, lambda x: (x.clone(), x.mul_(0))[0]):
        again = run(scan, Judge(before=before))
        assert again.scores.original == pytest.approx(plain.scores.original, rel=1e-6)
        assert again.scores.counterfactual == pytest.approx(plain.scores.counterfactual, rel=1e-4)

    class Spoils(Halves):
        def encode(self, x):
            return super().encode(x.clone()) + 0 * x.mul_(0).sum()

        def decode(self, z, size):
            return super().decode(z.clone(), size) + 0 * z.mul_(0).sum()

    assert same(run(scan, autoencoder=Spoils()), plain)


def test_the_scan_of_the_caller_is_not_written_to(scan):
    before = scan.array.copy()

    class Spoils(Judge):
        def for_scan(self, prepared):
            prepared.volume[:] = 0
            return self

    assert same(run(scan, Spoils()), run(scan))
    assert np.array_equal(scan.array, before)


@pytest.mark.parametrize("kind", [nn.Dropout, nn.Identity])
def test_chance_in_the_classifier_is_flagged_with_the_numbers(scan, kind):
    def change(x):
        return F.dropout(x, 0.3) if kind is nn.Dropout else x + 0.01 * torch.rand(())

    message = flag(run(scan, Judge(Net(change))))
    assert message.startswith("Classifier judge scores the same scan 0.")
    assert "while the counterfactual moves the score by" in message


def test_numpys_chance_and_a_state_that_grows_are_flagged(scan):
    class Counts(Judge):
        calls = 0

        def score(self, x, target=None):
            self.calls += 1
            return super().score(x) + 1e-3 * self.calls

    assert "scores the same scan" in flag(run(scan, Counts()))
    chance = Judge(Net(lambda x: x * (1 + 0.01 * np.random.rand())))
    assert "scores the same scan" in flag(run(scan, chance))


def test_a_model_that_puts_itself_in_training_mode_is_flagged(scan):
    class Trains(Net):
        def forward(self, x):
            self.train()
            return super().forward(x)

    message = flag(run(scan, Judge(Trains())))
    assert message.startswith("Classifier judge is in training mode after it was called (itself")


def test_a_model_given_in_training_mode_is_run_in_eval_mode_and_comes_back(scan, plain):
    classifier, autoencoder = Judge(), Halves()
    classifier.network.train()
    autoencoder.train()
    frozen = classifier.network.conv.bias.requires_grad_(False)
    statistics = classifier.network.norm.running_mean.clone()
    assert same(run(scan, classifier, autoencoder), plain)
    assert classifier.network.training and classifier.network.norm.training and autoencoder.training
    assert torch.equal(classifier.network.norm.running_mean, statistics)
    assert not frozen.requires_grad
    assert classifier.network.conv.weight.requires_grad and autoencoder.weight.requires_grad


def test_models_come_back_after_an_error(scan):
    classifier = Judge(Net(lambda x: x.detach()))
    classifier.network.train()
    with pytest.raises(ModelError):
        run(scan, classifier)
    assert classifier.network.training and classifier.network.conv.weight.requires_grad


def test_chance_in_the_autoencoder_is_flagged(scan):
    for autoencoder in (
        Halves(encode=lambda z: z + 0.01 * torch.randn_like(z)),
        Halves(decode=lambda x: F.dropout(x, 0.01)),
        Halves(decode=lambda x: x - 0.1 * x.mean()),  # each slice depends on the others
    ):
        assert flag(run(scan, autoencoder=autoencoder)).startswith("Autoencoder halves redraws")


@pytest.mark.parametrize(
    ("first", "again", "changed", "expected"),
    [
        (1.0, 1.0, 0.0, False),
        (1.0, 1.00009, 0.5, False),  # as a GPU rounds
        (1.0, 1.00011, 0.5, True),
        (0.0, 0.0, 0.0, False),
        (1e-9, 2e-9, 0.5, True),
        (1.0, 1.00001, 0.00009, True),  # more than a tenth of what is explained
        (1.0, 1.00001, 0.00011, False),
        (-3.0, -3.001, -1.0, True),
    ],
)
def test_how_much_two_scores_may_differ(first, again, changed, expected):
    assert differs(first, again, changed) is expected
    assert differs(again, first, -changed) is expected


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_callers_state_neither_matters_nor_changes(scan, plain, mode):
    classifier, autoencoder = Judge(), Halves()
    torch.manual_seed(1), np.random.seed(1), random.seed(1)
    expected = float(torch.rand(())), np.random.rand(), random.random()
    torch.manual_seed(1), np.random.seed(1), random.seed(1)
    with mode():
        assert same(run(scan, classifier, autoencoder), plain)
    assert (float(torch.rand(())), np.random.rand(), random.random()) == expected


def test_a_region_works_with_an_autoencoder_that_only_has_the_interface(scan):
    inside = np.zeros(SIZE, np.uint8)
    inside[:, 2:12, 3:15] = 1
    result = run(scan, region=Region(sitk.Cast(scan.with_array(inside), sitk.sitkUInt8), "box"))
    assert not result.difference[inside == 0].any() and result.difference.any()


@pytest.mark.parametrize("way", ["forward", "backward"])
def test_cancel_ends_a_pass_through_a_deep_classifier(scan, way):
    token, after = CancelToken(), []

    class Deep(Net):
        def forward(self, x):
            for n in range(8):
                x = self.rest[n](x)
            return super().forward(x)

    class Layer(torch.nn.Module):
        def forward(self, x):
            if token.cancelled:
                after.append("forward")
            elif way == "forward":
                token.cancel()
            x = x * 1.5
            if x.requires_grad and way == "backward":
                x.register_hook(
                    lambda _: after.append("backward") if token.cancelled else token.cancel()
                )
            return x

    network = Deep()
    network.rest = torch.nn.ModuleList([Layer() for _ in range(8)])
    with pytest.raises(Cancelled):
        run(scan, Judge(network), cancel=token)
    assert after == []
    assert not network.rest[0]._forward_pre_hooks
