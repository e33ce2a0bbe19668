"""A probe as a classifier: logits by hand, rescoring, and its card, good and bad."""

import json

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models import catalogue
from CTCounterfactualLib.models.backbones.probe import ProbeClassifier, probe_targets
from CTCounterfactualLib.models.catalogue import load_classifier
from CTCounterfactualLib.models.classifiers.inflated_resnet import FEATURES
from CTCounterfactualLib.models.targets import Target
from CTCounterfactualLib.storage.hashing import file_sha256

LABELS = (
    Target("fluid", "logit", threshold=0.0, negatives=-1.0),
    Target("mass", "logit", threshold=0.0),
)


@pytest.fixture
def head():
    torch.manual_seed(2)
    return nn.Linear(FEATURES, 2)


def test_scores_are_the_linear_function_of_the_features(backbone, head, volume):
    probe = ProbeClassifier(backbone, head, probe_targets(LABELS))
    expected = backbone.features(volume) @ head.weight.T + head.bias
    logits = [float(probe.score(volume, name)) for name in ("fluid", "mass")]
    assert logits == pytest.approx(expected[0].tolist(), rel=1e-5)
    chance = float(probe.score(volume, "mass probability"))
    assert chance == pytest.approx(float(torch.sigmoid(expected[0, 1])), rel=1e-5)
    assert [target.name for target in probe.targets] == [
        "fluid",
        "mass",
        "fluid probability",
        "mass probability",
    ]
    assert probe.targets[2].negatives == pytest.approx(0.26894, abs=1e-4)


def test_rescoring_equals_scoring(backbone, head, volume):
    probe = ProbeClassifier(backbone, head, probe_targets(LABELS), "mean")
    changed = torch.zeros(4, 1, *volume.shape[-2:])
    whole = volume.clone()
    whole[0, 0, 3:7] = 0
    assert probe.rescorer(volume, "mass")(changed, 3) == pytest.approx(
        float(probe.score(whole, "mass")), abs=1e-4
    )


@pytest.fixture
def write_card(tmp_path, head):
    """A function that writes the card of a probe on the effusion demo, with changes."""

    def write(**changes):
        weights = {"weight": torch.ones(2, 16), "bias": torch.tensor([0.5, -1.0])}
        save_file(weights, tmp_path / "w.safetensors")
        demo = load_classifier("effusion-demo")
        card = {
            "schema": 1,
            "kind": "classifier",
            "name": "mine",
            "backbone": {
                "name": "effusion-demo",
                "sha256": demo.sha256,
                "layer": "evidence_of",
                "pooling": "mean",
            },
            "weights": "w.safetensors",
            "sha256": file_sha256(tmp_path / "w.safetensors"),
            "targets": [{"name": "fluid", "negatives": -1}, {"name": "mass"}],
        }
        (tmp_path / "card.json").write_text(json.dumps(card | changes))
        return tmp_path / "card.json"

    return write


def test_a_card_loads_like_any_classifier(write_card):
    probe = load_classifier(write_card())
    x = torch.rand((1, 1, 8, 32, 32))
    features = catalogue.load_backbone("effusion-demo").features(x)
    assert features.shape[1] == 16
    assert float(probe.score(x)) == pytest.approx(float(features.sum()) + 0.5, rel=1e-4)
    assert probe.targets[1] == Target("mass", "logit", threshold=0.0)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"backbone": {"name": "effusion-demo", "sha256": "0" * 64}}, "its features are others"),
        ({"backbone": {"name": "no-such"}}, "no classifier named 'no-such'"),
        ({"backbone": {"name": "effusion-demo", "pooling": "sum"}}, "expected one of mean, max"),
        ({"targets": [{"name": "fluid"}]}, r"has 1 label\(s\), and its weights are \(2, 16\)"),
        ({"targets": []}, "a list of at least one table"),
        ({"sha256": "0" * 64}, "damaged or was replaced"),
        ({"spacing": 3}, "spacing"),
    ],
)
def test_a_card_that_does_not_fit_is_refused_in_words(write_card, changes, message):
    with pytest.raises(ModelError, match=message):
        load_classifier(write_card(**changes))
