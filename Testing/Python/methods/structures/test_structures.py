"""Which structures carry a score: a small body whose answer follows by hand."""

from __future__ import annotations

import json

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.errors import Cancelled, ModelError, ScanError, SettingsError
from CTCounterfactualLib.events import CancelToken
from CTCounterfactualLib.methods.attribute import attribute
from CTCounterfactualLib.methods.structures.table import StructureTable
from CTCounterfactualLib.outputs.attribution_reading import read_attribution
from CTCounterfactualLib.outputs.folder import write_result
from CTCounterfactualLib.outputs.reading import read_result
from toy_body import LEFT, RIGHT, SIZE, BlackBox, Blocks, TissueIn, body_scan, mask_of

SETTINGS = ExplainSettings(step="gradient", slice_smoothing=0.0, focus="none", max_change=0.2)
LEFT_HALF = (slice(None), slice(None), slice(0, 24))
RIGHT_HALF = (slice(None), slice(None), slice(24, None))


@pytest.fixture
def segments(tmp_path):
    """A label map: 1 the left half of the scan, 2 the right half; and its names beside it."""
    labels = np.zeros(SIZE, np.uint8)
    labels[LEFT_HALF], labels[RIGHT_HALF] = 1, 2
    path = tmp_path / "halves.nrrd"
    sitk.WriteImage(body_scan().with_array(labels), str(path))
    (tmp_path / "halves.json").write_text(json.dumps({"1": "left half", "2": "right half"}))
    return path


def compared(classifier, segments=None, **options):
    settings = options.pop("settings", SETTINGS)
    cancel, progress = options.pop("cancel", None), options.pop("progress", None)
    if segments is not None:
        options["segments"] = str(segments)
    return attribute(
        body_scan(), "structures", classifier, options=options, autoencoder=Blocks(),
        settings=settings, cancel=cancel, progress=progress,
    )  # fmt: skip


def table_of(found) -> StructureTable:
    return StructureTable.from_facts(found.facts["structures"])


def rows_of(found):
    return {row.name: row for row in table_of(found).rows}


def test_the_values_of_two_lesions_are_their_weights_and_sum_to_the_gain(segments):
    classifier = TissueIn(LEFT, RIGHT, weights=(3.0, 1.0))
    found = compared(classifier, segments)
    table, rows = table_of(found), rows_of(found)
    left, right = rows["left half"], rows["right half"]
    assert table.exact and table.scored == 8  # two halves and everything else
    assert sum(row.shapley for row in table.rows) == pytest.approx(table.gain)
    assert table.gain == pytest.approx(table.score - table.score_replaced)
    assert table.gain > 0.5 * table.score
    # What a half does is what its own lesion is worth: nothing is shared.
    assert left.share > 0.7 and left.shapley / right.shapley > 2
    assert table.sentence.startswith("The left half carries ")
    assert f"{left.share:.0%}" in table.sentence
    # A black box in between would have had to take one gradient a structure.
    assert classifier.gradients == 1
    for pair in table.interactions:
        assert abs(pair.value) < 0.01 * table.gain


def test_lesions_that_need_each_other_interact(segments):
    """f = joint x left x right: replacing either one takes all, so the pair is worth less."""
    found = compared(TissueIn(LEFT, RIGHT, weights=(1e-3, 1e-3), joint=1.0), segments)
    table, rows = table_of(found), rows_of(found)
    assert rows["left half"].share == pytest.approx(0.5, abs=0.03)
    first = table.interactions[0]
    assert {first.first, first.second} == {"left half", "right half"}
    assert first.value < -0.3 * table.gain
    assert sum(row.shapley for row in table.rows) == pytest.approx(table.gain)


def test_each_half_alone_reaches_its_own_part_and_changes_its_own_voxels(segments):
    found = compared(TissueIn(LEFT, RIGHT), segments)
    left = rows_of(found)["left half"]
    assert 0.3 < left.alone_share < 0.7 and left.mean_change_hu < -50
    assert 0 < left.changed_ml < left.ml
    assert found.parts["left half"][..., :24].any()
    assert not found.parts["left half"][..., 24:].any()
    assert rows_of(found)["everything else"].alone is None


def test_without_the_searches_alone_there_are_values_all_the_same(segments):
    found = compared(TissueIn(LEFT, RIGHT), segments, alone=False)
    left = rows_of(found)["left half"]
    assert left.alone is None and left.share == pytest.approx(0.5, abs=0.05)


def test_structures_may_be_replaced_by_their_own_counterfactuals(segments):
    table = table_of(compared(TissueIn(LEFT, RIGHT), segments, replacement="own"))
    assert sum(row.shapley for row in table.rows) == pytest.approx(table.gain)
    assert all(row.alone is not None for row in table.rows)


def test_the_map_holds_each_share_where_its_structure_changed(segments):
    found = compared(TissueIn(LEFT, RIGHT, weights=(3.0, 1.0)), segments)
    left = rows_of(found)["left half"]
    there = found.values[..., :22].sum()
    assert there == pytest.approx(left.share, abs=0.05)
    assert found.values.sum() == pytest.approx(1, abs=0.02)
    assert found.values[LEFT].mean() > 10 * found.values[~mask_of(LEFT, RIGHT)].mean()


def test_what_is_in_no_structure_is_told(segments):
    only_right = np.zeros(SIZE, np.uint8)
    only_right[RIGHT_HALF] = 2
    sitk.WriteImage(body_scan().with_array(only_right), str(segments))
    found = compared(TissueIn(LEFT), segments)
    row = rows_of(found)["everything else"]
    assert row.share > 0.95
    (flag,) = (flag for flag in found.flags if flag.name == "mostly-elsewhere")
    assert f"{row.share:.0%}" in flag.message


def test_of_many_structures_those_that_matter_are_searched_and_the_rest_is_listed(segments):
    """200 structures: columns of the scan; two of them hold lesions."""
    labels = np.zeros(SIZE, np.uint8)
    for number, columns in enumerate(np.array_split(np.arange(SIZE[2] * SIZE[1]), 200), start=1):
        j, i = np.divmod(columns, SIZE[2])
        labels[:, j, i] = number
    sitk.WriteImage(body_scan().with_array(labels), str(segments))
    found = compared(TissueIn(LEFT), segments, most=4, calls=64)
    table = table_of(found)
    searched = [row for row in table.rows if row.searched]
    assert len(searched) == 5 and {row.label for row in searched} >= {0}
    assert len(table.rows) + len(table.left_out) == 201  # and everything else
    listed = [row for row in table.rows if not row.searched]
    assert all(row.shapley is None and row.first_order_share >= 0 for row in listed)
    most = max(row.first_order_share for row in listed)
    assert min(row.first_order_share for row in searched if row.label) >= most
    assert len(found.parts) == 4


def test_more_structures_than_scores_are_sampled_with_an_interval(segments):
    labels = np.zeros(SIZE, np.uint8)
    for number, columns in enumerate((10, 12, 14, 32, 34, 36), start=1):
        labels[..., columns : columns + 2] = number
    sitk.WriteImage(body_scan().with_array(labels), str(segments))
    found = compared(TissueIn(LEFT, RIGHT, joint=1.0), segments, alone=False, calls=60)
    table = table_of(found)
    assert not table.exact and table.scored <= 60
    assert sum(row.shapley or 0 for row in table.rows) == pytest.approx(table.gain)
    told = [row for row in table.rows if row.shapley is not None]
    assert all(row.low <= row.shapley <= row.high for row in told)
    assert " to " in table.sentence


def test_a_counterfactual_that_moves_nothing_is_told(segments):
    air = (slice(0, 2), slice(0, 3), slice(0, 3))
    found = compared(TissueIn(air), segments)
    assert "score-did-not-move" in [flag.name for flag in found.flags]
    assert table_of(found).sentence.startswith("No structure carries")


def test_a_black_box_and_a_redrawn_scan_are_refused(segments):
    with pytest.raises(ModelError, match="structures needs the classifier's gradient"):
        compared(BlackBox(LEFT), segments)
    redrawn = ExplainSettings(baseline="reconstruction")
    with pytest.raises(SettingsError, match="redraws the whole scan"):
        compared(TissueIn(LEFT), segments, settings=redrawn)


def test_a_cancel_ends_the_scoring(segments):
    cancel = CancelToken()

    def stop(event):
        if event.step == "structure":
            cancel.cancel()

    with pytest.raises(Cancelled):
        compared(TissueIn(LEFT), segments, cancel=cancel, progress=stop)


def test_the_result_folder_has_the_table_and_gives_it_back(segments, tmp_path):
    found = compared(TissueIn(LEFT, RIGHT, weights=(3.0, 1.0)), segments)
    folder = write_result(found, tmp_path / "out")
    lines = (folder / "structures.csv").read_text(encoding="utf-8").splitlines()
    table = table_of(found)
    assert len(lines) == len(table.rows) + 1
    assert lines[0].startswith("structure,label,ml,") and lines[1].startswith("left half,1,")
    assert table_of(read_attribution(folder, found.scan)) == table
    record = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert "structures.csv" in record["files"]
    assert (folder / "parts" / "left half.nrrd").is_file()
    with pytest.raises(Exception, match="read_attribution"):
        read_result(folder, found.scan)


@pytest.mark.parametrize("value", [0, 7])
def test_an_empty_label_map_and_one_of_another_place_are_told(segments, value):
    image = body_scan().with_array(np.full(SIZE, value, np.uint8))
    image.SetOrigin((5000.0, 0.0, 0.0))
    sitk.WriteImage(image, str(segments))
    said = "is empty" if value == 0 else r"None of the structures .* lies in the scan"
    with pytest.raises(ScanError, match=said) as told:
        compared(TissueIn(LEFT), segments)
    assert "\n" not in str(told.value)
