"""Measuring results whose truth is known; what can't be measured says why; bad input harms none."""

import json
from html import escape

import numpy as np
import pytest
import SimpleITK as sitk

from block_scan import BlockSeer
from CTCounterfactualLib.errors import Cancelled, ModelError, OutputError, ScanError
from CTCounterfactualLib.evaluation import definitions as d
from CTCounterfactualLib.evaluation.evaluate import (
    METRICS_FILE,
    evaluate_result,
)
from CTCounterfactualLib.evaluation.several import evaluate_folder
from CTCounterfactualLib.evaluation.table import summary_lines, table_lines
from CTCounterfactualLib.events import CancelToken
from CTCounterfactualLib.outputs.attribution_reading import read_attribution
from CTCounterfactualLib.outputs.folder import write_result
from CTCounterfactualLib.outputs.reading import read_record, read_result
from CTCounterfactualLib.outputs.report_measured import measured


def test_the_true_counterfactual_is_perfect(perfect, known, tmp_path):
    made = evaluate_result(perfect, **known.save(tmp_path), with_classifier=False)
    found = made.metrics
    assert found["recovered"] == found["direction"] == found["hit"] == 1.0
    assert found["overshoot"] == found["outside_body_hu"] == found["spill_share"] == 0.0
    for name in ("hit", "mass_in_mask", "dice"):
        assert found[name] == found[f"{name}_ceiling"] > 5 * found[f"{name}_chance"]
    assert found["changed_ml"] == pytest.approx(known.mask.sum() * 1.5 * 1.5 * 3 / 1000)
    assert set(made.absent) <= {d.SUCCESS, d.REALISM, d.FEATURES, d.REMOVAL, d.STABILITY}


def test_the_file_holds_the_numbers_their_meanings_and_is_part_of_the_result(
    perfect, known, explanation, tmp_path
):
    made = evaluate_result(perfect, **known.save(tmp_path), with_classifier=False)
    written = json.loads((perfect / METRICS_FILE).read_text())
    assert written["metrics"] == made.metrics
    assert written["definitions"]["mae_hu"]["unit"] == "HU"
    assert METRICS_FILE in read_record(perfect)["files"]
    read_result(perfect)  # and still is a whole result
    write_result(explanation, perfect, force=True, scene=False)
    assert not (perfect / METRICS_FILE).exists()


def test_the_report_shows_what_was_measured_and_keeps_it(explanation, known, tmp_path):
    folder = write_result(explanation, tmp_path / "out", scene=False, with_scan=True, report=True)
    assert "Measured" not in (folder / "report.html").read_text()
    made = evaluate_result(folder, **known.save(tmp_path), with_classifier=False)
    page = (folder / "report.html").read_text()
    assert "<h2>Measured</h2>" in page and d.METRICS["mae_hu"].words in page
    assert f"<td>{made.metrics['hit_chance']:.3g}</td>" in page
    assert measured(folder) in page  # as it is drawn again after tests of trust


def test_the_report_of_a_map_shows_what_was_measured_too(results, known, tmp_path):
    even = read_attribution(results / "map")
    folder = write_result(even, tmp_path / "out", scene=False, with_scan=True, report=True)
    assert "Measured" not in (folder / "report.html").read_text()
    made = evaluate_result(folder, **known.save(tmp_path), with_classifier=False)
    page = (folder / "report.html").read_text()
    assert "<h2>Measured</h2>" in page and escape(d.METRICS["mass_in_mask"].words) in page
    assert f"<td>{made.metrics['mass_in_mask_chance']:.3g}</td>" in page
    assert "makes a map and no counterfactual" in page


def test_reduction_counts_the_way_that_was_wanted(perfect, explanation):
    made = evaluate_result(perfect, with_classifier=False).metrics
    scores = explanation.scores
    assert made["reduction"] == pytest.approx(scores.original - scores.counterfactual)
    assert made["reconstruction_gap"] == abs(scores.original - scores.reconstruction)


def test_a_map_has_what_a_map_can_have(map_only, known, tmp_path):
    made = evaluate_result(map_only, **known.save(tmp_path), classifier=BlockSeer())
    assert {d.SUCCESS, d.REDUCTION, d.PROXIMITY, d.RECOVERY} <= made.absent.keys()
    assert "makes a map" in made.absent[d.RECOVERY]
    assert "mae_hu" not in made.metrics and "recovered" not in made.metrics
    # An even map has chance's mass, up to the air around the body.
    assert made.metrics["mass_in_mask"] <= made.metrics["mass_in_mask_chance"]
    assert {"deletion", "insertion", "deletion_chance", "seconds"} <= made.metrics.keys()


def test_the_clean_scan_tells_the_gap_and_where_the_finding_is(perfect, known, tmp_path):
    clean = known.save(tmp_path)["clean"]
    made = evaluate_result(perfect, clean=clean, classifier=BlockSeer())
    assert "where scan and clean scan differ" in made.note
    assert made.metrics["recovered"] == 1.0
    assert "gap_closed" in made.metrics


def test_a_mask_of_another_grid_finds_its_place(perfect, known, tmp_path):
    mask = known.scan.with_array(known.mask.astype(np.uint8))
    cut = sitk.Expand(mask[8:40, 10:40, 1:9], [2, 2, 1], sitk.sitkNearestNeighbor)
    cut = sitk.Flip(cut, [True, False, True])
    sitk.WriteImage(cut, str(tmp_path / "cut.nii.gz"))
    made = evaluate_result(perfect, tmp_path / "cut.nii.gz", with_classifier=False)
    assert "nearest neighbour" in made.note
    assert made.metrics["mass_in_mask"] == 1.0 == made.metrics["mass_in_mask_ceiling"]


@pytest.mark.parametrize(
    ("spoil", "told"),
    [("elsewhere", "lies elsewhere"), ("empty", "0 everywhere"), ("missing", "There is no mask")],
)
def test_a_mask_that_is_none_is_refused_in_one_line_and_nothing_is_written(
    perfect, known, tmp_path, spoil, told
):
    mask = known.scan.with_array(known.mask.astype(np.uint8))
    if spoil == "elsewhere":
        mask.SetOrigin((5000.0, 0.0, 0.0))
    if spoil == "empty":
        mask *= 0
    path = tmp_path / "bad.nrrd"
    if spoil != "missing":
        sitk.WriteImage(mask, str(path))
    with pytest.raises(ScanError, match=told) as error:
        evaluate_result(perfect, path, with_classifier=False)
    assert "\n" not in str(error.value)
    assert not (perfect / METRICS_FILE).exists()


def test_a_clean_scan_without_a_difference_is_refused(perfect, known, tmp_path):
    sitk.WriteImage(known.scan.image, str(tmp_path / "same.nrrd"))
    with pytest.raises(ScanError, match="no finding to lose"):
        evaluate_result(perfect, clean=tmp_path / "same.nrrd", with_classifier=False)


def test_the_block_first_is_the_way_to_the_score(perfect):
    """The score hangs on the block and on nothing else, so its order beats chance both ways."""
    found = evaluate_result(perfect, classifier=BlockSeer()).metrics
    assert found["deletion"] < 0.2 < found["deletion_chance"]
    assert found["insertion"] > found["insertion_chance"]


def test_another_classifier_is_refused_and_a_lost_one_is_said(perfect):
    made = evaluate_result(perfect)
    assert "'block seer'" in made.absent[d.REMOVAL] and "mae_hu" in made.metrics
    with pytest.raises(ModelError, match="other weights"):
        evaluate_result(perfect, classifier="effusion-demo")


def test_what_the_tests_of_trust_found_of_noise_is_told(perfect):
    assert "trust" in evaluate_result(perfect, with_classifier=False).absent[d.STABILITY]
    noise = {"test": "noise", "number": 0.75, "facts": {"drop_variation": 0.1}}
    (perfect / "trust.json").write_text(json.dumps({"tests": [noise]}))
    found = evaluate_result(perfect, with_classifier=False).metrics
    assert (found["stability"], found["drop_variation"]) == (0.75, 0.1)


def test_a_cancel_leaves_nothing(perfect):
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        evaluate_result(perfect, cancel=cancel)
    assert not (perfect / METRICS_FILE).exists()


def test_several_results_are_summed_up(perfect, map_only, known, tmp_path):
    truth = known.save(tmp_path)

    def one(path):
        return evaluate_result(path, **truth, with_classifier=False)

    made, summary = evaluate_folder(tmp_path, one)
    assert set(made) == {"perfect", "map"}
    hits = [m.metrics["hit"] for m in made.values()]
    assert summary["metrics"]["hit"] == {
        "median": np.median(hits),
        "mean": np.mean(hits),
        "n": 2,
    }
    assert summary["metrics"]["recovered"]["n"] == 1
    assert any(line.startswith("recovered") for line in summary_lines(summary))


def test_no_result_no_measure(tmp_path):
    with pytest.raises(OutputError, match="holds no result"):
        evaluate_result(tmp_path)
    with pytest.raises(OutputError, match="nor in a folder in it"):
        evaluate_folder(tmp_path, lambda path: None)


def test_the_table_has_every_number_and_every_reason(map_only, known, tmp_path):
    made = evaluate_result(map_only, **known.save(tmp_path), with_classifier=False)
    lines = table_lines(made)
    shown = {line.split()[0] for line in lines}
    assert {d.base_of(name) for name in made.metrics} <= shown
    lacking = [line for line in lines if line.startswith("Not given: ")]
    assert all(sum(group in line for line in lacking) >= 1 for group in made.absent)
    assert len(lacking) == len({why.rstrip(".") for why in made.absent.values()})
    assert next(line for line in lines if line.startswith("hit ")).split()[1] in ("yes", "no")
