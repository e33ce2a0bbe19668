"""Faults of users' models through the whole engine: the model and its true cause are named."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from users import GRID, Halves, Judge, Net, run, small_scan

from CTCounterfactualLib.errors import ModelError, SettingsError
from CTCounterfactualLib.models.faults import NO_GRADIENT_TO_TAKE
from CTCounterfactualLib.models.own.check.classifier import check_classifier
from CTCounterfactualLib.scans.grid import prepare


@pytest.fixture(scope="module")
def scan():
    return small_scan()


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


@pytest.mark.parametrize(
    ("classifier", "words"),
    [
        (
            Judge(before=needs_what_it_overwrites),
            "judge fails on the gradient.*overwrites in place",
        ),
        (Judge(Net().half()), "Classifier judge fails on.*another precision than float32"),
        (Judge(Net().double()), "Classifier judge fails on.*another precision than float32"),
        (Judge(Net(lambda x: exit(0))), "Classifier judge ends the program"),
        (
            Judge(Net(lambda x: x * float("nan"))),
            "classifier judge.*finite|Classifier judge gives nan",
        ),
        (Judge(nn.Conv3d(2, 1, 1)), "Classifier judge cannot take.*its own `grid`"),
        (Judge(nn.Flatten()), r"Classifier judge returned scores of shape \(1, 1920\)"),
    ],
)
def test_other_faults_of_a_classifier_are_told(scan, classifier, words):
    with pytest.raises(ModelError, match=words):
        run(scan, classifier)


@pytest.mark.parametrize(
    ("autoencoder", "words"),
    [
        (Halves(encode=lambda z: (10 * z).long()), "Autoencoder halves.encode returned numbers of"),
        (
            Halves(decode=lambda x: x.detach()),
            "Autoencoder halves: the decoded slices don't depend",
        ),
        (Halves(decode=lambda x: torch.sqrt(x - 9)), "Autoencoder halves.decode gives NaN"),
        (Halves(encode=lambda z: z / 0), "Autoencoder halves.encode gives NaN"),
        (Halves(decode=lambda x: x[..., 1:]), "Autoencoder halves.decode returned"),
        (Halves(decode=lambda x: exit()), "Autoencoder halves ends the program"),
    ],
)
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
