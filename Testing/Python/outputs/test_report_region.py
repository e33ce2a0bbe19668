"""The region in a report: its numbers, its controls beside it, its outline in the pictures."""

from dataclasses import replace

import numpy as np

from CTCounterfactualLib.counterfactual.region_search import RANDOM, RegionControl, RegionSearch
from CTCounterfactualLib.outputs.pictures import outlined
from CTCounterfactualLib.outputs.report import report_page
from CTCounterfactualLib.outputs.report_region import region


def restricted(explanation, **search):
    mask = np.zeros(explanation.scan.array.shape, np.uint8)
    mask[1:3, 2:9, 2:9] = 1
    found = RegionSearch(explanation.scan.with_array(mask), ml=12.34, **search)
    return replace(explanation, region_name='a <b>"place"', region_search=found)


def test_controls_stand_beside_the_region(explanation):
    control = RegionControl(RANDOM, 12.3, explanation.whole, 0.0123)
    given = restricted(
        explanation,
        unrestricted=explanation.whole,
        parts=(7.0, 5.3),
        parts_found=9,
        share_of_change=0.625,
        controls=(control,),
    )
    section = region(given)
    assert "control: a place at random" in section and "<td>0.012</td>" in section
    assert "2 of 9 connected parts, with 62.5 % of that change" in section
    assert "a &lt;b&gt;" in section and "<b>" not in section
    assert section in report_page(given)


def test_a_result_without_its_region_has_no_section(explanation):
    assert region(explanation) == ""
    assert "outlined in green" not in report_page(explanation)


def test_the_outline_is_the_inner_border_and_no_other_pixel():
    pixels = np.zeros((6, 7, 3), np.uint8)
    mask = np.zeros((6, 7), bool)
    mask[1:5, 1:6] = True
    drawn = (outlined(pixels, mask, (1, 2, 3)) > 0).all(axis=2)
    expected = mask.copy()
    expected[2:4, 2:5] = False
    assert np.array_equal(drawn, expected)
    edge = np.ones((3, 3), bool)  # at the picture's edge it is closed, too
    assert (outlined(pixels[:3, :3], edge, (1, 2, 3)) > 0).all(axis=2).sum() == 8
