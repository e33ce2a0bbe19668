"""What a step of lambda shows and scores, worked out again by hand from its parts."""

from __future__ import annotations

import pytest
import torch

from CTCounterfactualLib.counterfactual.composite import compose
from CTCounterfactualLib.counterfactual.encoded import Encoded, Models
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.counterfactual.workspace import Workspace
from CTCounterfactualLib.events import Reporter
from CTCounterfactualLib.models.classifier import Classifier, Target
from CTCounterfactualLib.scans.grid import GridSpec
from CTCounterfactualLib.scans.hounsfield import IntensityWindow
from oracle_problems import SLICES, SmallAutoencoder

LAM = -0.5
USUAL = IntensityWindow()


class Mean(Classifier):
    """The mean of all voxels, on a grid with a window of its own."""

    name, description = "mean", "for tests"
    targets = (Target("mean"),)

    def __init__(self, window):
        self.grid = GridSpec(window=window)

    def score(self, x, target=None):
        return x.mean(dim=(1, 2, 3, 4))


def workspace(window=USUAL, **settings) -> Workspace:
    rng = torch.Generator().manual_seed(3)
    autoencoder = SmallAutoencoder(contrast=0.45)
    x = 0.1 + 0.8 * torch.rand(SLICES, 1, 16, 16, generator=rng, dtype=torch.float64)
    latents = autoencoder.encode(x)
    gradient = torch.randn(latents.shape, generator=rng, dtype=torch.float64)
    decoded = autoencoder.decode(latents)
    models = Models(autoencoder, Mean(window), "mean", x.device)
    encoded = Encoded(x, decoded, latents, gradient, float(x.mean()), float(decoded.mean()))
    return Workspace(models, encoded, ExplainSettings(**settings), Reporter())


def moved_by(space: Workspace, lam: float, part: slice = slice(None)) -> torch.Tensor:
    """Decode the moved latents of some slices, of all at once."""
    z = space.encoded.latents[part] + lam * space.encoded.gradient[part]
    return space.models.autoencoder.decode(z)


def smoothed_by_hand(change: torch.Tensor, sigma: float) -> torch.Tensor:
    """Smooth along the slices by a matrix: Gaussian weights to 2 sigma, the ends continued."""
    reach = int(2 * sigma + 0.999)
    matrix = torch.zeros(len(change), len(change), dtype=torch.float64)
    offsets = range(-reach, reach + 1)
    weights = [2.718281828459045 ** (-0.5 * (offset / sigma) ** 2) for offset in offsets]
    for row in range(len(change)):
        for offset, weight in zip(offsets, weights, strict=True):
            matrix[row, min(max(row + offset, 0), len(change) - 1)] += weight / sum(weights)
    return torch.einsum("ij,jchw->ichw", matrix, change)


@pytest.mark.parametrize("window", [USUAL, IntensityWindow(-500.0, 500.0)])
@pytest.mark.parametrize("composite", ["bounded", "residual"])
@pytest.mark.parametrize("sigma", [0.5, 1.0, 1.5])
def test_the_scan_takes_the_smoothed_change_in_hu_of_its_window(window, composite, sigma):
    space = workspace(window, composite=composite, slice_smoothing=sigma)
    decoded, scan = space.encoded.decoded, space.start_volume
    moved = moved_by(space, LAM)
    change = smoothed_by_hand(moved - decoded, sigma)
    hu_per_unit = window.high_hu - window.low_hu
    expected = compose(composite, scan, decoded, decoded + change, hu_per_unit)
    found = space.changed(LAM, 0, SLICES)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    # Each slip would be seen: no smoothing, three times as much, or the usual window's HU.
    for other, unit in (
        (moved - decoded, hu_per_unit),
        (smoothed_by_hand(moved - decoded, 3 * sigma), hu_per_unit),
    ):
        slip = compose(composite, scan, decoded, decoded + other, unit)
        assert (slip - found).abs().max() > 0.01
    if composite == "bounded" and hu_per_unit != 2000:
        slip = compose(composite, scan, decoded, decoded + change, 2000.0)
        assert (slip - found).abs().max() > 0.004


def test_a_change_of_the_first_slice_doesnt_come_round_to_the_last():
    space = workspace(composite="residual", slice_smoothing=1.0)
    space.encoded.gradient[1:] = 0
    changed = (space.changed(LAM, 0, SLICES) - space.start_volume).abs().amax(dim=(1, 2, 3))
    assert (changed[:3] > 0.01).all() and not changed[3:].any()
    assert changed[0] > changed[1] > changed[2]


def test_smoothing_stays_within_the_slices_that_may_change():
    space = workspace(composite="residual", slice_smoothing=1.0)
    alone = space.changed(LAM, 2, 3)
    moved = moved_by(space, LAM, slice(2, 3))
    expected = (space.start_volume[2:3] + moved - space.encoded.decoded[2:3]).clamp(0, 1)
    torch.testing.assert_close(alone, expected, rtol=0, atol=1e-12)


def test_the_kept_point_isnt_decoded_again_and_the_next_search_lets_go_of_it():
    space = workspace()
    evaluate = space.evaluator(1, 4)
    for lam in (-0.1, -0.2, -0.3):
        evaluate(lam)
        if lam == -0.2:
            space.keep(lam, 1, 4)
    drawn = space.changed(-0.2, 1, 4)
    assert space.changed(-0.2, 1, 4) is drawn
    space.evaluator(1, 4)
    again = space.changed(-0.2, 1, 4)
    assert again is not drawn and torch.equal(again, drawn)


@pytest.mark.parametrize("scope", ["region", "volume"])
def test_the_farthest_step_is_as_far_as_the_change_limit_is_wide(scope):
    """20 times the step that takes the whole volume to the limit, to first order."""
    farthest = {}
    for limit in (0.02, 0.05):
        space = workspace(max_change=limit, change_scope=scope)
        farthest[limit] = space.farthest_step(0, SLICES)
        assert farthest[limit] == pytest.approx(20 * space.first_step(0, SLICES), rel=1e-9)
        assert space.first_step(1, 3) > 0
    assert farthest[0.05] == pytest.approx(2.5 * farthest[0.02], rel=1e-9)


def test_the_paper_s_baseline_shows_the_decoder_s_picture_as_it_is():
    space = workspace(baseline="reconstruction", slice_smoothing=1.0, composite="bounded")
    far = 40.0
    space.models.autoencoder.contrast = 0.9
    moved = moved_by(space, far)
    assert float(moved.min()) < 0 and float(moved.max()) > 1
    assert torch.equal(space.changed(far, 0, SLICES), moved)
