"""Heatmap labels: known answers at and around the edges."""

from __future__ import annotations

import numpy as np
import pytest

from CTCounterfactualLib.counterfactual.heatmap import heat_levels, label_change
from CTCounterfactualLib.counterfactual.settings import ExplainSettings

EDGES = (10.0, 25.0)


def test_levels_are_decreases_then_increases_weakest_first():
    levels = heat_levels(EDGES)
    assert [(level.label, level.name, level.low_hu, level.high_hu) for level in levels] == [
        (1, "decrease 10-25 HU", -25.0, -10.0),
        (2, "decrease > 25 HU", -np.inf, -25.0),
        (3, "increase 10-25 HU", 10.0, 25.0),
        (4, "increase > 25 HU", 25.0, np.inf),
    ]


def test_names_drop_needless_zeros_but_keep_fractions():
    assert [level.name for level in heat_levels((2.5,))] == [
        "decrease > 2.5 HU",
        "increase > 2.5 HU",
    ]


@pytest.mark.parametrize(
    ("change", "label"),
    [
        (0, 0), (9, 0), (-9, 0), (9.999, 0),
        (10, 3), (24, 3), (25, 4), (3000, 4),
        (-10, 1), (-24, 1), (-25, 2), (-3000, 2),
    ],
)  # fmt: skip
def test_a_change_of_exactly_an_edge_is_in_the_level_that_begins_there(change, label):
    assert label_change(np.array([change]), EDGES).tolist() == [label]


@pytest.mark.parametrize("dtype", [np.int16, np.float32, np.float64])
def test_labels_keep_the_shape_and_are_uint8(dtype):
    labels = label_change(np.full((2, 3, 4), -30, dtype), EDGES)
    assert labels.shape == (2, 3, 4)
    assert labels.dtype == np.uint8
    assert (labels == 2).all()


def test_the_widest_int16_change_is_labelled_by_its_sign():
    # |-32768| doesn't exist in int16; the difference of two CT volumes never reaches it.
    labels = label_change(np.array([-32767, 32767], np.int16), EDGES)
    assert labels.tolist() == [2, 4]


def test_one_edge_makes_two_labels():
    assert label_change(np.array([-5.0, -4.9, 4.9, 5.0]), (5.0,)).tolist() == [1, 0, 0, 2]


def test_each_label_of_the_default_levels_lies_within_its_levels_bounds():
    edges = ExplainSettings().level_edges
    levels = {level.label: level for level in heat_levels(edges)}
    assert len(levels) == 2 * len(edges) == 10
    changes = np.arange(-400, 401)
    labels = label_change(changes, edges)
    assert set(np.unique(labels)) == {0, *levels}
    for change, label in zip(changes, labels, strict=True):
        if label == 0:
            assert abs(change) < edges[0]
        else:
            assert levels[label].low_hu <= change <= levels[label].high_hu
