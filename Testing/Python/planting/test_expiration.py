"""Breathing out: the share, the lungs' mass, what stays where it is, and refusals."""

import numpy as np
import pytest

from CTCounterfactualLib.errors import ScanError, SettingsError
from CTCounterfactualLib.planting import expire
from CTCounterfactualLib.planting.breath import breath_of
from domes import SPACING, STEP


@pytest.mark.parametrize("share", [0.05, 0.15, 0.2])
def test_the_lungs_lose_their_share_and_keep_their_mass(chest, share):
    hu, lungs = chest
    before = hu.copy()
    out = expire(hu, lungs, SPACING, np.random.default_rng(1), share)
    assert np.array_equal(hu, before)
    assert 1 - out.ml / out.ml_before == pytest.approx(share, abs=0.01)
    assert out.ml == pytest.approx(out.lungs.sum() * STEP**3 * 1e-3)
    mass = [(v[m] + 1000).sum(dtype=float) for v, m in ((hu, lungs), (out.hu, out.lungs))]
    assert mass[1] == pytest.approx(mass[0], rel=0.02)
    assert np.median(out.hu[out.lungs]) > np.median(hu[lungs]) + 50 * share


def test_the_domes_rise_and_the_back_stays(chest):
    hu, lungs = chest
    out = expire(hu, lungs, SPACING, np.random.default_rng(1))
    column = (29, 24)  # J, I: the middle of one lung
    rise = (out.lungs[(..., *column)].argmax() - lungs[(..., *column)].argmax()) * STEP
    assert rise == pytest.approx(out.rise_mm, abs=1.5 * STEP)
    breath = breath_of(lungs, SPACING, 30.0, 5.0, 3.0)
    k, j, i = breath.sources(1.0, slice(0, 68), slice(4, 9), slice(38, 44))  # the spine
    assert np.array_equal(k, np.broadcast_to(np.arange(68.0)[:, None, None], k.shape))
    assert np.abs(j - np.arange(4.0, 9.0)[:, None]).max() == 0.0
    assert np.abs(i - np.arange(38.0, 44.0)).max() * STEP < 0.5


def test_the_lungs_are_lung_and_the_rest_is_not(chest):
    hu, lungs = chest
    out = expire(hu, lungs, SPACING, np.random.default_rng(2))
    airy = [np.mean(v[m] < -300) for v, m in ((hu, lungs), (out.hu, out.lungs))]
    assert airy[1] > airy[0] - 0.02
    front = np.s_[:, :, 30:52]  # the mediastinum between the lungs
    assert (
        np.abs(np.median(out.hu[front][~out.lungs[front]]) - np.median(hu[front][~lungs[front]]))
        < 5.0
    )


def test_the_density_is_the_derivative_of_the_motion(chest):
    """Against differences of the sources themselves."""
    lungs = chest[1]
    breath = breath_of(lungs, SPACING, 20.0, 4.0, 2.0)
    k, j, i = (part.astype(float) for part in breath.sources(0.7, slice(0, 68)))
    derivative = np.stack([np.stack(np.gradient(part), -1) for part in (k, j, i)], -2)
    assert np.allclose(breath.density(0.7, slice(0, 68)), np.linalg.det(derivative), atol=2e-3)


def test_the_generator_decides(chest):
    hu, lungs = chest
    one, same, other = (
        expire(hu, lungs, SPACING, np.random.default_rng(seed)).hu for seed in (1, 1, 2)
    )
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_what_cannot_be_done_is_said(chest):
    hu, lungs = chest
    rng = np.random.default_rng(0)
    with pytest.raises(SettingsError, match=r"by 0[.]9; give a share above 0, at most 0[.]4"):
        expire(hu, lungs, SPACING, rng, 0.9)
    with pytest.raises(ScanError, match="lungs of Anna can't be made smaller"):
        expire(hu, np.zeros(hu.shape, bool), SPACING, rng, name="Anna")
    slab = np.s_[34:42]
    with pytest.raises(ScanError, match=r"by 40.0%, only by \d+.\d%"):
        expire(hu[slab], lungs[slab], SPACING, rng, 0.4)
    with pytest.raises(ScanError, match="this very scan"):
        expire(hu, lungs[:-1], SPACING, rng)
