"""Perceptual losses: 0 for equal crops, blind to what vision is blind to, from real weights."""

from __future__ import annotations

import pytest
import torch

from CTCounterfactualLib.errors import MissingExtraError, ModelError, SettingsError
from CTCounterfactualLib.training.perceptual import efficientnet
from CTCounterfactualLib.training.perceptual.features import PerceptualLoss
from CTCounterfactualLib.training.perceptual.lpips import SLICES, WIDTHS
from CTCounterfactualLib.training.perceptual.perceptual import load_perceptual


class Two(PerceptualLoss):
    """Brightness and slope: features worked out by hand."""

    def maps(self, x):
        return [torch.cat([x[..., 1:], x.diff(dim=-1)], dim=1)]


def crops(seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    small = torch.rand(2, 1, 8, 8, generator=generator)
    return torch.nn.functional.interpolate(small, size=(64, 64), mode="bilinear")


def test_the_loss_by_hand():
    """Features (1, 0) and (0.6, 0.8): the squared difference is 0.8."""
    real = torch.ones(1, 1, 1, 2)
    drawn = torch.tensor([-1.0, 3.0]).view(1, 1, 1, 2)  # brightness 3, slope 4
    assert float(Two()(drawn, real)) == pytest.approx(0.4**2 + 0.8**2, rel=1e-5)
    assert float(Two()(real, real)) == 0.0


def test_efficientnet_sees_structure_more_than_it_sees_brightness():
    pytest.importorskip(efficientnet.PACKAGE)
    loss = load_perceptual("efficientnet")
    assert not any(p.requires_grad for p in loss.parameters())
    assert [tuple(m.shape[1:]) for m in loss.maps(crops())] == [
        (16, 32, 32),
        (24, 16, 16),
        (40, 8, 8),
    ]
    real = crops()
    brighter = real + 0.02
    noise = torch.randn(real.shape, generator=torch.Generator().manual_seed(1))
    noisy = real + 0.02 * noise / noise.square().mean().sqrt()  # of the same size
    drawn = noisy.clone().requires_grad_(True)
    value = loss(drawn, real)
    assert float(value.detach()) > 3 * float(loss(brighter, real)) > 0
    value.backward()
    assert drawn.grad.abs().sum() > 0
    assert float(loss(real, real)) == 0.0


def test_efficientnet_without_its_wheel_names_the_extra(monkeypatch):
    monkeypatch.setattr(efficientnet, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"perceptual"):
        load_perceptual("efficientnet")


def lpips_file(path, prefix: str):
    generator = torch.Generator().manual_seed(3)
    tensors, inputs = {}, 3
    for number, (layers, width) in enumerate(zip(SLICES, WIDTHS, strict=True)):
        for layer in layers:
            name = f"{prefix}net.slice{number + 1}.{layer}"
            scale = (2 / (9 * inputs)) ** 0.5
            tensors[f"{name}.weight"] = scale * torch.randn(
                width, inputs, 3, 3, generator=generator
            )
            tensors[f"{name}.bias"] = torch.zeros(width)
            inputs = width
        tensors[f"{prefix}lin{number}.model.1.weight"] = torch.rand(
            1, width, 1, 1, generator=generator
        )
    torch.save({"state_dict": tensors}, path)
    return tensors


def test_lpips_is_read_from_a_taming_checkpoint(tmp_path):
    prefix = "loss.perceptual_loss."
    tensors = lpips_file(tmp_path / "vqgan.ckpt", prefix)
    loss = load_perceptual("lpips", str(tmp_path / "vqgan.ckpt"))
    real, drawn = crops(0)[..., :32, :32], crops(1)[..., :32, :32]
    maps = loss.maps(real)
    assert [part.shape[1] for part in maps] == list(WIDTHS)
    # The published formula on these maps: each place of length 1, weighed channels, means.
    expected = 0.0
    for number, (a, b) in enumerate(zip(maps, loss.maps(drawn), strict=True)):
        weight = tensors[f"{prefix}lin{number}.model.1.weight"]
        a, b = (torch.nn.functional.normalize(part, dim=1) for part in (a, b))
        expected += float(((a - b) ** 2 * weight).sum(1).mean()) / 5
    assert float(loss(drawn, real)) == pytest.approx(expected, rel=1e-4)

    torch.save({"state_dict": {"a": torch.zeros(2)}}, tmp_path / "other.ckpt")
    with pytest.raises(ModelError, match=r"holds no weights of LPIPS: net\.slice1\.0\.weight"):
        load_perceptual("lpips", str(tmp_path / "other.ckpt"))


def test_choices_that_cannot_be():
    assert load_perceptual("none") is None
    with pytest.raises(SettingsError, match="needs perceptual_weights"):
        load_perceptual("lpips")
    with pytest.raises(SettingsError, match="no perceptual loss 'lpip'"):
        load_perceptual("lpip")
