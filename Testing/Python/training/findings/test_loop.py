"""The losses by hand, and the training loop: it learns, resumes, and refuses other weights."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from CTCounterfactualLib.errors import ModelError, SettingsError
from CTCounterfactualLib.models.catalogue import load_classifier
from CTCounterfactualLib.models.classifiers.findings import FindingsDemo
from CTCounterfactualLib.models.classifiers.findings_network import (
    CHANNELS,
    FindingsConfig,
    FindingsNet,
    gates,
)
from CTCounterfactualLib.training.files import CHECKPOINT, LOG
from CTCounterfactualLib.training.findings import batches, calibrate
from CTCounterfactualLib.training.findings.batches import Batch, BatchSampler
from CTCounterfactualLib.training.findings.examples import Example, Patch, Small
from CTCounterfactualLib.training.findings.export import export_findings
from CTCounterfactualLib.training.findings.findings_settings import FindingsSettings
from CTCounterfactualLib.training.findings.loop import FindingsTrainer
from CTCounterfactualLib.training.findings.losses import (
    amount_loss,
    found_share,
    overlap_loss,
    places_loss,
    voxel_loss,
)

SHAPE = (24, 40, 40)
EFFUSION = CHANNELS.index("effusion")


def example() -> Example:
    """Return lung in a wall, whose back can be fluid."""
    hu, lung = np.full(SHAPE, 40, np.int16), np.zeros(SHAPE, np.uint8)
    inside = (slice(2, 22), slice(6, 34), slice(6, 34))
    hu[inside], lung[inside] = -850, 100
    box = (slice(2, 22), slice(6, 18), slice(6, 34))
    shape = (20, 12, 28)
    patch = Patch("effusion", box, np.full(shape, 860, np.int16), np.full(shape, 100, np.uint8))
    return Example(Small(hu, lung, (), "block", "real"), (patch,), 1.0)


@pytest.fixture(autouse=True)
def small_views(monkeypatch):
    monkeypatch.setattr(batches, "VIEWS", (((16, 32, 32), 2),))
    monkeypatch.setattr(batches, "VIEWS_CHANCE", (1.0,))
    monkeypatch.setattr(calibrate, "BATCHES", 3)


def settings(**changes) -> FindingsSettings:
    values = {
        "config": FindingsConfig(width=4),
        "steps": 6,
        "log_every": 2,
        "checkpoint_every": 3,
        "warmup": 2,
        "learning_rate": 0.01,
    }
    return FindingsSettings(**{**values, **changes})


def batch_of(wanted_fluid: torch.Tensor, hu: float = 20.0) -> Batch:
    shape = wanted_fluid.shape
    wanted = torch.zeros(1, len(CHANNELS), *shape)
    wanted[0, EFFUSION] = wanted_fluid
    return Batch(torch.full((1, 1, *shape), hu), wanted, torch.ones_like(wanted))


def test_voxel_loss_of_even_odds_is_log_2_of_each_share():
    fluid = torch.zeros(10, 20, 20)
    fluid[:5] = 1.0
    loss = float(voxel_loss(torch.zeros(1, 5, 10, 20, 20), batch_of(fluid), 0.6))
    found = 0.6 * 2000 / 2020  # few voxels weigh less
    assert loss == pytest.approx(math.log(2) * (found + 5), rel=1e-4)  # five channels


def test_what_is_found_weighs_less_and_less():
    settings = FindingsSettings(found_share=(0.6, 0.06))
    shares = [found_share(settings, done) for done in (0, 0.5, 1)]
    assert shares == pytest.approx([0.6, 0.06 * 10**0.5, 0.06])


def test_unknown_voxels_have_no_say():
    fluid = torch.zeros(4, 8, 8)
    fluid[:2] = 1.0
    batch = batch_of(fluid)
    batch.known[:, EFFUSION] = 0
    places = torch.zeros(1, 5, 4, 8, 8).requires_grad_(True)
    terms = places_loss(places, batch, FindingsSettings())
    (gradient,) = torch.autograd.grad(terms["total"], places)
    assert gradient[:, EFFUSION].abs().max() == 0
    assert gradient.abs().max() > 0


def test_overlap_is_perfect_only_where_the_places_are_right():
    fluid = torch.zeros(4, 20, 20)
    fluid[:2] = 1.0
    batch = batch_of(fluid)
    assert float(overlap_loss(batch.wanted, batch)) == pytest.approx(0.0, abs=1e-6)
    assert float(overlap_loss(batch.wanted.flip(2), batch)) > 0.9  # of the one that is shown


def test_the_amount_is_off_by_the_logarithm():
    """50 voxels of 6 mm at 20 HU: 10.8 mL wanted, twice that seen; 15 mL are added to both."""
    fluid = torch.zeros(4, 5, 5)
    fluid[:2] = 1.0
    batch = batch_of(fluid)
    by_hand = math.log((21.6 + 15) / (10.8 + 15)) / 4  # one finding of four
    gate = batch.wanted.clone()
    gate[:, EFFUSION] = 1.0
    assert float(amount_loss(gate, batch)) == pytest.approx(by_hand, rel=0.01)


def test_it_learns_where_the_fluid_is(tmp_path):
    trained = FindingsTrainer([example()], settings(steps=90), tmp_path).run()
    source = example().source
    hu = source.hu.astype(np.float32)
    wet = hu.copy()
    wet[example().patches[0].box] = 10
    with torch.no_grad():
        dry, wet = (
            gates(trained(torch.from_numpy((v + 1000) / 2000)[None, None]))[0, EFFUSION]
            for v in (hu, wet)
        )
    box = example().patches[0].box
    assert wet[box].mean() > 0.5
    outside = (wet.sum() - wet[box].sum()) / (wet.numel() - wet[box].numel())
    assert outside < 0.8 * wet[box].mean()
    assert dry[box].mean() < 0.8 * wet[box].mean()


def test_a_resumed_run_goes_on_and_logs_on(tmp_path):
    class Stop(Exception):
        pass

    def stop(step, steps):
        if step == 4:
            raise Stop

    with pytest.raises(Stop):
        FindingsTrainer([example()], settings(), tmp_path).run(stop)
    again = FindingsTrainer([example()], settings(), tmp_path)
    assert again.step == 3  # of the last checkpoint
    again.run()
    lines = (tmp_path / LOG).read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["step", "2", "4", "4", "6"]


def test_other_sizes_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="give the same `config`"):
        FindingsTrainer([example()], settings(), tmp_path, FindingsNet(FindingsConfig(width=2)))
    FindingsTrainer([example()], settings(steps=3), tmp_path).run()
    with pytest.raises(ModelError, match="doesn't fit these settings"):
        FindingsTrainer([example()], settings(config=FindingsConfig(width=2)), tmp_path)
    assert (tmp_path / CHECKPOINT).exists()


def test_what_is_exported_is_what_was_trained(tmp_path):
    network = FindingsNet(FindingsConfig(width=2)).eval()
    card = export_findings(
        network, settings(config=FindingsConfig(width=2)), tmp_path, "mine", ["a block"], "CC0-1.0"
    )
    loaded = load_classifier(card)
    x = torch.rand(1, 1, 6, 20, 20)
    torch.testing.assert_close(
        loaded.score(x, "nodule"), FindingsDemo(network).score(x, "nodule"), rtol=0.01, atol=0.01
    )


def test_calibration_takes_back_what_the_weights_did():
    """A network that sees the block's fluid where it is, but with odds 8 times too low."""

    class Seeing(FindingsNet):
        def forward(self, x):
            fluid = (x > 0.45) & (x < 0.508)  # -100 to 16 HU; the wall has 40
            right = torch.where(fluid, 2.0, -12.0) - 2.0
            by_channel = self.place_of.bias.view(len(CHANNELS), -1)[:, :1, None, None]
            return right.expand(-1, len(CHANNELS), -1, -1, -1) + by_channel[None] + 3.0

    network = Seeing(FindingsConfig(width=2)).eval()  # its bias is -3: no shift as it is
    shifts = calibrate.calibrate(network, BatchSampler([example()], 0))
    assert shifts[EFFUSION] >= 1.0
    assert network.place_of.bias.view(len(CHANNELS), -1)[EFFUSION].unique().item() == pytest.approx(
        -3.0 + shifts[EFFUSION]
    )
