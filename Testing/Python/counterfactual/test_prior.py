"""Steps among latents as scans have them: a matrix over channels, known answers."""

from __future__ import annotations

import pytest
import torch

from CTCounterfactualLib.counterfactual.prior import FLOOR, covariance, plausible


def latents(*deviations: float, shape=(6, 8, 8), seed=1) -> torch.Tensor:
    """Latents (D, C, h, w) whose channels have these standard deviations, and a mean of 3."""
    rng = torch.Generator().manual_seed(seed)
    depth, height, width = shape
    noise = torch.randn(depth, len(deviations), height, width, generator=rng)
    return 3 + noise * torch.tensor(deviations)[:, None, None]


def test_channels_that_never_vary_hardly_move():
    z = latents(2.0, 1.0, 0.0, shape=(20, 16, 16))
    sigma = covariance(z)
    expected = torch.tensor([1.0, 0.25 + 0.75 * FLOOR, FLOOR], dtype=torch.float64)
    torch.testing.assert_close(sigma.diag(), expected, rtol=0.1, atol=1e-6)
    step = plausible(torch.ones_like(z), sigma)
    assert step.shape == z.shape and step.dtype == z.dtype
    means = step.mean(dim=(0, 2, 3))
    assert means[0] > 3 * means[1] > 9 * means[2] > 0


def test_channels_that_vary_together_move_together():
    one = latents(1.0)
    sigma = covariance(torch.cat([one, -one], dim=1))
    step = plausible(torch.tensor([1.0, 0.0]).reshape(1, 2, 1, 1), sigma).flatten().tolist()
    assert step[0] == pytest.approx(-step[1], rel=4 * FLOOR)
    assert step[0] > 0


def test_the_step_still_climbs_and_of_any_size_alike():
    rng = torch.Generator().manual_seed(4)
    z, g = latents(3.0, 1e-4, 1.0, 0.0), torch.randn(6, 4, 8, 8, generator=rng)
    step = plausible(g, covariance(z))
    assert float((g * step).sum()) > 0
    for part in range(4):  # whichever channel the gradient points along
        alone = torch.zeros_like(g)
        alone[:, part] = 1
        assert float((alone * plausible(alone, covariance(z))).sum()) > 0
    torch.testing.assert_close(covariance(1000 * z), covariance(z), rtol=1e-4, atol=1e-5)


def test_without_variance_or_samples_the_step_is_the_gradient():
    g = torch.randn(2, 3, 4, 4, generator=torch.Generator().manual_seed(2))
    nowhere = torch.zeros(2, 1, 4, 4, dtype=torch.bool)
    for sigma in (covariance(torch.ones(2, 3, 4, 4)), covariance(g, nowhere)):
        assert torch.equal(plausible(g, sigma), g)


def test_only_cells_that_may_move_are_counted():
    z = latents(1.0, 0.0)
    z[:, 1, :, :4] = 100 * torch.randn(6, 8, 4, generator=torch.Generator().manual_seed(3))
    cells = torch.ones(6, 1, 8, 8, dtype=torch.bool)
    cells[:, :, :, :4] = False
    everywhere, here = covariance(z), covariance(z, cells)
    assert everywhere[1, 1] > everywhere[0, 0]
    assert here[0, 0] == pytest.approx(1, abs=1e-6) and here[1, 1] == pytest.approx(FLOOR, rel=0.01)
