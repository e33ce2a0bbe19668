"""Crops: reproducible by seed, drawn by weight, and true to geometry and intensity."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from CTCounterfactualLib.training.augment import AugmentSettings, CropSampler
from CTCounterfactualLib.training.slices import SliceStack

# Every transform off: what is left is a crop at a random place.
PLAIN = AugmentSettings(
    rotation_deg=0,
    scale=1,
    stretch=1,
    warp_px=0,
    noise_hu=0,
    shift_hu=0,
    gain=0,
    blur_probability=0,
    mirror_probability=0,
)


def stack(name: str = "a", level: float | None = None, weight: float = 1.0) -> SliceStack:
    rng = np.random.default_rng(3)
    slices = rng.uniform(0.1, 0.9, (5, 40, 48)) if level is None else np.full((5, 40, 48), level)
    return SliceStack(name, slices.astype(np.float16), weight)


def test_same_seed_same_crops_other_seed_others():
    first, again, other = (CropSampler([stack()], 24, seed).batch(4) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_batches_differ_and_go_on_from_the_generator():
    sampler = CropSampler([stack()], 24, 1)
    together = CropSampler([stack()], 24, 1).batch(4)
    assert torch.equal(torch.cat([sampler.batch(2), sampler.batch(2)]), together)
    # By number, whatever was drawn before: any process can draw any part.
    assert torch.equal(CropSampler([stack()], 24, 1).crops(range(2, 4)), together[2:])


def test_crops_are_intensities_of_the_asked_size():
    crops = CropSampler([stack()], 24, 0).batch(6)
    assert crops.shape == (6, 1, 24, 24)
    assert crops.dtype == torch.float32
    assert 0 <= float(crops.min()) < float(crops.max()) <= 1


@pytest.mark.parametrize("crop", [64, 128])
def test_a_crop_larger_than_the_slice_is_padded_with_air(crop):
    crops = CropSampler([stack(level=0.5)], crop, 0, PLAIN).batch(8)
    inside = (crops > 0).flatten(1).float().mean(1)
    assert torch.all(inside <= 40 * 48 / crop**2 + 0.1)
    assert torch.all(inside > 0.05)  # the centre keeps to the slice


def test_without_transforms_a_crop_is_interpolated_from_its_slice():
    """On a ramp along columns, neighbours differ by the ramp's slope wherever the crop lies."""
    ramp = np.broadcast_to(np.linspace(0, 0.9375, 48), (1, 40, 48)).astype(np.float32)
    crops = CropSampler([SliceStack("ramp", ramp, 1.0)], 16, 0, PLAIN).batch(8)
    full = crops[(crops > 0.02).flatten(1).all(1)]  # crops that don't hang out
    assert len(full) >= 1
    slope = 0.9375 / 47
    steps = full.diff(dim=-1)
    torch.testing.assert_close(steps, torch.full_like(steps, slope), rtol=0, atol=1e-5)
    torch.testing.assert_close(
        full.diff(dim=-2), torch.zeros_like(full[..., 1:, :]), rtol=0, atol=1e-5
    )


def test_mirroring_turns_the_ramp():
    ramp = np.broadcast_to(np.linspace(0, 0.9375, 48), (1, 40, 48)).astype(np.float32)
    mirror = AugmentSettings(**{**PLAIN.__dict__, "mirror_probability": 1.0})
    crops = CropSampler([SliceStack("ramp", ramp, 1.0)], 16, 0, mirror).batch(4)
    assert float(crops.diff(dim=-1)[..., 4:12, 4:12].mean()) < 0


def test_stacks_are_drawn_by_weight():
    stacks = [stack("a", 0.25, 3.0), stack("b", 0.75, 1.0)]
    crops = CropSampler(stacks, 8, 0, PLAIN).batch(400)
    share = float((crops[:, 0, 4, 4] == 0.25).float().mean())
    assert share == pytest.approx(0.75, abs=0.08)  # three standard deviations of 400 draws: 0.065


def test_intensity_stays_within_the_asked_ranges():
    settings = AugmentSettings(**{**PLAIN.__dict__, "shift_hu": 20.0, "gain": 0.1})
    crops = CropSampler([stack(level=0.5)], 8, 0, settings).batch(200)[:, 0, 4, 4]
    # 0.5 x (1 +- 0.1) +- 20 HU / 2000 HU
    assert float(crops.min()) >= 0.44 - 1e-3
    assert float(crops.max()) <= 0.56 + 1e-3
    assert float(crops.max() - crops.min()) > 0.08


def test_noise_is_as_strong_as_asked_and_another_each_time():
    noisy = AugmentSettings(**{**PLAIN.__dict__, "noise_hu": 40.0})
    crops = CropSampler([stack(level=0.5)], 32, 0, noisy).batch(60)[:, 0, 8:24, 8:24]
    deviation = crops.flatten(1).std(1) * 2000
    assert 30 < float(deviation.max()) < 44  # HU; uniform up to 40
    patterns = (crops - crops.mean((1, 2), keepdim=True)).flatten(1)
    likeness = torch.corrcoef(patterns) - torch.eye(60)
    assert float(likeness.abs().max()) < 0.5


def test_a_warp_bends_smoothly_by_as_much_as_asked():
    ramp = np.broadcast_to(np.linspace(0, 1, 401), (1, 400, 401)).astype(np.float32)
    bent = AugmentSettings(**{**PLAIN.__dict__, "warp_px": 6.0})
    straight, warped = (
        CropSampler([SliceStack("ramp", ramp, 1.0)], 64, 5, s).crops(range(1))[0, 0] * 400
        for s in (PLAIN, bent)
    )
    moved = (warped - straight).numpy()  # pixels; the same place, as numbers are drawn in order
    moved -= moved.mean()
    assert 1 < np.abs(moved).max() < 6 * 4
    assert np.abs(np.diff(moved, axis=1)).max() < 1.5
