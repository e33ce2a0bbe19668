"""Metrics of a scan that is no CT: units don't matter, nothing says HU."""

from dataclasses import replace

import numpy as np
import pytest

from CTCounterfactualLib.errors import OutputError
from CTCounterfactualLib.evaluation import definitions as d
from CTCounterfactualLib.evaluation.evaluate import evaluate_result
from CTCounterfactualLib.evaluation.several import evaluate_folder
from CTCounterfactualLib.evaluation.table import summary_lines, table_lines
from CTCounterfactualLib.outputs.folder import write_result


@pytest.fixture
def evaluated(explanation, known, tmp_path):
    """Evaluate a counterfactual half of the way to the clean scan, in units of `scale` + 5."""

    def make(scale):
        folder = tmp_path / f"{scale:g}"
        folder.mkdir()

        def units(values):
            return (scale * values + 5).astype(np.float32)

        def volume(values):
            return replace(known.scan.with_voxels(units(values)), modality="MR")

        before, clean = known.scan.array.astype(float), known.clean.array.astype(float)
        scan = volume(before)
        changed = units((before + clean) / 2)
        halfway = replace(
            explanation, scan=scan, counterfactual=changed, difference=changed - scan.array
        )
        out = write_result(halfway, folder / "result", scene=False, with_scan=True)
        truth = replace(known, scan=scan, clean=volume(clean)).save(folder)
        return evaluate_result(out, **truth, with_classifier=False)

    return make


def test_the_unit_changes_numbers_in_it_and_no_other(evaluated):
    one, many = evaluated(1.0), evaluated(250.0)
    assert one.metrics.keys() == many.metrics.keys() - {"frechet"}
    for name, value in one.metrics.items():
        scale = 250.0 if d.METRICS[d.base_of(name)].unit == "HU" else 1.0
        assert many.metrics[name] == pytest.approx(scale * value, rel=1e-3, abs=1e-4), name
    assert one.metrics["recovered"] == pytest.approx(0.5, abs=1e-3)
    assert one.metrics["hit"] == 1.0 and one.metrics["changed_ml"] > 0


def test_several_results_are_summed_up_in_their_unit_and_not_across_units(
    evaluated, perfect, tmp_path
):
    folder = tmp_path / "several"
    folder.mkdir()
    made = {"mr": evaluated(250.0), "ct": evaluate_result(perfect, with_classifier=False)}

    def summed(*names):
        for name in names:
            (folder / name).mkdir(exist_ok=True)
            (folder / name / "result.json").write_text("{}")
        return evaluate_folder(folder, lambda path: made[path.name])[1]

    lines = summary_lines(summed("mr"))
    assert any("1/200 of the range" in line for line in lines)
    assert not any(" HU" in line for line in lines)
    with pytest.raises(OutputError, match="in HU and in MR units"):
        summed("ct")


def test_nothing_says_hu(evaluated):
    made = evaluated(250.0)
    told = made.to_dict()
    assert told["definitions"]["mae_hu"]["unit"] == "MR units"
    assert "MR units" in told["definitions"]["changed_ml"]["meaning"]
    assert not any(" HU" in each["meaning"] for each in told["definitions"].values())
    rows = [line for line in table_lines(made) if not line.startswith("Not given")]
    assert len(rows) > 10 and not any(" HU" in line for line in rows)
    assert "of CT only" in made.absent[d.REALISM]
