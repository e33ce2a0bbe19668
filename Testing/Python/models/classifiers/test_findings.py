"""The findings demo: targets, loading, gradient and rescoring on a small random network."""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch

from CTCounterfactualLib.errors import ModelError, SettingsError
from CTCounterfactualLib.models.catalogue import load_classifier
from CTCounterfactualLib.models.classifiers.amounts import DEFAULT_AMOUNTS, Amount, density
from CTCounterfactualLib.models.classifiers.findings import (
    NOT_A_CHEST,
    FindingsDemo,
    LungSizeDemo,
)
from CTCounterfactualLib.models.classifiers.findings_card import load_findings
from CTCounterfactualLib.models.classifiers.findings_network import (
    FINDINGS,
    NAMES,
    POOLING,
    FindingsConfig,
    FindingsNet,
    part_of,
    pool,
    spread,
)
from CTCounterfactualLib.models.entry import RESOURCES, list_models
from CTCounterfactualLib.scans.grid import RAS_DIRECTION_IN_LPS, PreparedScan, prepare
from CTCounterfactualLib.scans.scan import Scan

CARD = RESOURCES / "findings-demo.json"
LARGEST_BYTES = 2 * 1024**2


def random_network(seed: int = 0) -> FindingsNet:
    torch.manual_seed(seed)
    network = FindingsNet(FindingsConfig(width=2, fine_width=2)).eval()
    with torch.no_grad():  # not the prior of few findings: some are seen, some aren't
        for part in (network.coarse, network.fine):
            part.place_of.bias.normal_()
    return network


def volume(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.rand(1, 1, *shape, generator=torch.Generator().manual_seed(seed))


class Everywhere(FindingsNet):
    """A network that sees one place everywhere and the others nowhere."""

    def __init__(self, name: str):
        super().__init__(FindingsConfig(width=2, fine_width=2))
        self.name = name

    def forward(self, x, part):
        shape = pool(x, POOLING[part]).shape[2:]
        logits = torch.full((len(x), len(NAMES[part]), *shape), -50.0)
        if self.name in NAMES[part]:
            logits[:, NAMES[part].index(self.name)] = 50.0
        return logits


def test_the_amount_of_fluid_everywhere_is_its_volume():
    """10 x 20 x 30 prepared voxels of 1.5 x 1.5 x 3 mm at 20 HU: 40.5 mL."""
    x = torch.full((1, 1, 10, 20, 30), (20 + 1000) / 2000)  # no whole blocks of 2 x 4 x 4
    classifier = FindingsDemo(
        Everywhere("effusion"),
        {**DEFAULT_AMOUNTS, "effusion": Amount(present_ml=40.5, ignored_ml=1.0, slope=2.0)},
    )
    assert float(classifier.score(x, "effusion")) == pytest.approx(0.0, abs=0.01)
    nothing = DEFAULT_AMOUNTS["nodule"].logit(torch.zeros(())).item()
    assert float(classifier.score(x, "nodule")) == pytest.approx(nothing, abs=1e-3)


def test_lung_size_is_the_volume_of_the_place_whatever_fills_it():
    classifier = LungSizeDemo(Everywhere("lung"))
    for unit in (0.05, 0.5):
        x = torch.full((1, 1, 10, 20, 32), unit)
        assert float(classifier.score(x)) == pytest.approx(0.0432, abs=1e-6)


def test_probability_is_the_sigmoid_of_the_logit():
    classifier, x = FindingsDemo(random_network()), volume(9, 40, 30)
    logit = classifier.score(x)
    assert torch.equal(logit, classifier.score(x, "Effusion"))
    assert torch.equal(classifier.score(x, "effusion probability"), torch.sigmoid(logit))
    with pytest.raises(SettingsError, match="no target 'fracture'"):
        classifier.score(x, "fracture")


def test_targets_tell_where_the_decision_lies():
    classifier = FindingsDemo(random_network(), negatives={"nodule": -1.5})
    by_name = {target.name: target for target in classifier.targets}
    assert [t.name for t in classifier.targets[:4]] == list(FINDINGS)
    assert by_name["nodule"].threshold == 0.0
    assert by_name["nodule"].negatives == -1.5
    assert by_name["nodule probability"].negatives == pytest.approx(0.1824)
    amount = DEFAULT_AMOUNTS["effusion"]
    none = 3 * math.log(amount.ignored_ml / (amount.ignored_ml + amount.present_ml))
    assert by_name["effusion"].negatives == pytest.approx(none, abs=0.01)


@pytest.mark.parametrize("target", ["effusion", "pneumothorax", None])
def test_gradient_agrees_with_finite_differences(target):
    network = random_network().double()
    classifier = LungSizeDemo(network) if target is None else FindingsDemo(network)
    x = volume(8, 24, 28).double().requires_grad_(True)
    (gradient,) = torch.autograd.grad(classifier.score(x, target).sum(), x)
    direction = torch.randn(x.shape, generator=torch.Generator().manual_seed(1)).double()
    step = 1e-6
    with torch.no_grad():
        ahead, behind = (classifier.score(x + s * step * direction, target) for s in (1, -1))
    slope = float((ahead - behind) / (2 * step))
    assert slope == pytest.approx(float((gradient * direction).sum()), rel=1e-4)


def prepared_with(x: torch.Tensor) -> PreparedScan:
    """Return a prepared scan of exactly these voxels."""
    volume = x[0, 0].numpy()
    hu = (volume * 2000 - 1000).astype(np.float32)
    scan = Scan.from_array(hu, (1.5, 1.5, 3.0), direction=RAS_DIRECTION_IN_LPS)
    return replace(prepare(scan), volume=volume)


def test_for_a_scan_the_places_stay_where_they_were():
    """The gradient is that of density within them: it never asks for more, and nowhere else."""
    x = volume(9, 24, 30)
    classifier = FindingsDemo(random_network())
    ready = classifier.for_scan(prepared_with(x))
    torch.testing.assert_close(ready.score(x, "nodule"), classifier.score(x, "nodule"))
    y, alone = x.clone().requires_grad_(True), x.clone().requires_grad_(True)
    (gradient,) = torch.autograd.grad(ready.score(y, "nodule").sum(), y)
    (slope,) = torch.autograd.grad(density(alone * 2000 - 1000, "nodule").sum(), alone)
    seen = spread(classifier.logits(x, part_of("nodule")), "nodule")[:, None, :9, :24, :30]
    expected = seen * slope
    assert gradient.min() >= -1e-6 * gradient.max()  # rounding of two softplus
    torch.testing.assert_close(
        gradient / gradient.sum(), expected / expected.sum(), rtol=1e-3, atol=1e-9
    )


@pytest.mark.parametrize(("start", "stop"), [(0, 3), (4, 5), (8, 9), (0, 9)])
def test_rescoring_for_a_scan_gives_what_scoring_gives(start, stop):
    x = volume(9, 25, 30)
    ready = FindingsDemo(random_network()).for_scan(prepared_with(x))
    changed = volume(9, 25, 30, seed=1)[0, 0, start:stop, None]  # (n, 1, H, W)
    whole = x.clone()
    whole[0, 0, start:stop] = changed[:, 0]
    for target in ("effusion", "nodule probability"):
        found = ready.rescorer(x, target)(changed, start)
        assert found == pytest.approx(float(ready.score(whole, target)), abs=1e-6)


def test_a_volume_of_another_size_gets_places_of_its_own():
    x, other = volume(9, 24, 30), volume(7, 26, 30, seed=1)
    classifier = FindingsDemo(random_network())
    ready = classifier.for_scan(prepared_with(x))
    assert torch.equal(ready.score(other, "nodule"), classifier.score(other, "nodule"))


def test_volumes_of_a_batch_do_not_mix():
    classifier = FindingsDemo(random_network())
    a, b = volume(12, 40, 30, seed=1), volume(12, 40, 30, seed=2)
    both = classifier.score(torch.cat([a, b]), "effusion")
    alone = torch.cat([classifier.score(a, "effusion"), classifier.score(b, "effusion")])
    torch.testing.assert_close(both, alone, rtol=1e-5, atol=1e-5)


def test_weights_move_outside_inference_mode(monkeypatch):
    """The engine first scores in inference mode, then asks for a gradient: on a GPU, too."""
    network = random_network()
    classifier, move, modes = FindingsDemo(network), network.to, []

    def to(device):
        modes.append(torch.is_inference_mode_enabled())
        return move(device)

    monkeypatch.setattr(network, "to", to)
    with torch.inference_mode():
        classifier.score(volume(4, 8, 8))
    assert modes == [False]


def test_a_scan_without_lungs_is_said_not_to_be_a_chest():
    water = prepare(Scan.from_array(np.zeros((30, 40, 40), np.int16), (1.5, 1.5, 3.0)))
    for channel, flags in (("effusion", [NOT_A_CHEST]), ("lung", [])):
        classifier = FindingsDemo(Everywhere(channel))
        assert classifier.warnings() == ()  # nothing is said before a scan is seen
        # 30 x 40 x 40 voxels are 0.3 L
        assert [name for name, _ in classifier.for_scan(water).warnings()] == flags


@pytest.fixture(scope="module")
def shipped():
    return load_classifier("findings-demo")


def test_the_shipped_models_are_small_and_listed(shipped):
    listed = {entry.name: entry for entry in list_models()}
    for classifier in (shipped, load_classifier("lung-size-demo")):
        entry = listed[classifier.name]
        assert entry.status == "ready"
        assert 0 < entry.size_bytes <= LARGEST_BYTES
        assert entry.targets == classifier.targets
        assert entry.description == classifier.description
        card = json.loads((RESOURCES / entry.card).read_text())
        assert classifier.sha256 == card["sha256"]
        assert "LIDC-IDRI" in " ".join(card["attribution"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"config": {"depth": 3}}, "makes no model"),
        ({"config": {"width": 4}}, "don't fit the model"),
        ({"sha256": "0" * 64}, "damaged or was replaced"),
        ({"weights": "gone.safetensors"}, "is missing"),
        ({"amounts": {"cough": {}}}, "cough"),
        ({"amounts": {"nodule": {"slope": 1.0}}}, "lacks present_ml"),
        ({"amounts": {"nodule": {"present_ml": -1, "ignored_ml": 1, "slope": 1}}}, "above 0"),
        ({"negatives": {"nodule": "low"}}, "nodule = 'low', expected a number"),
        ({"negatives": {"nodule": 2.0}}, "below the threshold"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(tmp_path, change, said):
    card = json.loads(CARD.read_text())
    shutil.copy(RESOURCES / card["weights"], tmp_path)
    path = tmp_path / "card.json"
    path.write_text(json.dumps({**card, **change}))
    with pytest.raises(ModelError, match=said):
        load_findings(path)


@pytest.mark.parametrize("finding", FINDINGS)
def test_gates_reach_over_the_whole_volume(finding):
    x = volume(5, 31, 18)
    gate = spread(FindingsDemo(random_network()).logits(x, part_of(finding)), finding)
    assert all(n >= m for n, m in zip(gate.shape[1:], x.shape[2:], strict=True))
