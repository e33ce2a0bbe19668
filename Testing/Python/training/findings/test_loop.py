"""The losses by hand, and the training loop: it learns, resumes, and refuses other weights."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from CTCounterfactualLib.errors import ModelError, SettingsError
from CTCounterfactualLib.models.catalogue import load_classifier
from CTCounterfactualLib.models.classifiers.findings import FindingsDemo
from CTCounterfactualLib.models.classifiers.findings_network import (
    NAMES,
    FindingsConfig,
    FindingsNet,
    gates,
)
from CTCounterfactualLib.models.classifiers.sites_unet import SitesUNet
from CTCounterfactualLib.training.files import CHECKPOINT, LOG
from CTCounterfactualLib.training.findings import calibrate, loop
from CTCounterfactualLib.training.findings.batches import Batch, BatchSampler
from CTCounterfactualLib.training.findings.examples import Example, Patch, Small
from CTCounterfactualLib.training.findings.export import export_findings
from CTCounterfactualLib.training.findings.findings_settings import FindingsSettings
from CTCounterfactualLib.training.findings.loop import FindingsTrainer
from CTCounterfactualLib.training.findings.losses import (
    found_share,
    overlap_loss,
    places_loss,
    voxel_loss,
)
from CTCounterfactualLib.training.findings.views import COARSE_LOOKS, FINE_LOOKS, View

# In cubes of 3 mm; the network for fluid sees half as many along each axis.
SHAPE = (32, 64, 64)
EFFUSION = NAMES["coarse"].index("effusion")
CHANNELS = len(NAMES["coarse"])


def example() -> Example:
    """Return lung in a wall, whose back can be fluid."""
    hu, lung = np.full(SHAPE, 40, np.int16), np.zeros(SHAPE, np.uint8)
    inside = (slice(4, 28), slice(8, 56), slice(8, 56))
    hu[inside], lung[inside] = -850, 100
    box = (slice(4, 28), slice(8, 28), slice(8, 56))
    shape = (24, 20, 48)
    patch = Patch("effusion", box, np.full(shape, 860, np.int16), np.full(shape, 100, np.uint8))
    return Example(Small(hu, lung, (), "block", "real"), (patch,), 1.0)


LOOKS = replace(COARSE_LOOKS, views=(View((16, 32, 32), 2, True),), chances=(1.0,))


@pytest.fixture(autouse=True)
def small_views(monkeypatch):
    fine = replace(FINE_LOOKS, views=(View((8, 16, 16), 1, False),), chances=(1.0,))
    monkeypatch.setattr(loop, "COARSE_LOOKS", LOOKS)
    monkeypatch.setattr(loop, "FINE_LOOKS", fine)
    monkeypatch.setattr(calibrate, "BATCHES", 3)


def settings(**changes) -> FindingsSettings:
    values = {
        "config": FindingsConfig(width=4, fine_width=2),
        "steps": 6,
        "log_every": 2,
        "checkpoint_every": 3,
        "warmup": 2,
        "learning_rate": 0.01,
    }
    return FindingsSettings(**{**values, **changes})


def batch_of(wanted_fluid: torch.Tensor, hu: float = 20.0) -> Batch:
    shape = wanted_fluid.shape
    wanted = torch.zeros(1, CHANNELS, *shape)
    wanted[0, EFFUSION] = wanted_fluid
    return Batch(torch.full((1, 1, *shape), hu), wanted, torch.ones_like(wanted))


def test_voxel_loss_of_even_odds_is_log_2_of_each_share():
    fluid = torch.zeros(10, 20, 20)
    fluid[:5] = 1.0
    loss = float(voxel_loss(torch.zeros(1, CHANNELS, 10, 20, 20), batch_of(fluid), 0.6))
    found = 0.6 * 2000 / 2020  # few voxels weigh less
    assert loss == pytest.approx(math.log(2) * (found + CHANNELS), rel=1e-4)


def test_what_is_found_weighs_less_and_less():
    settings = FindingsSettings(found_share=(0.6, 0.06))
    shares = [found_share(settings, done) for done in (0, 0.5, 1)]
    assert shares == pytest.approx([0.6, 0.06 * 10**0.5, 0.06])


def test_unknown_voxels_have_no_say():
    fluid = torch.zeros(4, 8, 8)
    fluid[:2] = 1.0
    batch = batch_of(fluid)
    batch.known[:, EFFUSION] = 0
    places = torch.zeros(1, CHANNELS, 4, 8, 8).requires_grad_(True)
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


def test_overlap_counts_a_small_finding_as_a_large_one():
    """The mean over volumes, not over voxels: two volumes, the smaller one's finding missed."""
    fluid = torch.zeros(8, 40, 40)
    fluid[:4] = 1.0
    few = torch.zeros_like(fluid)
    few[:4, :20, :20] = 1.0
    large, small = batch_of(fluid), batch_of(few)
    both = Batch(
        *(torch.cat([getattr(b, n) for b in (large, small)]) for n in ("hu", "wanted", "known"))
    )
    seen = both.wanted.clone()
    seen[1] = 0
    assert float(overlap_loss(seen, both)) == pytest.approx(0.5, abs=0.01)


def test_it_learns_where_the_fluid_is(tmp_path):
    trained = FindingsTrainer([example()], settings(steps=150, learning_rate=0.005), tmp_path).run()
    source = example().coarse.source
    box = example().coarse.patches[0].box
    hu = source.hu.astype(np.float32)
    wet = hu.copy()
    wet[box] = 10
    with torch.no_grad():
        dry, wet = (
            gates(trained.coarse(torch.from_numpy((v + 1000) / 2000)[None, None]))[0, EFFUSION]
            for v in (hu, wet)
        )
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
    assert again.step == 4  # where it was stopped
    trained = again.run().state_dict()
    lines = (tmp_path / LOG).read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["step", "2", "4", "6"]
    straight = FindingsTrainer([example()], settings(), tmp_path / "straight").run().state_dict()
    assert all(torch.equal(trained[name], straight[name]) for name in straight)


def test_a_checkpoint_of_an_earlier_version_is_gone_on_from(tmp_path):
    """Those knew neither random states nor skipped steps, and their table had fewer columns."""
    FindingsTrainer([example()], settings(steps=2), tmp_path).run()
    state = torch.load(tmp_path / CHECKPOINT, weights_only=True)
    torch.save({name: state[name] for name in ("step", "net", "optimiser")}, tmp_path / CHECKPOINT)
    old = "step,seconds,voxels,overlap,voxels fine,overlap fine"
    (tmp_path / LOG).write_text(f"{old}\n2,1.0,3,4,5,6\n")
    again = FindingsTrainer([example()], settings(), tmp_path)
    assert again.step == 2
    again.run()
    lines = (tmp_path / LOG).read_text().splitlines()
    assert lines[:2] == [f"{old},skipped", "2,1.0,3,4,5,6,"]
    assert [line.split(",")[0] for line in lines[2:]] == ["4", "6"]


def test_other_sizes_are_refused(tmp_path):
    with pytest.raises(SettingsError, match="give the same `config`"):
        FindingsTrainer(
            [example()], settings(), tmp_path, FindingsNet(FindingsConfig(width=2, fine_width=2))
        )
    FindingsTrainer([example()], settings(steps=3), tmp_path).run()
    with pytest.raises(ModelError, match="doesn't fit these settings"):
        FindingsTrainer(
            [example()], settings(config=FindingsConfig(width=2, fine_width=2)), tmp_path
        )
    assert (tmp_path / CHECKPOINT).exists()


def test_what_is_exported_is_what_was_trained(tmp_path):
    network = FindingsNet(FindingsConfig(width=2, fine_width=2)).eval()
    card = export_findings(
        network,
        settings(config=FindingsConfig(width=2, fine_width=2)),
        tmp_path,
        "mine",
        ["a block"],
        "CC0-1.0",
    )
    loaded = load_classifier(card)
    x = torch.rand(1, 1, 6, 20, 20)
    torch.testing.assert_close(
        loaded.score(x, "nodule"), FindingsDemo(network).score(x, "nodule"), rtol=0.01, atol=0.01
    )


def test_calibration_takes_back_what_the_weights_did():
    """A network that sees the block's fluid where it is, but with odds 8 times too low."""

    class Seeing(SitesUNet):
        def forward(self, x):
            fluid = (x > 0.45) & (x < 0.508)  # -100 to 16 HU; the wall has 40
            right = torch.where(fluid, 2.0, -12.0) - 2.0
            by_channel = self.place_of.bias.view(CHANNELS, -1)[:, :1, None, None]
            return right.expand(-1, CHANNELS, -1, -1, -1) + by_channel[None] + 3.0

    network = Seeing(2, CHANNELS).eval()  # its bias is -3: no shift as it is
    shifts = calibrate.calibrate(network, BatchSampler([example().coarse], LOOKS, 0))
    assert shifts[EFFUSION] >= 1.0
    assert network.place_of.bias.view(CHANNELS, -1)[EFFUSION].unique().item() == pytest.approx(
        -3.0 + shifts[EFFUSION]
    )
