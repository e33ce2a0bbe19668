"""The paper's lung-size classifier: its raw sum and gradient from the scan on, and litres."""

from __future__ import annotations

import pytest
import torch

from CTCounterfactualLib.models.classifiers.lung_size import LITRES, RAW, SLICE_BATCH, LungSize
from CTCounterfactualLib.models.classifiers.resunet import ResUNet
from on_grid import as_batch, paper_axes, prepare_for
from parity import PRECISIONS, fixture, gradient_error, relative_error
from published_problems import WEIGHT_SEED, fill_batch_normed, uniform

CASE = "lung_size"


@pytest.fixture(scope="module")
def classifier():
    network = ResUNet().double()
    network.load_state_dict(fill_batch_normed(network.state_dict(), WEIGHT_SEED))
    return LungSize(network)


def test_prepared_volume_is_the_papers_turned_back():
    prepared = prepare_for(LungSize, CASE)
    found = paper_axes(CASE, torch.from_numpy(prepared.volume))
    assert found.numpy() == pytest.approx(fixture(CASE)["volume"], abs=1e-6)
    assert prepared.slices > SLICE_BATCH  # the last batch is a smaller one


@pytest.mark.parametrize(("dtype", "tolerance"), PRECISIONS)
def test_raw_sum_and_gradient_equal_the_paper_from_the_scan_on(classifier, dtype, tolerance):
    expected = fixture(CASE)
    classifier.network.to(dtype)
    x = as_batch(prepare_for(LungSize, CASE), dtype)
    score = classifier.score(x, RAW)
    (gradient,) = torch.autograd.grad(score.sum(), x)
    assert relative_error(score, expected["scores"]) < tolerance
    assert gradient_error(paper_axes(CASE, gradient[0, 0]), expected["gradient"]) < tolerance


class _Certain(ResUNet):
    """Says with probability p that a pixel is right lung, wherever the slice is 1."""

    def forward(self, x):
        p = torch.tensor(0.75, dtype=x.dtype)
        lung = torch.where(x > 0.5, p.log(), torch.tensor(-1e9, dtype=x.dtype))
        rest = torch.where(x > 0.5, (1 - p).log(), torch.tensor(0.0, dtype=x.dtype))
        return torch.cat([rest, lung, torch.full_like(lung, -1e9)], dim=1)


def test_litres_are_probability_times_voxel_volume_by_hand():
    x = torch.zeros(2, 1, 3, 16, 16)
    x[0, 0, 1, :5, :4] = 1  # 20 voxels of 1.5 x 1.5 x 3 mm = 6.75 mm^3, p = 0.75
    score = LungSize(_Certain()).score(x, LITRES)
    assert score.tolist() == pytest.approx([20 * 6.75e-6 * 0.75, 0.0])


def test_raw_sum_is_of_p_over_one_plus_p_by_hand():
    x = torch.zeros(1, 1, 1, 16, 16)
    x[0, 0, 0, 0, :7] = 1
    assert LungSize(_Certain()).score(x, RAW).tolist() == pytest.approx([7 * 0.75 / 1.75])


def test_litres_are_the_default_and_volumes_do_not_mix(classifier):
    x = uniform(2, 2, 1, 3, 16, 16).to(next(classifier.network.parameters()).dtype)
    together = classifier.score(x)
    alone = torch.cat([classifier.score(volume[None], LITRES) for volume in x])
    torch.testing.assert_close(together, alone)


def test_weights_are_frozen(classifier):
    assert not any(p.requires_grad for p in classifier.network.parameters())
    assert not classifier.network.training
