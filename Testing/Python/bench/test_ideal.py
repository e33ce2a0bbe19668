"""The ideal classifier: how much of the planted finding is left, and its gradient."""

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from CTCounterfactualLib.bench.ideal import IdealClassifier
from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.scans.grid import prepare
from CTCounterfactualLib.scans.scan import Scan

SPACING = (1.5, 1.5, 3.0)  # the prepared grid's, so that voxels stay themselves
VOXEL_ML = 1.5 * 1.5 * 3.0 / 1000
SHAPE = (6, 12, 12)
MASK = np.zeros(SHAPE, np.float32)
MASK[2:4, 4:8, 4:8] = 1  # 32 voxels
CLEAN = np.full(SHAPE, -800, np.int16)
PLANTED = np.where(MASK > 0, np.int16(0), CLEAN)


def scan(values):
    return Scan.from_array(values, SPACING)


def tensor(values):
    return torch.from_numpy(prepare(scan(values)).volume)[None, None]


@pytest.fixture
def ideal():
    return IdealClassifier.of(scan(PLANTED), scan(CLEAN), scan(MASK))


def at(hu):
    return np.where(MASK > 0, np.int16(hu), CLEAN)


@pytest.mark.parametrize(
    ("hu", "share"), [(0, 1.0), (-800, 0.0), (-400, 0.5), (100, 1.125), (-1000, 0.0)]
)
def test_the_score_is_what_is_left_in_ml(ideal, hu, share):
    assert float(ideal.score(tensor(at(hu)))[0]) == pytest.approx(32 * VOXEL_ML * share, abs=1e-4)


def test_half_of_the_finding_decides_and_a_twentieth_may_stay(ideal):
    (target,) = ideal.targets
    assert target.threshold == pytest.approx(16 * VOXEL_ML)
    assert target.negatives == pytest.approx(1.6 * VOXEL_ML)


def test_what_changes_elsewhere_does_not_count(ideal):
    carved = PLANTED.copy()
    carved[:, :3] = 900
    assert float(ideal.score(tensor(carved))[0]) == pytest.approx(32 * VOXEL_ML, abs=1e-4)


def test_the_gradient_is_even_within_the_finding_and_nowhere_else(ideal):
    x = tensor(PLANTED).requires_grad_(True)
    (gradient,) = torch.autograd.grad(ideal.score(x).sum(), x)
    inside = torch.from_numpy(prepare(scan(MASK * 1000)).volume[None, None] > 0.7)
    expected = VOXEL_ML / (800 / 2000)  # mL per unit of 0..1
    assert torch.allclose(gradient[inside], torch.tensor(expected, dtype=torch.float32))
    assert not gradient[~inside].any()


def test_rescoring_some_slices_gives_the_score_of_the_whole(ideal):
    x = tensor(PLANTED)
    changed = tensor(at(-300))[0, :, 3:5].transpose(0, 1)  # (1, n, H, W) -> (n, 1, H, W)
    whole = x.clone()
    whole[0, :, 3:5] = changed.transpose(0, 1)
    assert ideal.rescorer(x)(changed, 3) == pytest.approx(float(ideal.score(whole)[0]))


def test_a_voxel_that_looks_the_same_in_both_scans_has_no_say():
    clean = CLEAN.copy()
    clean[2, 4:8, 4:8] = -20  # a vessel as dense as the fluid over it
    ideal = IdealClassifier.of(scan(PLANTED), scan(clean), scan(MASK))
    assert float(ideal.score(tensor(PLANTED))[0]) == pytest.approx(16 * VOXEL_ML, abs=1e-4)


def test_scans_that_do_not_differ_have_no_ideal_classifier():
    with pytest.raises(ScanError, match="don't differ by 100 HU"):
        IdealClassifier.of(scan(CLEAN), scan(CLEAN), scan(MASK))


def test_a_volume_of_another_scan_is_refused(ideal):
    with pytest.raises(ScanError, match=r"\(6, 12, 12\).*this one has \(5, 12, 12\)"):
        ideal.score(tensor(PLANTED)[:, :, :5])


def test_it_finds_its_place_in_a_scan_of_any_direction():
    image = sitk.Flip(scan(PLANTED).image, [True, False, True])
    turned = [sitk.Flip(scan(part).image, [True, False, True]) for part in (CLEAN, MASK)]
    ideal = IdealClassifier.of(Scan(image), *(Scan(part) for part in turned))
    x = torch.from_numpy(prepare(Scan(image)).volume)[None, None]
    assert float(ideal.score(x)[0]) == pytest.approx(32 * VOXEL_ML, abs=1e-4)
