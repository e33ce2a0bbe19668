"""Levels of a map: shares of the strongest value, each sign by itself."""

import numpy as np

from CTCounterfactualLib.methods.levels import label_values, strongest, value_levels


def test_levels_begin_at_shares_of_the_strongest():
    values = np.array([0, 0.9, 1, 2.5, 5, 7.5, 9, 20, -1, -10], np.float32).reshape(1, 2, 5)
    assert label_values(values, 10.0).ravel().tolist() == [0, 0, 6, 7, 8, 9, 10, 10, 1, 5]


def test_each_label_says_its_values():
    levels = value_levels(10.0)
    assert [level.label for level in levels] == list(range(1, 11))
    assert (levels[0].low, levels[0].high) == (-2.5, -1.0)
    assert levels[0].name == "against the score, 10%-25% of the strongest"
    assert (levels[9].low, levels[9].high) == (9.0, np.inf)
    assert levels[9].name == "for the score, > 90% of the strongest"


def test_single_outliers_do_not_hide_the_rest():
    values = np.ones((10, 50, 50), np.float32)
    values[0, 0, 0] = 1e6
    assert strongest(values) == 1
    assert strongest(np.zeros((2, 2, 2))) == 0
    assert not label_values(np.zeros((2, 2, 2)), 0).any()
