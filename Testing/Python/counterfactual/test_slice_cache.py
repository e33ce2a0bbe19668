"""The cache holds two points at most, by where they are."""

from __future__ import annotations

import weakref

import pytest
import torch

from CTCounterfactualLib.counterfactual.slice_cache import SliceCache


def where(lam: float) -> tuple[float, int, int]:
    return lam, 2, 5


@pytest.fixture
def filled():
    """A cache after points 1 to 4, of which 2 was kept; and weak references to their slices."""
    cache, seen = SliceCache(), {}
    for lam in (1.0, 2.0, 3.0, 4.0):
        slices = torch.full((3, 1, 4, 4), lam)
        seen[lam] = weakref.ref(slices)
        cache.add(where(lam), slices)
        if lam == 2.0:
            cache.keep(where(lam))
    return cache, seen


def held(seen) -> list[float]:
    return [lam for lam, slices in seen.items() if slices() is not None]


def test_the_last_and_the_kept_point_are_held_and_no_other(filled):
    cache, seen = filled
    del filled
    assert [lam for lam in seen if cache.get(where(lam)) is not None] == [2.0, 4.0]
    assert cache.get(where(2.0)).unique().tolist() == [2.0]
    assert 1.0 not in held(seen) and 3.0 not in held(seen)


def test_a_point_is_known_by_lambda_and_range(filled):
    cache, _ = filled
    assert cache.get((4.0, 2, 6)) is None
    assert cache.get((4.0, 1, 5)) is None


def test_another_kept_point_takes_the_place_of_the_one_before(filled):
    cache, seen = filled
    cache.keep(where(4.0))
    assert cache.get(where(2.0)) is None
    assert cache.get(where(4.0)) is not None
    cache.keep(where(1.0))  # gone already
    cache.add(where(5.0), torch.zeros(3, 1, 4, 4))
    assert [lam for lam in seen if cache.get(where(lam)) is not None] == []


def test_nothing_is_held_once_it_is_cleared(filled):
    cache, seen = filled
    cache.clear()
    assert held(seen) == []
