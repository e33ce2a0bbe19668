"""The effusion demo: pooling, targets and loading; on real and generated chests where it looks."""

from __future__ import annotations

import json
import math
import shutil

import numpy as np
import pytest
import torch

from CTCounterfactualLib import explain
from CTCounterfactualLib.errors import ModelError, SettingsError
from CTCounterfactualLib.metrics.effusion import (
    generated_cases,
    logits,
    paint_cases,
    point,
    separate,
)
from CTCounterfactualLib.models.catalogue import load_classifier
from CTCounterfactualLib.models.classifiers.effusion import (
    LOGIT,
    PROBABILITY,
    EffusionConfig,
    EffusionDemo,
    EffusionNet,
    load_effusion,
    pool,
)
from CTCounterfactualLib.models.entry import RESOURCES, list_models
from CTCounterfactualLib.scans.grid import RAS_DIRECTION_IN_LPS, GridSpec
from CTCounterfactualLib.scans.read import read_scan
from CTCounterfactualLib.scans.scan import Scan
from CTCounterfactualLib.training.effusion.examples import source_from_scan

CARD = RESOURCES / "effusion-demo.json"
LARGEST_BYTES = 5_000_000


@pytest.fixture(scope="module")
def shipped():
    return load_classifier("effusion-demo")


def random_network(seed: int = 0) -> EffusionNet:
    torch.manual_seed(seed)
    return EffusionNet(EffusionConfig(width=2)).eval()


def volume(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(1, 1, *shape, generator=torch.Generator().manual_seed(seed))


def test_pooling_counts_what_is_there():
    x = torch.arange(3.0).reshape(1, 1, 3, 1, 1).expand(1, 1, 3, 4, 6)
    pooled = pool(x)
    assert pooled.shape == (1, 1, 2, 1, 2)
    # slices 0 and 1 -> 0.5; slice 2 alone -> 2, as do the two columns that stick out
    assert pooled[0, 0, :, 0].tolist() == [[0.5, 0.5], [2.0, 2.0]]


def test_logit_is_a_smooth_maximum():
    network = random_network().requires_grad_(False)
    with torch.no_grad():
        network.log_weight.fill_(math.log(0.5))
        network.offset.fill_(-1.0)
    evidence = torch.tensor([1.0, 1.0, -30.0, -30.0]).reshape(1, 1, 1, 2, 2)
    assert float(network.logit(evidence)) == pytest.approx(0.5 * (1 + math.log(2)) - 1, abs=1e-6)


def test_gradient_is_shared_by_the_strongest_sites():
    evidence = torch.tensor([3.0, 3.0, -9.0]).reshape(1, 1, 1, 1, 3).requires_grad_(True)
    (gradient,) = torch.autograd.grad(random_network().logit(evidence).sum(), evidence)
    assert gradient.flatten().tolist() == pytest.approx([0.5, 0.5, 0.0], abs=1e-5)


def test_probability_is_the_sigmoid_of_the_logit():
    classifier, x = EffusionDemo(random_network()), volume(20, 40, 60)
    logit, probability = classifier.score(x, LOGIT), classifier.score(x)
    assert logit.shape == probability.shape == (1,)
    # In double precision: a probability near 1 keeps its logit.
    assert torch.equal(probability, torch.sigmoid(logit.double()))
    assert torch.equal(classifier.score(x, PROBABILITY.upper()), probability)
    with pytest.raises(SettingsError, match="no target 'pneumonia'"):
        classifier.score(x, "pneumonia")


@pytest.mark.parametrize("shape", [(1, 5, 7), (3, 16, 16), (13, 91, 62), (40, 33, 250)])
def test_any_size_gives_a_finite_score_and_gradient(shape):
    x = volume(*shape).requires_grad_(True)
    score = EffusionDemo(random_network()).score(x, LOGIT)
    (gradient,) = torch.autograd.grad(score.sum(), x)
    assert gradient.shape == x.shape
    assert gradient.isfinite().all()
    assert gradient.abs().max() > 0


def test_volumes_of_a_batch_do_not_mix():
    classifier = EffusionDemo(random_network())
    a, b = volume(20, 40, 60, seed=1), volume(20, 40, 60, seed=2)
    both = classifier.score(torch.cat([a, b]), LOGIT)
    alone = torch.cat([classifier.score(a, LOGIT), classifier.score(b, LOGIT)])
    torch.testing.assert_close(both, alone, rtol=1e-5, atol=1e-5)


def test_weights_move_outside_inference_mode(monkeypatch):
    """The engine first scores in inference mode, then asks for a gradient: on a GPU, too."""
    network = random_network()
    classifier, move, modes = EffusionDemo(network), network.to, []

    def to(device):
        modes.append(torch.is_inference_mode_enabled())
        return move(device)

    monkeypatch.setattr(network, "to", to)
    with torch.inference_mode():
        classifier.score(volume(4, 8, 8))
    assert modes == [False]


def test_gradient_agrees_with_finite_differences():
    network = random_network().double()
    x = volume(8, 24, 24).double().requires_grad_(True)
    (gradient,) = torch.autograd.grad(network(pool(x)).sum(), x)
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(1)).double()
    step = 1e-6
    with torch.no_grad():
        ahead, behind = (network(pool(x + s * step * direction)) for s in (1, -1))
    slope = float((ahead - behind) / (2 * step))
    assert slope == pytest.approx(float((gradient * direction).sum()), rel=1e-6)


def test_the_shipped_model_is_small_and_listed(shipped):
    (entry,) = (model for model in list_models() if model.name == EffusionDemo.name)
    assert entry.status == "ready"
    assert 0 < entry.size_bytes <= LARGEST_BYTES
    assert entry.targets == EffusionDemo.targets
    assert entry.description == EffusionDemo.description
    card = json.loads(CARD.read_text())
    assert shipped.sha256 == card["sha256"]
    assert not shipped.network.training
    assert "LIDC-IDRI" in " ".join(card["attribution"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"config": {"depth": 3}}, "makes no model"),
        ({"config": {"width": 4}}, "don't fit the model"),
        ({"sha256": "0" * 64}, "damaged or was replaced"),
        ({"weights": "gone.safetensors"}, "is missing"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(tmp_path, change, said):
    card = json.loads(CARD.read_text())
    shutil.copy(RESOURCES / card["weights"], tmp_path)
    path = tmp_path / "card.json"
    path.write_text(json.dumps({**card, **change}))
    with pytest.raises(ModelError, match=said):
        load_effusion(path)


@pytest.fixture(scope="module")
def painted(shared_ct):
    """Return an unseen real chest with fluid painted into it eight times, and without."""
    source = source_from_scan(read_scan(shared_ct("chest_cip64.nrrd")))
    return paint_cases(source, 8, seed=11, ml=(200.0, 1000.0))


def test_painted_fluid_raises_the_score_of_an_unseen_chest(shipped, painted):
    found = separate(*(logits(shipped, cases) for cases in painted))
    assert found.auc >= 0.95
    assert found.specificity == 1.0
    assert found.sensitivity >= 0.6  # thin layers are hard to see on this scan's 4 mm voxels


def test_the_gradient_points_at_the_fluid(shipped, painted):
    found = point(shipped, painted[0])
    assert found.hits >= 6  # of 8; by chance less than one
    assert found.chance < 0.1
    assert found.energy > 4 * found.chance


def test_a_real_effusion_that_was_never_seen(shipped, shared_ct):
    """The right side of this chest has an effusion; training saw its left half only."""
    source = source_from_scan(read_scan(shared_ct("chest_lidc0314_2mm.nii.gz")))
    x = torch.from_numpy(shipped.grid.window.to_unit(source.hu))[None, None]  # (K, J, I) -> 5D
    middle = x.shape[-1] // 2  # I grows to the patient's Right
    assert float(shipped.score(x, LOGIT)) > 0
    assert float(shipped.score(x[..., middle:], LOGIT)) > 2
    assert float(shipped.score(x[..., :middle], LOGIT)) < 0


def test_a_counterfactual_lowers_the_score_where_the_fluid_is(shipped):
    """A slab of a generated chest of an unseen seed."""
    wet, _ = generated_cases(3, (400.0, 500.0))
    fullest = int(wet.fluid.sum(axis=(1, 2)).argmax())
    part = slice(max(0, fullest - 5), fullest + 6)
    fluid = wet.fluid[part]
    spec = GridSpec()
    hu = spec.window.to_hu(wet.volume[part]).astype(np.float32)
    scan = Scan.from_array(hu, spec.spacing, direction=RAS_DIRECTION_IN_LPS, name=wet.name)
    found = explain(scan, shipped, LOGIT, mode="whole", max_evaluations=5)
    assert found.scores.counterfactual < found.scores.original - 0.5
    energy = found.difference.astype(float) ** 2
    share = energy[fluid > 0].sum() / energy.sum()
    assert share > 3 * (fluid > 0).mean()
