"""Examples on the network's grid: what is averaged and labelled, and what batches look like."""

import dataclasses

import numpy as np
import pytest
import torch

from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.scans.scan import Scan
from CTCounterfactualLib.training.effusion.augment import EFFUSION_ML, FREE_ML, BatchSampler
from CTCounterfactualLib.training.effusion.augment_settings import AugmentSettings
from CTCounterfactualLib.training.effusion.effusion_settings import EffusionSettings
from CTCounterfactualLib.training.effusion.examples import (
    GENERATED,
    REAL,
    Example,
    build_examples,
    painted,
    source_from_scan,
    unpainted,
)

RAS_IN_LPS = (-1, 0, 0, 0, -1, 0, 0, 0, 1)


def as_scan(hu):
    return Scan.from_array(hu, (1.5, 1.5, 3.0), direction=RAS_IN_LPS, name="block")


def test_blocks_of_6_mm_are_averaged(source):
    rng = np.random.default_rng(0)
    example = unpainted(source, rng, distractors=False)
    assert example.ml == 0.0
    assert example.hu.shape in {(14, 20, 30)}
    assert example.hu.min() == -1000
    assert example.hu.max() == 50
    assert example.hu.mean() == pytest.approx(source.hu.mean(), abs=25)


def test_painted_ones_know_their_fluid(source):
    for seed in range(5):
        example = painted(source, np.random.default_rng(seed), (40.0, 60.0))
        assert 25.0 < example.ml < 150.0  # one side or both
        full = example.hu[example.fluid > 0.95]
        assert 0 <= np.median(full) <= 25
        assert full.min() >= 0 - 0.05 * 850 - 1  # up to 5 % of lung is still in it


def test_a_scan_becomes_a_source(hu):
    source = source_from_scan(as_scan(hu))
    assert len(source.spaces) == 2
    assert source.litres == pytest.approx(0.432, rel=0.05)


def test_the_left_half_is_mirrored(hu):
    hu[10:20, 30:40, 75:100] = 40.0  # something in the right lung
    source = source_from_scan(as_scan(hu), mirror_left=True)
    assert np.array_equal(source.hu, source.hu[:, :, ::-1])
    assert source.hu.shape[2] == pytest.approx(120, abs=2)
    left, right = source.spaces
    assert left.ml == right.ml == pytest.approx(216.0, rel=0.05)  # of the left, twice


def test_a_scan_without_lung_is_a_negative(hu):
    hu[hu == -850.0] = 50.0
    settings = EffusionSettings(generated=0, variants=4)
    (example,) = build_examples([(as_scan(hu), False)], settings)
    assert (example.group, example.ml) == (REAL, 0.0)


def test_the_mix_of_one_scan(hu):
    settings = EffusionSettings(generated=0, variants=16)
    examples = build_examples([(as_scan(hu), False)], settings)
    # 0.43 L of lung is a slab: a quarter of 16 with fluid, half of them with distractors, one as is
    assert [e.ml > 0 for e in examples] == [False, True, True, True, True, False, False]
    again = build_examples([(as_scan(hu), False)], settings)
    assert all(np.array_equal(a.hu, b.hu) for a, b in zip(examples, again, strict=True))


@pytest.fixture
def examples():
    """Return a volume whose fluid is exactly where it is 0 HU, and one without."""
    hu = np.full((20, 40, 40), -850, np.int16)
    fluid = np.zeros(hu.shape, np.float16)
    fluid[4:16, 4:14, 8:32] = 1.0
    hu[fluid > 0] = 0
    wet = Example("wet", REAL, hu, fluid)
    dry = Example("dry", GENERATED, np.full_like(hu, -850), np.zeros_like(fluid))
    return [wet, dry]


STILL = AugmentSettings(
    shift_hu=0, gain=0, lung_shift_hu=0, contrast=(1, 1), noise_hu=0, blur_chance=0, dense_chance=0
)


def test_fluid_moves_with_the_voxels(examples):
    sampler = BatchSampler(examples, 0.5, seed=1, settings=STILL)
    seen = 0
    for _ in range(6):
        batch = sampler.batch(4)
        assert batch.x.shape == batch.fluid.shape
        assert batch.x.shape[:2] == (4, 1)
        full = batch.fluid == 1.0
        # fluid = 1 only where all eight neighbours are 0 HU, which is 0.5 of the window
        assert torch.allclose(batch.x[full], torch.tensor(0.5), atol=2e-3)
        seen += int(full.sum())
    assert seen > 1000


def test_labels_follow_the_fluid_in_view(examples):
    sampler = BatchSampler(examples, 0.5, seed=2)
    for _ in range(10):
        batch = sampler.batch(4)
        ml = batch.fluid.sum(dim=(1, 2, 3, 4)) * 0.216
        assert torch.equal(batch.label == 1, ml >= EFFUSION_ML)
        assert torch.equal(batch.label == 0, ml < FREE_ML)
        between = (ml >= FREE_ML) & (ml < EFFUSION_ML)
        assert torch.equal(batch.label.isnan(), between)
        assert 0 <= float(batch.x.min()) <= float(batch.x.max()) <= 1


@pytest.mark.parametrize(
    ("share", "kept", "said"),
    [
        (0.0, 2, "no example without fluid"),
        (1.0, 2, "no example with fluid"),
        (0.5, 1, "no example without fluid"),
    ],
)
def test_nothing_to_draw_is_said(examples, share, kept, said):
    with pytest.raises(SettingsError, match=said):
        BatchSampler(examples[:kept], share, seed=0)


def test_same_seed_same_batches(examples):
    first, again = (BatchSampler(examples, 0.5, seed=3).batch(3).x for _ in range(2))
    assert torch.equal(first, again)
    assert not torch.equal(first[0], first[1]) or not torch.equal(first[1], first[2])


def test_dense_fluid_is_still_fluid(examples):
    dense = dataclasses.replace(STILL, dense_chance=1.0, dense_hu=400.0)
    sampler = BatchSampler(examples, 0.5, seed=4, settings=dense)
    values = []
    for _ in range(4):
        batch = sampler.batch(4)
        for x, fluid in zip(batch.x, batch.fluid, strict=True):
            inside = x[fluid == 1.0] * 2000 - 1000
            if len(inside):
                assert float(inside.max() - inside.min()) < 10.0  # each by one amount
                values.append(float(inside.mean()))
    assert 0 < min(values) < 150 < max(values) < 405


def test_contrast_can_be_taken_away(examples):
    bright = dataclasses.replace(examples[0], hu=np.where(examples[0].hu == 0, 200, -850))
    bright = dataclasses.replace(bright, hu=bright.hu.astype(np.int16))
    plain = dataclasses.replace(STILL, contrast=(0.0, 0.0))
    sampler = BatchSampler([bright, examples[1]], 0.5, seed=1, settings=plain)
    batches = [sampler.batch(4) for _ in range(4)]
    full = torch.cat([b.x[b.fluid == 1.0] for b in batches])
    assert torch.allclose(full, torch.tensor((45 + 1000) / 2000), atol=2e-3)
