"""Cards: TOML and JSON say the same; every slip is named."""

import json

import pytest
import torch

from CTCounterfactualLib.errors import ModelError, SettingsError
from CTCounterfactualLib.models.files.cards import read_card
from CTCounterfactualLib.models.own.load import load_own_autoencoder, load_own_classifier

from .conftest import CARD


def test_toml_and_json_give_the_same(write, trusting):
    path = write()
    toml = load_own_classifier(path, trusting)
    as_json = load_own_classifier(write(json.dumps(read_card(path)), ".json"), trusting)
    assert toml.card == as_json.card
    assert toml.sha256 == as_json.sha256
    x = torch.rand(2, 1, 3, 4, 5)
    assert torch.equal(toml.score(x), x.mean(dim=(1, 2, 3, 4)))


def test_all_fields_arrive(write, trusting):
    card = (
        CARD.replace(
            "[output]",
            """[grid]
spacing = [1, 2, 3]
window = [-150, 250]
crop = [64, 32]
antialias = false
[output]""",
        )
        + 'unit = "HU"\ncode = "511.2"\nthreshold = 0.25\nnegatives = -1\n'
    )
    model = load_own_classifier(write(card), trusting)
    assert model.grid.spacing == (1, 2, 3) and model.grid.crop == (64, 32)
    assert (model.grid.window.low_hu, model.grid.window.high_hu) == (-150, 250)
    assert not model.grid.antialias
    (target,) = model.targets
    assert (target.unit, target.code) == ("HU", "511.2")
    assert (target.threshold, target.negatives) == (0.25, -1)
    assert model.find_target("511.2") is target


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("schema = 1", "schema = 7", "schema 7; this version reads schema 1"),
        ("schema = 1", "schema = ", "no valid TOML"),
        (
            'kind = "classifier"',
            'kind = "segmenter"',
            "kind = 'segmenter', expected one of classifier",
        ),
        ('name = "mine"\n', "", "lacks name"),
        ('name = "mine"', 'nmae = "mine"', "has no field 'nmae'. Did you mean 'name'"),
        ('type = "python"', 'type = "keras"', "expected one of python, torchscript"),
        ('type = "python"', 'type = "onnx"\nfactory = "f"', r"type onnx\) has no field 'factory'"),
        ('file = "net.py"', "", "lacks file"),
        ('"net.py"', '"../net.py"', "in the card's own folder"),
        ('"net.py"', '"/etc/passwd"', "in the card's own folder"),
        ('"net.py"', '"C:\\\\net.py"', "in the card's own folder"),
        ('"net.py"', '"gone.py"', "Cannot read the model file .*gone.py"),
        ('"net.py"', '"net.py"\nfactory = "make"', "no function or class 'make'"),
        ('"net.py"', f'"net.py"\nsha256 = "{"0" * 64}"', "damaged or was replaced"),
        ('kind = "score"', 'kind = "class"', "expected one of logit, probability, score, segm"),
        ('[[targets]]\nname = "mean"', "targets = []", "at least one table with a name"),
        (
            'name = "mean"',
            'name = "mean"\nthreshold = "0.5"',
            "threshold = '0.5', expected a number",
        ),
        ('name = "mean"', 'name = "mean"\nthreshold = nan', "threshold = nan, expected a number"),
        (
            'name = "mean"',
            'name = "mean"\nnegatives = 1',
            "target 1: negatives = 1 without a thresh",
        ),
        ('name = "mean"', 'name = "mean"\nthreshold = 1\nnegatives = 2', "below the threshold 1"),
        ('name = "mean"', 'name = "mean"\nunit = "probability"\nthreshold = 50', "between 0 and 1"),
        ('name = "mean"', 'name = "mean"\nindex = -1', "index = -1, expected a whole number"),
        ('name = "mean"', 'name = "a"\n[[targets]]\nname = "A"', "two targets of the same name"),
        ("[output]", "[grid]\nspacing = [1, 0, 3]\n[output]", "3 numbers above 0"),
        ("[output]", "[grid]\nwindow = [250, -150]\n[output]", "the lower HU before the higher"),
        ("[output]", "[grid]\ncrop = [1.5, 2]\n[output]", "2 whole numbers"),
    ],
)
def test_slips_are_named(write, trusting, old, new, words):
    assert old in CARD
    card = CARD.replace(old, new)
    if new.startswith("targets"):
        card = new + card.replace(new, "")
    with pytest.raises(ModelError, match=words):
        load_own_classifier(write(card), trusting)


def test_unknown_targets_are_answered_with_the_known_ones(write, trusting):
    with pytest.raises(SettingsError, match=r"Did you mean 'mean'"):
        load_own_classifier(write(), trusting).find_target("maen")


def test_what_the_network_cannot_take_is_said_with_what_to_mend(write, trusting):
    model = load_own_classifier(
        write(
            **{
                "net.py": """
from torch import nn
def build():
    return nn.Conv3d(3, 1, 3)
"""
            }
        ),
        trusting,
    )
    with pytest.raises(ModelError, match=r"mine cannot take an input of \(1, 1, 4, 4, 4\).*Mend"):
        model.score(torch.zeros(1, 1, 4, 4, 4))


def test_an_autoencoder_by_a_file_without_two_methods_is_refused(write, trusting):
    card = 'schema=1\nkind="autoencoder"\nname="a"\nfactor=4\n[source]\ntype="onnx"\nfile="net.py"'
    with pytest.raises(ModelError, match=r"Use python, torchscript or monai"):
        load_own_autoencoder(write(card), trusting)


def test_a_mean_over_the_batch_does_not_pass_for_scores(write, trusting):
    model = load_own_classifier(
        write(
            **{
                "net.py": """
from torch import nn
class Net(nn.Module):
    def forward(self, x):
        return x.mean().reshape(1)
build = Net
"""
            }
        ),
        trusting,
    )
    with pytest.raises(ModelError, match=r"1 scores for 2 volume"):
        model.score(torch.zeros(2, 1, 2, 2, 2))
