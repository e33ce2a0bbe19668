"""A region that a run finds for itself: which parts it joins, and what it keeps unchanged."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from CTCounterfactualLib.counterfactual.auto_region import find_most_changed
from CTCounterfactualLib.counterfactual.encoded import Models
from CTCounterfactualLib.counterfactual.engine import explain
from CTCounterfactualLib.counterfactual.region_controls import random_region
from CTCounterfactualLib.counterfactual.run import Run
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.events import Reporter
from CTCounterfactualLib.models.guarded.autoencoder import GuardedAutoencoder
from CTCounterfactualLib.scans.grid import prepare
from toy_body import GRID, LEFT, RIGHT, SIZE, Blocks, TissueIn, body_scan, mask_of

SPACING = (2.0, 3.0, 4.0)  # I, J, K
OPTIONS = {"mode": "whole", "frames": 0, "slice_smoothing": 0.0, "step": "gradient"}


def explained(classifier, region="auto", **options):
    return explain(
        body_scan(), classifier, autoencoder=Blocks(), region=region, **{**OPTIONS, **options}
    )


# --- Which parts ----------------------------------------------------------------------------------


def change_of(*blocks) -> np.ndarray:
    """Return a change (12, 30, 40) of blocks (K, J, I, HU)."""
    change = np.zeros((12, 30, 40), np.float32)
    for k, j, i, hu in blocks:
        change[k, j, i] = hu
    return change


def test_the_part_with_the_largest_sum_wins_whatever_its_sign_and_peak():
    small_and_strong = (slice(2, 4), slice(2, 5), slice(2, 5), 900)  # 18 voxels
    large_and_darker = (slice(2, 10), slice(15, 25), slice(25, 35), -400)  # 800 voxels
    found = find_most_changed(change_of(small_and_strong, large_and_darker), SPACING)
    assert found.mask[5, 20, 30] and not found.mask[3, 3, 3]
    assert found.parts_found == 2
    assert found.parts == (800 * 2 * 3 * 4 / 1000,)
    assert found.share == pytest.approx(800 * 400 / (800 * 400 + 18 * 900))


def test_parts_that_touch_with_their_margins_are_joined_and_others_are_not():
    main = (slice(2, 8), slice(2, 12), slice(2, 12), -500)
    near = (slice(2, 8), slice(2, 12), slice(15, 18), -300)  # 8 mm away: 2 x 4.5 mm of margin
    far = (slice(2, 8), slice(2, 12), slice(24, 28), -300)  # 14 mm further
    found = find_most_changed(change_of(main, near, far), SPACING)
    voxel_ml = 2 * 3 * 4 / 1000
    assert found.parts == (600 * voxel_ml, 180 * voxel_ml) and found.parts_found == 3
    assert found.mask[4, 6, 16] and found.mask[4, 6, 13] and not found.mask[4, 6, 25]


def test_the_margin_is_the_feathers_width_in_mm():
    found = find_most_changed(change_of((6, 15, 20, -500)), SPACING)
    k, j, i = np.indices(found.mask.shape)
    distance = np.sqrt(((k - 6) * 4) ** 2 + ((j - 15) * 3) ** 2 + ((i - 20) * 2) ** 2)
    assert np.array_equal(found.mask, distance <= 4.5)


def test_haze_around_belongs_to_no_part():
    """The strength is (40 x 800^2 + 360 x 80^2) / (40 x 800 + 360 x 80) = 459; a quarter is 115."""
    haze = (slice(4, 8), slice(10, 20), slice(10, 20), 80)
    found = find_most_changed(change_of(haze, (slice(4, 8), 15, slice(10, 20), 800)), SPACING)
    assert found.parts_found == 1 and found.parts == (40 * 24 / 1000,)
    assert found.threshold_hu == pytest.approx((40 * 800**2 + 360 * 80**2) / (60800) / 4)


def test_without_change_there_is_no_part():
    assert find_most_changed(change_of(), SPACING) is None
    assert find_most_changed(change_of((5, 5, 5, 5)), SPACING) is None  # noise


# --- The run --------------------------------------------------------------------------------------


def test_the_region_is_where_the_evidence_is_and_outside_every_bit_is_the_scans():
    classifier = TissueIn(LEFT)
    result = explained(classifier)
    inside = sitk.GetArrayFromImage(result.region_search.image) > 0
    assert not result.difference[~inside].any()
    assert np.array_equal(result.counterfactual[~inside], result.scan.array[~inside])
    lesion = mask_of(LEFT)
    assert inside[lesion].mean() > 0.9 and inside.sum() < 6 * lesion.sum()
    assert not inside[mask_of(RIGHT)].any()
    assert result.scores.counterfactual < 0.3 * result.scores.original
    assert result.region_name == "most changed"
    assert result.region_search.ml == pytest.approx(inside.sum() * 27 / 1000, abs=0.01)
    assert classifier.gradients == 1  # the search in the region has taken no other


def test_the_change_limit_of_a_region_is_that_of_the_whole_run():
    result = explained(TissueIn(LEFT), max_change=0.002)
    whole = result.region_search.unrestricted
    assert whole.change <= 0.002 and 0 < result.whole.change <= 0.002
    # 5 % of the small region alone would be far less.
    assert result.whole.gain > 0.5 * whole.gain


def test_chunks_outside_the_region_are_not_searched():
    result = explained(TissueIn(LEFT), mode="both", chunk=3)
    reasons = [chunk.stop_reason for chunk in result.chunks]
    assert reasons[0] == "outside region" != reasons[1]


def test_where_nothing_changes_there_is_no_region_and_it_is_said():
    air = (slice(0, 2), slice(0, 3), slice(0, 3))
    result = explained(TissueIn(air))
    assert result.region_search is None and result.region_name == ""
    assert "no-region-found" in [flag.name for flag in result.flags]


def test_controls_of_a_lone_lesion_do_nothing():
    result = explained(TissueIn(LEFT), region_controls=True)
    complement, random = result.region_search.controls
    assert (complement.name, random.name) == ("complement", "random")
    assert complement.share < 0.2 and random.share < 0.2
    assert "control-as-good" not in [flag.name for flag in result.flags]
    ml = result.region_search.ml
    assert random.ml == pytest.approx(ml, rel=0.2) and complement.ml > 3 * ml


def test_a_control_that_does_as_well_is_told():
    """Two lesions of the same weight, of which the limit leaves the region one."""
    result = explained(TissueIn(LEFT, RIGHT, weights=(1.0, 0.98)), region_controls=True)
    complement = result.region_search.controls[0]
    assert complement.share > 0.8
    (flag,) = (flag for flag in result.flags if flag.name == "control-as-good")
    assert "the rest of the body" in flag.message and f"{complement.share:.0%}" in flag.message


def test_controls_are_the_same_for_a_seed():
    allowed = np.ones(SIZE, bool)
    one, same, other = (random_region(allowed, 200, SPACING, seed) for seed in (1, 1, 2))
    assert one.sum() == 200 and np.array_equal(one, same) and not np.array_equal(one, other)
    assert random_region(mask_of(LEFT), 1000, SPACING, 0) is None
    assert random_region(mask_of(LEFT), 300, SPACING, 0).sum() == mask_of(LEFT).sum()


def test_controls_without_a_region_are_refused():
    with pytest.raises(SettingsError, match=r"region_controls.*no region"):
        explained(TissueIn(LEFT), region=None, region_controls=True)


# --- Parts of a run -------------------------------------------------------------------------------


def test_searching_the_moving_slices_is_searching_all():
    """With smoothing along the slices, whose kernel reaches beyond those that have a gradient."""
    run, weight = begun(slice_smoothing=1.0)
    part = run.within(weight, reach=1e9)
    every, (few, start, stop) = part.search(0, SIZE[0]), part.search_moving()
    assert 0 < start < stop < SIZE[0]
    assert few.point.score == pytest.approx(every.point.score, rel=1e-6)
    assert few.point.change == pytest.approx(every.point.change, rel=1e-5)
    assert few.stop_reason == every.stop_reason
    whole = part.change_at(every.point.lam, 0, SIZE[0])
    assert not whole[:start].any() and not whole[stop:].any()
    assert part.change_at(every.point.lam, start, stop) == pytest.approx(whole[start:stop])


def test_a_part_goes_no_further_than_its_reach_and_says_so():
    run, weight = begun()
    found, _, _ = run.within(weight, reach=1.0).search_moving()
    assert max(abs(point.lam) for point in found.path) <= 1.0
    assert found.stop_reason == "step limit"


def test_a_part_leaves_the_run_as_it_was():
    run, weight = begun()
    before = run.search(0, SIZE[0])
    run.within(weight, reach=1e9).search_moving()
    again = run.search(0, SIZE[0])
    assert again.point == before.point


def begun(**options):
    """Return a run of the body, and the weight of a part: four slices around the left lesion."""
    settings = ExplainSettings(**{**OPTIONS, "focus": "none", **options})
    classifier = TissueIn(LEFT)
    device = torch.device("cpu")
    models = Models(GuardedAutoencoder(Blocks()), classifier, "tissue", device)
    weight = np.zeros(SIZE, np.float32)
    weight[4:8, 10:30, 6:20] = 1
    return Run.begin(models, settings, prepare(body_scan(), GRID).volume, Reporter()), weight
