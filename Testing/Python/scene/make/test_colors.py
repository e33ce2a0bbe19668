"""Colours: named labels, a symmetrical change that vanishes at zero, legends."""

import numpy as np
import pytest

from CTCounterfactualLib.counterfactual.heatmap import heat_levels
from CTCounterfactualLib.scene.make.colors import (
    add_change_colors,
    add_label_colors,
    change_limit,
    hide_change_below,
    shown_from,
)


def rgba(table, index):
    color = [0.0] * 4
    table.GetColor(index, color)
    return color


def test_each_label_has_its_levels_name_and_side(nodes, explanation):
    table = nodes.heatmap.GetDisplayNode().GetColorNode()
    assert table.GetNumberOfColors() == 11  # 5 falls, 5 rises, none
    assert table.GetColorName(0) == "no change"
    assert rgba(table, 0)[3] == 0
    for level in explanation.levels:
        assert table.GetColorName(level.label) == level.name
        r, _, b, a = rgba(table, level.label)
        assert (b > r) if level.name.startswith("decrease") else (r > b)
        assert a > 0
    for chunk in nodes.chunk_heatmaps:
        assert chunk.GetDisplayNode().GetColorNode() is table


def test_stronger_labels_are_more_opaque(scene):
    table = add_label_colors(scene, heat_levels((10.0, 25.0, 50.0)), "t")
    for labels in (range(1, 4), range(4, 7)):
        opacity = [rgba(table, label)[3] for label in labels]
        assert opacity == sorted(opacity)
        assert len(set(opacity)) == 3


def test_a_single_level_has_a_colour_on_each_side(scene):
    table = add_label_colors(scene, heat_levels((10.0,))[:1], "t")
    assert table.GetNumberOfColors() == 2
    assert rgba(table, 1)[2] > rgba(table, 1)[0]


def test_change_colours_mirror_each_other_around_zero(scene):
    table = add_change_colors(scene, 10.0, 200.0, "change")
    assert table.GetNumberOfColors() == 256
    opacity = np.array([rgba(table, n)[3] for n in range(256)])
    np.testing.assert_array_equal(opacity, opacity[::-1])
    assert opacity[127] == opacity[128] == 0  # zero falls between the two
    # |HU| < 25 of +-200 in 255 steps of 1.57 HU: 16 steps on each side
    assert (opacity == 0).sum() == 32
    assert rgba(table, 0)[2] > 0.9 > rgba(table, 0)[0]  # strongest fall is blue
    assert rgba(table, 255)[0] > 0.9 > rgba(table, 255)[2]  # strongest rise is red
    assert (table.GetColorName(0), table.GetColorName(255)) == ("-200 HU", "+200 HU")


def test_small_changes_are_hidden_as_far_as_the_user_says(scene):
    table = add_change_colors(scene, 10.0, 200.0, "change")
    assert shown_from(table) == 25
    strong = rgba(table, 0)
    for hu, hidden in ((0.0, 0), (10.0, 12), (150.0, 192)):
        hide_change_below(table, hu)
        assert sum(rgba(table, n)[3] == 0 for n in range(256)) == hidden
        assert shown_from(table) == hu
        assert rgba(table, 0) == strong  # the others keep their colours
    small = add_change_colors(scene, 10.0, 25.0, "small")
    assert shown_from(small) == 12.5  # else nothing would be seen of small changes


def test_change_is_shown_in_a_symmetrical_window(nodes):
    display = nodes.change.GetDisplayNode()
    assert display.GetLevel() == 0
    # 147 voxels fall by 120 HU, 147 rise by 30: 200 is the first level that 99 % stay below
    assert display.GetWindow() == 400


@pytest.mark.parametrize(
    "change, edges, limit",
    [
        (9, (10.0, 25.0, 50.0), 25.0),  # nothing counts as changed
        (20, (10.0, 25.0, 50.0), 25.0),
        (25, (10.0, 25.0, 50.0), 25.0),
        (-26, (10.0, 25.0, 50.0), 50.0),
        (-32768, (10.0, 25.0, 50.0), 50.0),  # |int16 minimum| does not fit int16
        (500, (10.0,), 20.0),
    ],
)
def test_window_ends_at_the_lowest_level_above_nearly_all(change, edges, limit):
    difference = np.full((3, 4, 5), change, np.int16)
    assert change_limit(difference, edges) == limit


def test_a_few_extreme_voxels_do_not_widen_the_window():
    difference = np.full((10, 10, 10), 20, np.int16)
    difference[0, 0, :10] = 900  # 1 % of 1000
    assert change_limit(difference, (10.0, 25.0, 50.0)) == 25.0
    difference[0, 1, 0] = 900
    assert change_limit(difference, (10.0, 25.0, 50.0)) == 50.0
