"""Rates of change: exact where measured, interpolated in between."""

from __future__ import annotations

import pytest
import torch

from CTCounterfactualLib.counterfactual.rates import STRIDE, change_rates

SLICES = 23
# Picture per latent step of each slice: linear along the body, as the interpolation assumes.
GAINS = torch.linspace(1.0, 3.0, SLICES, dtype=torch.float64)


def rates_of(gradient: torch.Tensor, sign: float = -1.0) -> tuple[torch.Tensor, list[int]]:
    measured: list[int] = []

    def moved(lam: float, chosen: torch.Tensor) -> torch.Tensor:
        assert lam * sign > 0
        measured.extend(chosen.tolist())
        sizes = gradient[chosen].square().mean(dim=(1, 2, 3)).sqrt()
        return abs(lam) * GAINS[chosen] * sizes

    latents = torch.ones_like(gradient)
    return change_rates(latents, gradient, sign, moved), measured


def random_gradient() -> torch.Tensor:
    return torch.randn(SLICES, 2, 3, 4, generator=torch.Generator().manual_seed(3)).double()


@pytest.mark.parametrize("sign", [-1.0, 1.0])
def test_rates_follow_gain_and_gradient(sign):
    """0, 5, 10, 15, 20 are measured; up to there the interpolated gains are the true ones."""
    gradient = random_gradient()
    rates, measured = rates_of(gradient, sign)
    assert measured == list(range(0, SLICES, STRIDE)) == [0, 5, 10, 15, 20]
    sizes = gradient.square().mean(dim=(1, 2, 3)).sqrt()
    torch.testing.assert_close(rates[:21], (GAINS * sizes)[:21], rtol=1e-12, atol=0)
    torch.testing.assert_close(rates[21:], GAINS[20] * sizes[21:], rtol=1e-12, atol=0)


def test_slices_without_gradient_are_neither_measured_nor_moving():
    gradient = random_gradient()
    gradient[:7] = 0
    rates, measured = rates_of(gradient)
    assert measured == [7, 12, 17, 22]
    assert rates[:7].count_nonzero() == 0
    assert bool((rates[7:] > 0).all())


def test_no_gradient_at_all_measures_nothing():
    rates, measured = rates_of(torch.zeros(SLICES, 2, 3, 4, dtype=torch.float64))
    assert measured == []
    assert rates.shape == (SLICES,)
    assert rates.count_nonzero() == 0


def test_slices_that_hardly_have_a_gradient_are_not_measured():
    """Their change would be rounding, and its ratio would spread to their neighbours."""
    gradient = random_gradient()
    gradient[:3] *= 1e-6
    _, measured = rates_of(gradient)
    assert measured == [3, 8, 13, 18]
