"""Scoring results, a rival's among them: the true counterfactual, doing nothing, and worse."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.bench.score import score_bench
from CTCounterfactualLib.errors import OutputError


def score(bench, results, **options):
    return score_bench(bench, results, pictures=False, **options)


def with_array(image, values):
    new = sitk.GetImageFromArray(values)
    new.CopyInformation(image)
    return new


def test_the_true_counterfactual_is_perfect(make_bench, rival, pair):
    (found,) = score(make_bench(), rival(counterfactual=pair[1]))
    metrics = found.metrics
    assert found.problem == ""
    assert metrics["recovered"] == metrics["direction"] == 1.0
    assert metrics["overshoot"] == metrics["outside_body_hu"] == 0.0
    # Partial volume at the fluid's border, and no more.
    assert metrics["spill_share"] == metrics["spill_share_ceiling"] < 0.02
    assert metrics["hit"] == metrics["hit_6mm"] == metrics["hit_ceiling"] == 1.0
    assert metrics["mass_in_mask"] == metrics["mass_in_mask_ceiling"] > 0.85
    assert 0 < metrics["hit_chance"] < metrics["hit_6mm_chance"] < 0.3
    assert metrics["slice_roughness"] == metrics["slice_roughness_ceiling"]


def test_doing_nothing_is_nothing_and_what_has_no_value_is_absent(make_bench, rival, pair):
    metrics = score(make_bench(), rival(counterfactual=pair[0]))[0].metrics
    assert metrics["recovered"] == metrics["spill_hu"] == 0.0
    absent = {
        "direction",
        "hit",
        "mass_in_mask",
        "spill_share",
        "slice_roughness",
        "gap_closed",
        "flipped",
        "specificity",
        "reversal",
        "border_jump",
        "seconds",
        "hit_ceiling",
        "recovered_ceiling",
    }
    assert not absent & metrics.keys()


def test_denser_fluid_and_carved_air_are_worse_than_nothing(make_bench, rival, pair):
    scan, _, fluid, _ = pair
    hu = sitk.GetArrayFromImage(scan)
    hu[sitk.GetArrayViewFromImage(fluid) > 0] += 200
    hu[:, :4] = 500  # the air in front of the patient
    metrics = score(make_bench(), rival(counterfactual=with_array(scan, hu)))[0].metrics
    assert metrics["recovered"] < 0 and metrics["direction"] < 0.1  # bone stays bone
    assert metrics["outside_body_hu"] > 1400
    assert metrics["hit"] == 0.0


def test_a_heatmap_alone_points_and_says_no_more(make_bench, rival, pair):
    metrics = score(make_bench(), rival(heatmap=pair[2]))[0].metrics
    assert metrics["hit"] == metrics["mass_in_mask"] == 1.0
    assert "recovered" not in metrics and "spill_hu" not in metrics


def test_of_our_own_methods_the_values_point_and_not_the_labels(make_bench, rival, pair):
    values = sitk.Cast(pair[2], sitk.sitkFloat32) * -0.3
    labels = np.full(pair[2].GetSize()[::-1], 4, np.uint8)
    results = rival(attribution=values, heatmap=with_array(pair[2], labels))
    (results / "one" / "result.json").write_text('{"chunks": [], "heat_levels": []}')
    assert score(make_bench(), results)[0].metrics["mass_in_mask"] == 1.0


def test_of_both_the_heatmap_points_and_the_counterfactual_is_compared(make_bench, rival, pair):
    elsewhere = with_array(pair[2], np.zeros(pair[2].GetSize()[::-1], np.float32))
    elsewhere[100, 60, 3] = 1.0
    metrics = score(make_bench(), rival(counterfactual=pair[1], heatmap=elsewhere))[0].metrics
    assert metrics["recovered"] == 1.0 and metrics["mass_in_mask"] == 0.0


def test_another_grid_format_and_orientation_find_their_place(make_bench, rival, pair):
    cut = sitk.Flip(pair[1][20:130, 10:100, 1:], [True, True, False])
    metrics = score(make_bench(), rival(counterfactual=cut, suffix=".nii.gz"))[0].metrics
    x, clean = (sitk.GetArrayFromImage(image).astype(float) for image in pair[:2])
    missing = np.abs(clean - x) * (sitk.GetArrayViewFromImage(pair[2]) > 0)
    # All but the slice that was cut away, where nothing has changed.
    assert metrics["recovered"] == pytest.approx(1 - missing[0].sum() / missing.sum())
    assert metrics["overshoot"] == 0.0 and metrics["direction"] == 1.0


def test_what_lies_half_a_voxel_off_is_interpolated(make_bench, rival, pair):
    heatmap = sitk.Cast(pair[2], sitk.sitkFloat32)
    fine = sitk.Expand(heatmap, [2, 2, 1], sitk.sitkLinear)
    metrics = score(make_bench(), rival(heatmap=fine))[0].metrics
    assert metrics["hit"] == 1.0 and metrics["mass_in_mask"] > 0.8


def test_missing_and_broken_results_are_told_by_case_and_the_others_scored(
    make_bench, rival, pair, tmp_path
):
    bench = make_bench(("good", "none", "empty", "nan", "unit", "far"))
    results = rival("good", counterfactual=pair[1])
    rival("empty")
    hu = sitk.GetArrayFromImage(pair[1]).astype(np.float32)
    rival("unit", counterfactual=with_array(pair[1], (hu + 1000) / 2000))
    hu[0, 0, 0] = np.nan
    rival("nan", counterfactual=with_array(pair[1], hu))
    moved = sitk.Image(pair[1])
    moved.SetOrigin((9000, 0, 0))
    rival("far", counterfactual=moved)
    found = {one.case.case: one for one in score(bench, results)}
    assert found["good"].metrics["recovered"] == 1.0
    for case, told in (
        ("none", "there is no folder"),
        ("empty", "holds neither"),
        ("nan", "NaN"),
        ("unit", "expected is a CT in HU"),
        ("far", "nowhere in the scan"),
    ):
        assert told in found[case].problem and not found[case].metrics
    summary = json.loads((results / "summary.json").read_text())
    assert (summary["cases"], summary["scored"]) == (6, 1)
    assert summary["problems"].keys() == {"none", "empty", "nan", "unit", "far"}
    assert summary["all"]["recovered"]["n"] == 1
    rows = (results / "scores.csv").read_text().splitlines()
    assert len(rows) == 7 and rows[0].startswith("case,finding,ml,place,seed,problem,recovered")


def test_a_mask_of_another_grid_is_told_by_case(make_bench, rival, pair):
    bench = make_bench()
    sitk.WriteImage(pair[2][:, :, 1:], str(bench / "one" / "mask.nrrd"))
    (found,) = score(bench, rival(counterfactual=pair[1]))
    assert "Case one" in found.problem and "another grid" in found.problem


def test_a_second_finding_is_compared_with_the_explained_one(make_bench, rival, pair):
    bench = make_bench(other="nodule", other_mask="one/other.nrrd")
    other = np.zeros(pair[2].GetSize()[::-1], np.uint8)
    other[3, 40:50, 40:50] = 1
    sitk.WriteImage(with_array(pair[2], other), str(bench / "one" / "other.nrrd"))
    hu = sitk.GetArrayFromImage(pair[0]).astype(np.float32)
    fluid = sitk.GetArrayViewFromImage(pair[2]) > 0
    hu[fluid] -= 400
    hu[other > 0] -= 100
    metrics = score(bench, rival(counterfactual=with_array(pair[0], hu)))[0].metrics
    assert metrics["specificity"] == pytest.approx(0.25)


def test_scores_of_a_rival_may_come_along(make_bench, rival, pair):
    results = rival(counterfactual=pair[1])
    record = {
        "scores": {"original": 4.0, "counterfactual": -2.0, "clean": -1.0},
        "threshold": 0,
        "seconds": 12.5,
    }
    (results / "one" / "bench.json").write_text(json.dumps(record))
    metrics = score(make_bench(), results)[0].metrics
    assert metrics["flipped"] == metrics["detected"] == 1.0
    assert metrics["gap_closed"] == pytest.approx(1.2) and metrics["seconds"] == 12.5


def test_a_record_with_words_for_numbers_is_told(make_bench, rival, pair):
    results = rival(counterfactual=pair[1])
    (results / "one" / "bench.json").write_text('{"scores": {"original": "high"}}')
    assert "must be numbers" in score(make_bench(), results)[0].problem


def test_the_lungs_of_an_expiration_are_measured(make_bench, rival, pair):
    bench = make_bench(finding="expiration")
    metrics = score(bench, rival(counterfactual=pair[1]))[0].metrics
    assert metrics["lung_change_ml"] == metrics["lung_change_true_ml"] > 50  # fluid gives way
    assert 0 <= metrics["deep_share"] == metrics["deep_share_ceiling"] < 1


def test_the_borders_of_our_chunks_are_found_in_the_heatmap(make_bench, rival, pair):
    # Six slices of 6 mm, three in each chunk: decreases of 10 HU on, then of 100 HU on.
    labels = np.zeros(pair[0].GetSize()[::-1], np.uint8)
    labels[:3, 40:60, 40:60], labels[3:, 40:60, 40:60] = 1, 2
    labels[1, 40, 40] = 0  # a step of 10 HU inside, to and fro
    faces = [pair[0].TransformContinuousIndexToPhysicalPoint((0, 0, k - 0.5))[2] for k in (0, 3, 6)]
    result = {
        "chunks": [{"slab_mm": faces[:2]}, {"slab_mm": faces[1:]}],
        "heat_levels": [
            {"label": 1, "low_hu": -25, "high_hu": -10},
            {"label": 2, "low_hu": None, "high_hu": -100},
        ],
    }
    results = rival(counterfactual=pair[1], heatmap=with_array(pair[0], labels))
    (results / "one" / "result.json").write_text(json.dumps(result))
    metrics = score(make_bench(), results)[0].metrics
    # across: 400 voxels of 90 HU; inside: four pairs of slices, two of them with one voxel of 10 HU
    assert metrics["border_jump"] == pytest.approx(400 * 90 / (2 * 10 / 4))
    assert metrics["mass_in_mask"] > 0.8  # by the change, not by the labels


def test_pictures_are_drawn_for_counterfactuals_and_heatmaps(make_bench, rival, pair, tmp_path):
    bench = make_bench(("one", "two"))
    rival("two", heatmap=pair[2])
    score_bench(bench, rival(counterfactual=pair[1]), tmp_path / "scores")
    sheet = sitk.ReadImage(str(tmp_path / "scores" / "sheet_01.png"))
    assert sheet.GetWidth() > 1000 and np.ptp(sitk.GetArrayViewFromImage(sheet)) > 200
    assert not (tmp_path / "results" / "scores.csv").exists()


def test_a_folder_that_is_not_there_is_told(make_bench, tmp_path):
    with pytest.raises(OutputError, match="no folder of results"):
        score(make_bench(), tmp_path / "nowhere")
