"""Where a change pays: chosen from known gains, and kept to in a run."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from CTCounterfactualLib.counterfactual.encoded import Models
from CTCounterfactualLib.counterfactual.focus import spread, where_it_pays, where_it_reacts
from CTCounterfactualLib.counterfactual.region import latent_cells
from CTCounterfactualLib.counterfactual.run import Run
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.events import Reporter
from CTCounterfactualLib.models.classifier import Classifier, Target
from CTCounterfactualLib.models.guarded.autoencoder import GuardedAutoencoder
from CTCounterfactualLib.scans.grid import GridSpec

BLOCK_MM = (6.0, 6.0, 6.0)
SHAPE = (12, 48, 60)  # K, J, I; 36 x 72 x 90 mm
BOX = (slice(5, 7), slice(20, 26), slice(12, 18))  # what the classifier looks at


def gains(*places: tuple[tuple[int, int, int], float]) -> np.ndarray:
    found = np.zeros((13, 13, 13))
    for place, gain in places:
        found[place] = gain
    return found


def test_around_one_place_the_weight_is_1_and_falls_to_0():
    weight = where_it_pays(gains(((6, 6, 6), 1.0)), BLOCK_MM)
    assert weight.dtype == np.float32
    line = weight[6, 6, 6:]
    assert line[0] == line[1] == 1
    assert np.all(np.diff(line) <= 0) and not line[4:].any()
    np.testing.assert_array_equal(weight, weight[::-1])
    np.testing.assert_array_equal(weight, weight.transpose(2, 0, 1))


@pytest.mark.parametrize(("small", "kept"), [(0.1, False), (0.9, True)])
def test_places_that_add_little_are_left_out(small, kept):
    weight = where_it_pays(gains(((2, 2, 2), 1.0), ((10, 10, 10), small)), BLOCK_MM)
    assert weight[2, 2, 2] == 1
    assert (weight[10, 10, 10] == 1) == kept


@pytest.mark.parametrize(("signs", "kept"), [((1, -1), False), ((1, 1), True)])
def test_gain_counts_where_neighbours_agree(signs, kept):
    """As strong both times; of both signs side by side it is noise of the gradient."""
    found = np.zeros((16, 12, 12))
    found[3, 6, 6] = 1.0
    found[9:15] = 0.05 * np.take(signs, np.indices((6, 12, 12)).sum(0) % 2)
    weight = where_it_pays(found, BLOCK_MM)
    assert (weight[11:13, 3:9, 3:9].max() == 1) == kept
    if not kept:
        assert weight[3, 6, 6] == 1


@pytest.mark.parametrize("nothing", [0.0, -1.0])
def test_without_gain_there_is_no_focus(nothing):
    assert where_it_pays(np.full((3, 3, 3), nothing), BLOCK_MM) is None


def test_a_clean_gradient_ends_the_margin_where_the_finding_ends():
    spacing = (1.5, 1.5, 3.0)
    focus = torch.zeros(3, 1, 20, 60)
    focus[..., 10:50] = 1.0
    clean, everywhere = torch.zeros_like(focus), torch.full_like(focus, -2.0)
    clean[..., 20:40] = -2.0
    reacts = where_it_reacts(clean, focus, spacing)
    assert reacts[..., 20:40].min() == 1
    assert reacts[..., :18].max() == 0 and reacts[..., 42:].max() == 0
    # As large beside the focus as in it: nothing to tell the margin by. A factor changes nothing.
    assert where_it_reacts(everywhere, focus, spacing)[..., 1:-1, 1:-1].min() == 1
    torch.testing.assert_close(where_it_reacts(7 * clean, focus, spacing), reacts)
    assert where_it_reacts(torch.zeros_like(focus), focus, spacing).min() == 1


def test_distances_are_in_mm():
    """Blocks of 6 x 6 x 12 mm: half as many of them reach as far."""
    weight = where_it_pays(gains(((6, 6, 6), 1.0)), (12.0, 6.0, 6.0))
    assert (weight[:, 6, 6] > 0).sum() < (weight[6, 6] > 0).sum()


def test_blocks_are_spread_to_their_voxels():
    weight = np.zeros((3, 4, 5), np.float32)
    weight[1, 2, 3] = 1
    voxels = spread(weight, (2, 4, 4), (5, 15, 18))
    assert tuple(voxels.shape) == (5, 1, 15, 18)
    whole = voxels[:, 0].numpy()
    centre = [np.average(axis, weights=whole) for axis in np.indices(whole.shape)]
    # The last half block in I is cut off, which moves that centre down.
    assert centre[:2] == pytest.approx([2.5, 9.5], abs=0.3) and 12 < centre[2] < 14
    assert not whole[:, :4].any() and not whole[:, :, :8].any()
    assert float(spread(np.ones((2, 2, 2), np.float32), (2, 3, 3), (4, 5, 6)).min()) == 1


class Wide:
    """An autoencoder whose latents draw wide, soft patches."""

    factor = 4

    def encode(self, x):
        return F.avg_pool2d(x, 4)

    def decode(self, z, size=None):
        wide = F.avg_pool2d(F.pad(z, (2, 2, 2, 2), mode="replicate"), 5, 1)
        return F.interpolate(wide, size or (4 * z.shape[-2], 4 * z.shape[-1]), mode="bilinear")


class InBox(Classifier):
    """The mean of what lies in `BOX`."""

    name, description = "in-box", "for tests"
    grid = GridSpec()
    targets = (Target("mean"),)

    def score(self, x, target=None):
        return x[:, 0][:, BOX[0], BOX[1], BOX[2]].mean(dim=(1, 2, 3))


def begun(weight: np.ndarray | None = None, **settings) -> Run:
    rng = np.random.default_rng(3)
    volume = rng.uniform(0.4, 0.6, SHAPE).astype(np.float32)
    models = Models(GuardedAutoencoder(Wide()), InBox(), "mean", torch.device("cpu"))
    asked = ExplainSettings(mode="whole", max_change=0.02, **settings)
    return Run.begin(models, asked, volume, Reporter(), weight)


def found(run: Run) -> np.ndarray:
    """The change at the end of the whole search: (K, J, I)."""
    return run.change_at(run.search(0, SHAPE[0]).point.lam, 0, SHAPE[0])


@pytest.mark.parametrize("direction", ["decrease", "increase"])
def test_a_run_changes_what_pays_and_nothing_far_from_it(direction):
    run, free = begun(direction=direction), begun(direction=direction, focus="none")
    kept, everywhere = found(run), found(free)
    assert free.encoded.focus is None
    weight = run.encoded.focus[:, 0].numpy()
    np.testing.assert_array_equal(weight[BOX], 1)
    assert weight.mean() < 0.5
    assert not kept[weight == 0].any()
    assert everywhere[weight == 0].any()  # this decoder's patches reach beyond
    way = {"decrease": -1, "increase": 1}[direction]
    assert way * kept[BOX].mean() > 0.01
    assert abs(kept[BOX].mean()) >= 0.95 * abs(everywhere[BOX].mean())


def test_the_gradient_is_that_of_what_the_focus_lets_through():
    run = begun(step="gradient")
    encoded = run.encoded
    z = encoded.latents.clone().requires_grad_(True)
    change = run.models.autoencoder.decode(z, SHAPE[1:]).clamp(0, 1) - encoded.decoded
    shown = encoded.x + encoded.focus * change
    run.models.classifier.score(shown.transpose(0, 1)[None])[0].backward()
    # Of cells in the focus and beside it, as of a region's; this decoder reaches a little farther.
    cells = latent_cells(encoded.focus[:, 0].numpy(), Wide.factor)
    moved = z.grad * torch.from_numpy(cells)[:, None]
    assert moved.abs().sum() > 0.8 * z.grad.abs().sum()
    torch.testing.assert_close(encoded.gradient, moved, rtol=1e-4, atol=1e-9)


def test_focus_and_region_both_hold_and_the_limit_is_that_of_the_region():
    weight = np.zeros(SHAPE, np.float32)
    weight[:, :, :15] = 0.5
    run = begun(weight)
    taken = run.encoded.taken(slice(0, SHAPE[0]))[:, 0].numpy()
    np.testing.assert_allclose(taken, weight * run.encoded.focus[:, 0].numpy())
    point = run.search(0, SHAPE[0]).point
    change = run.change_at(point.lam, 0, SHAPE[0])
    assert not change[:, :, 15:].any()
    x = run.encoded.x[:, 0].numpy()
    assert point.change == pytest.approx(np.abs(change).sum() / (weight * x).sum(), rel=1e-5)


def test_the_paper_s_baseline_has_no_focus():
    assert begun(baseline="reconstruction").encoded.focus is None


def test_a_score_without_gradient_has_no_focus():
    class Deaf(InBox):
        def score(self, x, target=None):
            return 0 * x.sum(dim=(1, 2, 3, 4))

    volume = np.full(SHAPE, 0.5, np.float32)
    models = Models(GuardedAutoencoder(Wide()), Deaf(), "mean", torch.device("cpu"))
    run = Run.begin(models, ExplainSettings(), volume, Reporter())
    assert run.encoded.focus is None
    assert run.search(0, SHAPE[0]).stop_reason == "no gradient"
