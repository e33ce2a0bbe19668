"""What of an example is looked at: within its slices, on its findings, and never stretched much."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from CTCounterfactualLib.training.findings.examples import Example, Small
from CTCounterfactualLib.training.findings.views import (
    COARSE_LOOKS,
    FINE_LOOKS,
    SCALE,
    SCALE_ALONE,
    View,
    grid_of,
)

MM = 6.0


def example(*shape: int) -> Example:
    """Return an example whose lungs fill the middle of it."""
    lung = np.zeros(shape, np.uint8)
    lung[tuple(slice(n // 4, n - n // 4) for n in shape)] = 100
    return Example(Small(np.zeros(shape, np.int16), lung, (), "some", "real"), (), 1.0)


@pytest.mark.parametrize(("slices", "depth"), [(100, 48), (48, 48), (30, 24), (6, 8), (1, 8)])
def test_no_view_is_deeper_than_the_scan_but_by_part_of_a_site(slices, depth):
    assert View((48, 48, 64), 2, True).within(slices).size == (depth, 48, 64)


def test_a_view_stays_within_the_scans_slices():
    """Else it would show air above a scan, where a real one just ends."""
    for seed in range(20):
        grid = grid_of(
            View((16, 24, 24), 1, False), example(20, 60, 60), [], np.random.default_rng(seed), MM
        )
        assert grid[..., 0].min() >= 0
        assert grid[..., 0].max() <= 19


def test_a_detail_lies_on_a_finding_more_often_than_not():
    limits = [((5.0, 5.0, 50.0), (8.0, 8.0, 54.0))]
    scan, view = example(40, 60, 60), View((8, 16, 16), 1, False)
    shown = 0
    for seed in range(40):
        grid = grid_of(view, scan, limits, np.random.default_rng(seed), MM).reshape(-1, 3)
        away = (grid - torch.tensor([6.5, 6.5, 52.0])).abs().amax(1).min()
        shown += bool(away < 2.0)
    assert shown > 20


def test_steps_of_a_view_are_about_a_voxel():
    most = SCALE * SCALE_ALONE * 1.6  # and bent
    for seed in range(20):
        grid = grid_of(
            View((8, 24, 24), 1, True), example(60, 60, 60), [], np.random.default_rng(seed), MM
        )
        for axis in range(3):
            steps = grid.diff(dim=axis).norm(dim=-1)
            assert 1 / most < steps.median() < most


@pytest.mark.parametrize("looks", [COARSE_LOOKS, FINE_LOOKS])
def test_views_are_whole_sites_and_chances_whole(looks):
    assert sum(looks.chances) == pytest.approx(1.0)
    assert all(n % 8 == 0 for view in looks.views for n in view.size)
    drawn = {looks.draw(np.random.default_rng(seed)) for seed in range(200)}
    assert drawn == set(looks.views)
