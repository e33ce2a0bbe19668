"""Figures of a drawing by hand: likeness, error by tissue, gaps of scores, use of codes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.metrics.drawing import CodeUse, likeness, measure_scan, ssim
from CTCounterfactualLib.models.autoencoder import SliceAutoencoder
from CTCounterfactualLib.models.classifier import Classifier
from CTCounterfactualLib.models.targets import Target
from CTCounterfactualLib.models.vqgan.config import VQGANConfig
from CTCounterfactualLib.models.vqgan.network import VQGAN
from CTCounterfactualLib.scans.grid import GridSpec, prepare
from CTCounterfactualLib.scans.scan import Scan


def volume() -> np.ndarray:
    """Lung, soft tissue and bone in thirds, (K, J, I), 0..1."""
    x = np.empty((10, 24, 30), np.float32)
    for third, hu in enumerate((-850.0, 40.0, 700.0)):
        x[:, :, 10 * third : 10 * (third + 1)] = (hu + 1000) / 2000
    return x


def test_an_equal_drawing_is_perfect():
    x = volume()
    found = likeness(x, x.copy(), np.ones(x.shape, bool))
    assert found["ssim_body"] == pytest.approx(1.0)
    assert found["psnr_body_db"] == float("inf")
    assert found["slope"] == pytest.approx(1.0)
    assert all(found[f"mae_{tissue}_hu"] == 0 for tissue in ("lung", "soft_tissue", "bone"))


def test_errors_are_told_by_the_scans_tissue():
    x = volume()
    drawn = x.copy()
    for third, hu in enumerate((10.0, -20.0, 60.0)):
        drawn[:, :, 10 * third : 10 * (third + 1)] += hu / 2000
    found = likeness(x, drawn, np.ones(x.shape, bool))
    assert found["mae_lung_hu"] == pytest.approx(10, rel=1e-3)
    assert found["mae_soft_tissue_hu"] == pytest.approx(20, rel=1e-3)
    assert found["mae_bone_hu"] == pytest.approx(60, rel=1e-3)
    # The body of the PSNR is what lies above -500 HU: tissue and bone alike often.
    expected = -10 * np.log10(((20 / 2000) ** 2 + (60 / 2000) ** 2) / 2)
    assert found["psnr_body_db"] == pytest.approx(expected, abs=0.01)
    outside = likeness(x, drawn, x < 0.2)
    assert "mae_bone_hu" not in outside and outside["mae_lung_hu"] == pytest.approx(10, rel=1e-3)


def test_similarity_by_the_formula():
    """Flat pictures have no spread: what is left is the term of the means."""
    a, b = np.full((20, 20), 0.3), np.full((20, 20), 0.6)
    expected = (2 * 0.3 * 0.6 + 1e-4) / (0.09 + 0.36 + 1e-4)
    assert ssim(a, b) == pytest.approx(np.full((20, 20), expected))
    noise = np.random.default_rng(0).normal(0, 0.1, (40, 40))
    assert abs(ssim(0.5 + noise, 0.5 - noise).mean()) < 1  # opposite structure
    assert ssim(0.5 + noise, 0.5 - noise).mean() < -0.5


class Mean(Classifier):
    name, description = "mean", "brightness"
    grid = GridSpec()
    targets = (Target("brightness", "1"), Target("twice", "1"))

    def score(self, x, target=None):
        return x.mean(dim=(1, 2, 3, 4)) * (2 if target == "twice" else 1)


class Silent(Mean):
    name = "silent"

    def for_scan(self, prepared):
        raise ScanError("Nothing to say of this.")


def test_gaps_of_scores():
    hu = np.full((12, 40, 40), -1000, np.int16)
    hu[:, 4:-4, 4:-4] = 40
    prepared = prepare(Scan.from_array(hu, (1.5, 1.5, 3.0)))
    drawn = prepared.volume * 0.9
    found = measure_scan(prepared, drawn, "block", (Mean(), Silent()))
    first, twice = found.gaps
    assert (first.target, twice.target) == ("brightness", "twice")
    assert first.original == pytest.approx(float(prepared.volume.mean()), rel=1e-5)
    assert first.gap == pytest.approx(-0.1 * first.original, rel=1e-4)
    assert twice.gap == pytest.approx(2 * first.gap, rel=1e-4)
    assert found.remarks == ("silent: Nothing to say of this.",)


def test_codes_are_counted_over_scans():
    torch.manual_seed(0)
    config = VQGANConfig(
        ch=16, ch_mult=(1, 1), num_res_blocks=1, attn_resolutions=(), z_channels=4, embed_dim=4,
        n_embed=8, mid_attention=False, patch=2,
    )  # fmt: skip
    autoencoder = SliceAutoencoder(VQGAN(config))
    use = CodeUse()
    assert use.figures() == {}
    use.count(autoencoder, torch.rand(5, 1, 16, 16))
    use.count(autoencoder, torch.rand(1, 1, 16, 16))
    assert use.taken.sum() == 6 * 16  # latents of 4 x 4
    found = use.figures()
    assert found["codes"] == 8
    assert 1 <= found["perplexity"] <= found["codes_used"] <= 8
    use.taken = np.array([5, 5, 0, 0])
    assert use.figures() == {"codes": 4.0, "codes_used": 2.0, "perplexity": pytest.approx(2.0)}
