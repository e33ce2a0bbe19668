"""Axes that aren't at right angles: kept where they are so, straightened where it is rounding."""

from __future__ import annotations

import numpy as np
import pytest

from CTCounterfactualLib.scans.grid import prepare
from CTCounterfactualLib.scans.oblique import straight_enough
from CTCounterfactualLib.scans.scan import Scan

SPACING = (2.0, 2.0, 3.0)


def ball(points):
    """Return HU at points (..., 3), LPS mm: a soft ball of tissue in air, off the middle."""
    distance = np.linalg.norm(points - np.array([6.0, -4.0, 5.0]), axis=-1)
    return -1000 + 1040 / (1 + np.exp((distance - 28) / 3))


def sampled(direction, origin, size=(50, 50, 34)):
    """Return the ball as a scan on a grid with these axes (columns of 3x3) and first voxel."""
    index = np.stack(np.meshgrid(*map(np.arange, size), indexing="ij"), axis=-1)
    points = origin + (index * SPACING) @ np.array(direction).T
    hu = ball(points).transpose(2, 1, 0)  # (I, J, K) -> (K, J, I)
    return Scan.from_array(np.rint(hu).astype(np.int16), SPACING, origin, np.ravel(direction))


def tilted(degrees):
    """Return axes whose slices are stacked along S while their normal is tilted, as a gantry is."""
    angle = np.radians(degrees)
    return np.array([[1, 0, 0], [0, np.cos(angle), 0], [0, -np.sin(angle), 1.0]])


@pytest.mark.parametrize("degrees", [-20, 10])
def test_a_tilted_scan_is_prepared_like_an_upright_one(degrees):
    upright = prepare(sampled(np.eye(3), np.array([-49.0, -49.0, -49.0])))
    scan = sampled(tilted(degrees), np.array([-49.0, -49.0, -49.0 + 49 * np.sin(
        np.radians(degrees))]))  # fmt: skip
    prepared = prepare(scan)

    def middle(found):
        """Return the volume's mass and centre (LPS mm) above air."""
        weight = found.volume.astype(float)
        grid = np.indices(weight.shape)[::-1]  # I, J, K
        centre = [float((g * weight).sum() / weight.sum()) for g in grid]
        image = found.as_image(found.volume)
        return weight.sum(), image.TransformContinuousIndexToPhysicalPoint(centre)

    mass, centre = middle(prepared)
    wanted_mass, wanted_centre = middle(upright)
    assert mass == pytest.approx(wanted_mass, rel=0.02)
    assert np.allclose(centre, wanted_centre, atol=0.6)
    back = prepared.to_scan_grid(prepared.volume)  # (K, J, I) of the tilted grid
    near = back[4:-4, 8:-8, 8:-8] * 2000 - 1000
    assert np.abs(near - scan.array[4:-4, 8:-8, 8:-8]).max() < 120  # of 1040: smoothed, not moved


@pytest.mark.parametrize(("off", "kept"), [(1e-6, False), (5e-5, False), (1e-3, True)])
def test_rounding_is_straightened_and_more_is_kept(off, kept):
    axes = np.eye(3)
    axes[0, 2] = off
    axes /= np.linalg.norm(axes, axis=0)
    found = straight_enough(axes)
    assert (found is axes) == kept
    if not kept:
        assert np.allclose(found.T @ found, np.eye(3), atol=1e-12)
        assert np.allclose(found, axes, atol=1e-4)
