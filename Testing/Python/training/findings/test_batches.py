"""Painted examples and batches: what is painted, how it is cut out, and what is known of it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from CTCounterfactualLib.models.classifiers.findings_network import FINDINGS, NAMES
from CTCounterfactualLib.training.findings import batches
from CTCounterfactualLib.training.findings.batches import BatchSampler
from CTCounterfactualLib.training.findings.disturb import disturb
from CTCounterfactualLib.training.findings.examples import Example, Patch, Small, build_examples
from CTCounterfactualLib.training.findings.findings_settings import FindingsSettings
from CTCounterfactualLib.training.findings.sources import source_from_generated
from CTCounterfactualLib.training.findings.views import COARSE_LOOKS, FINE_LOOKS, Looks, View

LUNG, EFFUSION = (NAMES["coarse"].index(name) for name in ("lung", "effusion"))
SHAPE = (24, 40, 48)
# Of the block: most of it, and a detail.
LOOKS = replace(
    COARSE_LOOKS,
    views=(View((24, 40, 48), 2, True), View((16, 24, 24), 2, False)),
    chances=(0.5, 0.5),
)
NODULES = replace(LOOKS, names=NAMES["fine"])


@pytest.fixture(scope="module")
def generated():
    """Painted examples of one generated chest."""
    settings = FindingsSettings(variants=12, seed=1)
    return build_examples([source_from_generated(1001)], settings)


def block(unknown: tuple[str, ...] = ()) -> Example:
    """Return a block of lung at -850 HU in water, whose lower half can be fluid of 0 HU."""
    hu, lung = np.zeros(SHAPE, np.int16), np.zeros(SHAPE, np.uint8)
    inside = (slice(6, 18), slice(10, 30), slice(12, 36))
    hu[inside], lung[inside] = -850, 100
    box = (slice(6, 12), slice(10, 30), slice(12, 36))
    shape = (6, 20, 24)
    patch = Patch("effusion", box, np.full(shape, 850, np.int16), np.full(shape, 100, np.uint8))
    return Example(Small(hu, lung, unknown, "block", "real"), (patch,), 1.0)


def draw(
    example: Example, share: float, monkeypatch, seed: int = 0, looks: Looks = LOOKS
) -> batches.Batch:
    """Return a batch of the example, painted by this share, as it is without disturbances."""
    monkeypatch.setattr(batches, "disturb", lambda hu, *_: (hu, torch.zeros_like(hu) > 0))
    monkeypatch.setattr(batches, "LIGHTER_HU", 0.0)
    monkeypatch.setattr(batches, "DENSER_HU", 0.0)
    monkeypatch.setattr(BatchSampler, "_share", lambda self: share)
    return BatchSampler([example], looks, seed).batch()


def test_findings_are_painted_where_the_lungs_are(generated):
    painted = [patch for example in generated for patch in example.patches]
    assert len({patch.finding for patch in painted} & set(FINDINGS)) >= 3
    for example in generated:
        for patch in example.patches:
            cover = patch.cover / 100
            assert cover.max() > (0.02 if patch.finding == "nodule" else 0.3)
            lung = example.source.lung[patch.box] / 100
            assert (cover * (lung > 0)).sum() > 0.8 * cover.sum()
            rise = (patch.change * cover).sum() / cover.sum()
            assert rise < -15 if patch.finding == "pneumothorax" else rise > 100


def test_a_patch_within_another_box_lies_where_it_lay():
    patch = block().patches[0]
    change, cover = patch.within((slice(10, 20), slice(0, 12), slice(34, 48)))
    assert change.shape == (10, 12, 14)
    assert change[:2, 10:, :2].min() == 850  # K 10..11, J 10..11, I 34..35
    assert cover.sum() == 2 * 2 * 2
    nowhere, _ = patch.within((slice(18, 20), slice(0, 12), slice(34, 48)))
    assert not nowhere.any()


@pytest.mark.parametrize("share", [1.0, 0.5])
def test_the_label_is_where_the_fluid_is_however_little_of_it_shows(monkeypatch, share):
    for seed in range(3):
        batch = draw(block(), share, monkeypatch, seed)
        fluid = batch.wanted[:, EFFUSION] > 0.99
        lung = batch.wanted[:, LUNG] > 0.99
        assert fluid.any()
        expected = -850 + share * 850
        assert torch.allclose(batch.hu[:, 0][fluid], torch.tensor(expected), atol=12.0)
        assert torch.allclose(batch.hu[:, 0][lung], torch.tensor(-850.0), atol=12.0)
        assert not (fluid & lung).any()
        assert batch.known.min() == 1


def test_nothing_is_said_of_what_hardly_shows(monkeypatch):
    batch = draw(block(), 0.05, monkeypatch)
    nodules = draw(block(), 0.05, monkeypatch, looks=NODULES)
    unsure = batch.known[:, EFFUSION] == 0
    assert unsure.any()
    assert batch.wanted[:, EFFUSION].max() == 0
    assert (batch.known[:, LUNG] == 0)[unsure].all()
    assert nodules.known.min() == 1


def test_of_what_a_scan_may_hold_only_the_painted_is_known(monkeypatch):
    held = block(("effusion", "nodule"))
    batch = draw(held, 1.0, monkeypatch)
    nodules = draw(held, 1.0, monkeypatch, looks=NODULES)
    fluid = batch.wanted[:, EFFUSION] > 0
    lung = (batch.wanted[:, LUNG] > 0.6) & ~fluid
    assert batch.known[:, EFFUSION][fluid].min() == 1
    assert batch.known[:, EFFUSION][lung].max() == 0
    assert nodules.known[(nodules.hu - -850).abs() < 5].max() == 0
    assert batch.known[:, NAMES["coarse"].index("pneumothorax")].min() == 1


@pytest.mark.parametrize("looks", [COARSE_LOOKS, FINE_LOOKS])
def test_batches_are_seeded_finite_and_within_the_window(generated, looks):
    examples = generated if looks is FINE_LOOKS else [example.coarse for example in generated]
    first, again = (BatchSampler(examples, looks, 3).batch() for _ in range(2))
    assert torch.equal(first.hu, again.hu)
    for number in range(5):
        batch = BatchSampler(examples, looks, number).batch()
        assert batch.hu.min() >= -1000
        assert batch.hu.max() <= 1000
        assert batch.wanted.shape == batch.known.shape
        assert batch.wanted.shape[1] == len(looks.names)
        assert batch.wanted.min() > -1e-3
        assert batch.wanted.max() < 1 + 1e-3
        assert batch.hu.shape[2:] == batch.wanted.shape[2:]


def test_the_coarse_example_is_the_mean_of_the_fine_one(generated):
    """Eight voxels in one: else the two networks would learn from different findings."""
    example = next(e for e in generated if e.patches)
    fine, coarse = example.patches[0], example.coarse.patches[0]
    whole, halves = (
        tuple(slice(0, n) for n in e.source.hu.shape) for e in (example, example.coarse)
    )
    change, cover = fine.within(whole)
    for values, found in zip((change, cover), coarse.within(halves), strict=True):
        k, j, i = found.shape
        means = values.reshape(k, 2, j, 2, i, 2).mean((1, 3, 5))
        assert np.abs(means - found).max() <= (0.51 if values is change else 0.0051)
    assert example.coarse.source.hu.shape == tuple(n // 2 for n in example.source.hu.shape)


def test_a_disturbed_scan_keeps_its_lungs_apart_from_its_walls():
    """Whatever is done to it: else the labels would be wrong."""
    rng = np.random.default_rng(0)
    hu = torch.full((1, 1, *SHAPE), 40.0)
    hu[..., 10:30, 12:36] = -850.0
    lung = torch.zeros_like(hu)
    lung[..., 10:30, 12:36] = 1.0
    hazed = 0
    for _ in range(30):
        seen, hazy = disturb(hu, lung, lung, rng, COARSE_LOOKS.mm)
        assert seen.isfinite().all()
        assert seen[lung > 0].median() < seen[lung == 0].median() - 150
        assert not hazy[lung == 0].any()
        hazed += bool(hazy.any())
    assert 0 < hazed < 15


def test_scans_with_a_nodule_are_drawn_most_though_they_are_few(generated):
    looks = replace(FINE_LOOKS, shown=0.8)
    holds = np.array([any(p.finding == "nodule" for p in e.patches) for e in generated])
    assert 0 < holds.sum() < len(generated)
    more = [replace(e, weight=e.weight * 2) for e in generated]
    chances = BatchSampler(generated + more, looks, 0).chances
    assert chances.sum() == pytest.approx(1.0)
    assert chances[np.tile(holds, 2)].sum() == pytest.approx(0.8)
    assert chances[len(generated) :].sum() == pytest.approx(2 / 3)  # by weight among each


def test_where_all_scans_hold_it_all_are_drawn(generated):
    holds = [e for e in generated if any(p.finding == "nodule" for p in e.patches)]
    assert BatchSampler(holds, FINE_LOOKS, 0).chances.min() > 0
