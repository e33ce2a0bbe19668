"""The verb on scans of every voxel type: their own type and bits come back, scored alike."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from CTCounterfactualLib.counterfactual.engine import explain
from CTCounterfactualLib.models.autoencoder import SliceAutoencoder
from CTCounterfactualLib.models.classifier import Classifier, Target
from CTCounterfactualLib.models.vqgan.config import VQGANConfig
from CTCounterfactualLib.models.vqgan.network import VQGAN
from CTCounterfactualLib.scans.grid import GridSpec
from CTCounterfactualLib.scans.scan import Scan
from oracle_problems import fill

CONFIG = VQGANConfig(
    ch=32,
    ch_mult=(1, 1),
    num_res_blocks=1,
    attn_resolutions=(),
    resolution=16,
    z_channels=4,
    embed_dim=4,
    n_embed=16,
)
# About 60 mm of tissue between air, small enough to be explained in a moment.
SHAPE, SPACING = (6, 40, 40), (3.0, 3.0, 6.0)


class Brightness(Classifier):
    """The mean intensity; every slice has a say."""

    name, description = "brightness", "for tests"
    grid = GridSpec(spacing=(6.0, 6.0, 6.0))
    targets = (Target("mean"),)

    def score(self, x, target=None):
        return x.mean(dim=(1, 2, 3, 4))


@pytest.fixture(scope="module")
def autoencoder():
    network = VQGAN(CONFIG)
    state = fill(network.state_dict(), 6)
    network.load_state_dict({key: value.float() for key, value in state.items()})
    return SliceAutoencoder(network)


def scan_of(dtype, fraction=0.0) -> Scan:
    rng = np.random.default_rng(4)
    hu = np.full(SHAPE, -990.0)
    hu[:, 8:32, 8:32] = 30
    hu[:, 14:26, 12:18] = -850
    hu = np.rint(hu + rng.normal(0, 8, SHAPE)) + fraction
    hu[2, 20, 20] = 40_000 if np.dtype(dtype).itemsize > 2 else 3071  # metal
    return Scan.from_array(hu.astype(dtype), SPACING, name="block")


def explained(scan, autoencoder, **settings):
    settings = {"chunk": 3, "frames": 1, "composite": "residual", **settings}
    return explain(scan, Brightness(), autoencoder=autoencoder, **settings)


CASES = [(np.int16, 0.0), (np.int32, 0.0), (np.float32, 0.37), (np.float32, -0.25)]


@pytest.mark.parametrize(("dtype", "fraction"), CASES)
@pytest.mark.parametrize("direction", ["decrease", "increase"])
def test_what_changed_is_the_difference_and_all_else_is_the_scan(
    autoencoder, dtype, fraction, direction
):
    scan = scan_of(dtype, fraction)
    result = explained(scan, autoencoder, direction=direction)
    hu = scan.array
    assert result.gain > 0
    assert result.counterfactual.dtype == hu.dtype
    assert result.difference.dtype == (np.float32 if dtype == np.float32 else np.int16)
    assert np.array_equal(result.counterfactual - hu, result.difference)
    same = result.difference == 0
    assert not same.all()
    assert np.array_equal(result.counterfactual[same], hu[same])
    (frame,) = result.frames
    assert sitk.GetArrayViewFromImage(frame.image).dtype == hu.dtype
    assert result.counterfactual.max() <= hu.max()
    if direction == "decrease":
        # What the search found, up to the grid; 33 HU of rounding would be seen.
        assert result.scores.counterfactual == pytest.approx(result.whole.score_after, rel=0.02)


@pytest.mark.parametrize(("dtype", "fraction"), CASES)
def test_where_nothing_moves_the_scan_comes_back_and_scores_the_same(autoencoder, dtype, fraction):
    """A score that is reached already: nothing to do, nothing changed, and no doubt raised."""
    scan = scan_of(dtype, fraction)
    result = explained(scan, autoencoder, target_score=10.0)
    assert [outcome.lam for outcome in (result.whole, *result.chunks)] == [0.0] * 3
    assert result.counterfactual.tobytes() == scan.array.tobytes()
    assert not result.difference.any() and not result.heatmap.any() and result.frames == ()
    assert result.scores.counterfactual == pytest.approx(result.scores.original, rel=1e-6)
    names = [flag.name for flag in result.flags]
    assert "score-did-not-move" in names
    assert "written-score-differs" not in names


def test_outside_a_region_every_bit_stays(autoencoder):
    from CTCounterfactualLib.counterfactual.region import Region

    scan = scan_of(np.float32, 0.37)
    inside = np.zeros(SHAPE, np.uint8)
    inside[1:5, 10:30, 10:30] = 1
    result = explained(scan, autoencoder, region=Region(scan.with_array(inside), "block"))
    outside = inside == 0
    assert result.difference.any()
    assert result.counterfactual[outside].tobytes() == scan.array[outside].tobytes()
    assert not result.difference[outside].any()


def test_the_reference_search_scores_pictures_beyond_black_and_white(autoencoder):
    """Its whole run is the paper's: D(z) and D(z + lambda g) as drawn, and their gradient."""
    result = explained(
        scan_of(np.int16), autoencoder, search="reference", baseline="reconstruction", mode="whole"
    )
    from CTCounterfactualLib.scans.grid import prepare

    x = torch.from_numpy(prepare(scan_of(np.int16), Brightness.grid).volume)[:, None]
    z = autoencoder.encode(x).detach().requires_grad_(True)
    drawn = autoencoder.decode(z, x.shape[-2:])
    assert float(drawn.detach().min()) < 0
    (gradient,) = torch.autograd.grad(drawn.mean(), z)
    for point in result.whole.path:
        with torch.no_grad():
            picture = autoencoder.decode(z + point.lam * gradient, x.shape[-2:])
        assert point.score == pytest.approx(float(picture.mean()), rel=1e-4, abs=1e-6)
        change = float((picture - drawn).abs().sum() / drawn.abs().sum())
        assert point.change == pytest.approx(change, rel=1e-3, abs=1e-6)
    assert result.scores.reconstruction == pytest.approx(float(drawn.detach().mean()), rel=1e-5)
