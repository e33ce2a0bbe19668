"""Models of users through the whole engine: what they do wrong is said in plain words."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F

from CTCounterfactualLib.counterfactual.engine import explain
from CTCounterfactualLib.counterfactual.repeatable import differs
from CTCounterfactualLib.errors import ModelError, SettingsError
from CTCounterfactualLib.models.blame import NO_GRADIENT_TO_TAKE
from CTCounterfactualLib.models.classifier import Target
from CTCounterfactualLib.models.own.check.classifier import check_classifier
from CTCounterfactualLib.scans.grid import GridSpec, prepare
from CTCounterfactualLib.scans.scan import Scan

GRID = GridSpec(spacing=(2.0, 2.0, 4.0))
SIZE = (6, 16, 20)
FLAG = "not-reproducible"


class Net(nn.Module):
    """A smooth score of all voxels; `change` is done to its features."""

    def __init__(self, change=lambda x: x):
        super().__init__()
        self.conv = nn.Conv3d(1, 4, 3, padding=1)
        self.norm = nn.BatchNorm3d(4)
        self.change = change
        with torch.no_grad():
            generator = torch.Generator().manual_seed(4)
            self.conv.weight.copy_(torch.randn(self.conv.weight.shape, generator=generator) / 5)
            self.conv.bias.zero_()

    def forward(self, x):
        return self.change(F.softplus(self.norm(self.conv(x)))).mean(dim=(1, 2, 3, 4))


class Judge:
    """A classifier object of a user, around a network."""

    name = "judge"
    grid, targets = GRID, (Target("finding"), Target("chance", "probability"))

    def __init__(self, network=None, before=lambda x: x):
        self.network = Net() if network is None else network
        self.before = before

    def score(self, x, target=None):
        return self.network(self.before(x))


class Halves(nn.Module):
    """An autoencoder object of a user: mean of 2 x 2 pixels and back."""

    name, factor = "halves", 2

    def __init__(self, encode=lambda z: z, decode=lambda x: x):
        super().__init__()
        self.up = nn.Upsample(scale_factor=2, mode="bilinear")
        self.weight = nn.Parameter(torch.ones(()))
        self.on_encode, self.on_decode = encode, decode

    def encode(self, x):
        return self.on_encode(self.weight * F.avg_pool2d(x, 2, ceil_mode=True))

    def decode(self, z, size):
        return self.on_decode(self.weight * self.up(z)[..., : size[0], : size[1]])


@pytest.fixture(scope="module")
def scan():
    hu = np.random.default_rng(7).integers(-900, 300, SIZE)
    hu = np.round((hu + np.roll(hu, 1, 1) + np.roll(hu, 1, 2)) / 3).astype(np.int16)
    return Scan.from_array(hu, GRID.spacing, (0.0, 0.0, 0.0), name="small")


def run(scan, classifier=None, autoencoder=None, **options):
    chosen = {"mode": "whole", "frames": 0, "max_change": 0.1, **options}
    return explain(
        scan, classifier or Judge(), autoencoder=autoencoder or Halves(), **chosen
    )


def flag(result, name=FLAG):
    return next((flag.message for flag in result.flags if flag.name == name), "")


@pytest.fixture(scope="module")
def plain(scan):
    """What well-behaved models give."""
    return run(scan)


def same(one, other):
    return one.scores == other.scores and np.array_equal(one.counterfactual, other.counterfactual)


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


@pytest.mark.parametrize(("first", "again", "changed", "expected"), [
    (1.0, 1.0, 0.0, False),
    (1.0, 1.00009, 0.5, False),  # as a GPU rounds
    (1.0, 1.00011, 0.5, True),
    (0.0, 0.0, 0.0, False),
    (1e-9, 2e-9, 0.5, True),
    (1.0, 1.00001, 0.00009, True),  # more than a tenth of what is explained
    (1.0, 1.00001, 0.00011, False),
    (-3.0, -3.001, -1.0, True),
])
def test_how_much_two_scores_may_differ(first, again, changed, expected):
    assert differs(first, again, changed) is expected
    assert differs(again, first, -changed) is expected


NO_GRADIENT = [
    lambda x: x.detach(),
    torch.no_grad()(lambda x: x * 1),
    torch.inference_mode()(lambda x: x * 1),
    lambda x: (255 * x).to(torch.uint8).float(),
    lambda x: torch.from_numpy(x.detach().numpy()),
]


@pytest.mark.parametrize("change", NO_GRADIENT)
def test_a_missing_gradient_is_said_in_the_same_words_by_explain_and_check_model(scan, change):
    with pytest.raises(ModelError) as caught:
        run(scan, Judge(Net(change)))
    assert str(caught.value) == f"Classifier judge: {NO_GRADIENT_TO_TAKE}"
    findings = check_classifier(Judge(Net(change)), prepare(scan, GRID))
    (found,) = [each.message for each in findings if each.name == "gradient"]
    assert found == str(caught.value)


def needs_what_it_overwrites(x):
    x = x * 1
    x /= x.std()
    return x


@pytest.mark.parametrize(("classifier", "words"), [
    (Judge(before=needs_what_it_overwrites), "judge fails on the gradient.*overwrites in place"),
    (Judge(Net().half()), "Classifier judge fails on.*another precision than float32"),
    (Judge(Net().double()), "Classifier judge fails on.*another precision than float32"),
    (Judge(Net(lambda x: exit(0))), "Classifier judge ends the program"),
    (Judge(Net(lambda x: x * float("nan"))), "classifier judge.*finite|Classifier judge gives nan"),
    (Judge(nn.Conv3d(2, 1, 1)), "Classifier judge cannot take.*its own `grid`"),
    (Judge(nn.Flatten()), r"Classifier judge returned scores of shape \(1, 1920\)"),
])
def test_other_faults_of_a_classifier_are_told(scan, classifier, words):
    with pytest.raises(ModelError, match=words):
        run(scan, classifier)


@pytest.mark.parametrize(("autoencoder", "words"), [
    (Halves(encode=lambda z: (10 * z).long()), "Autoencoder halves.encode returned numbers of"),
    (Halves(decode=lambda x: x.detach()), "Autoencoder halves: the decoded slices don't depend"),
    (Halves(decode=lambda x: torch.sqrt(x - 9)), "Autoencoder halves.decode gives NaN"),
    (Halves(encode=lambda z: z / 0), "Autoencoder halves.encode gives NaN"),
    (Halves(decode=lambda x: x[..., 1:]), "Autoencoder halves.decode returned"),
    (Halves(decode=lambda x: exit()), "Autoencoder halves ends the program"),
])
def test_faults_of_an_autoencoder_are_not_put_on_the_classifier(scan, autoencoder, words):
    with pytest.raises(ModelError, match=words):
        run(scan, autoencoder=autoencoder)


def test_a_probability_out_of_range_is_refused(scan):
    with pytest.raises(ModelError, match=r"judge gives -?\d.* for chance\. That is no probability"):
        run(scan, Judge(Net(lambda x: 40 * x)), target="chance")


@pytest.mark.parametrize("given", [{"classifier": 5}, {"autoencoder": 5}, {"autoencoder": Judge()}])
def test_what_is_no_model_is_refused_in_words(scan, given):
    with pytest.raises(ModelError, match=r"is no (classifier|slice autoencoder)"):
        run(scan, **given)


def test_a_target_that_is_no_text_is_refused(scan):
    with pytest.raises(SettingsError, match="in quotes, not as 3"):
        run(scan, target=3)


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
    import SimpleITK as sitk

    from CTCounterfactualLib.counterfactual.region import Region

    inside = np.zeros(SIZE, np.uint8)
    inside[:, 2:12, 3:15] = 1
    result = run(scan, region=Region(sitk.Cast(scan.with_array(inside), sitk.sitkUInt8), "box"))
    assert not result.difference[inside == 0].any() and result.difference.any()
