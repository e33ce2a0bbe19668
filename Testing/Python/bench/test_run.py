"""Runs of a bench: resumed, one case's fault kept to itself, and an ideal classifier's ceiling."""

import json
import shutil
from dataclasses import replace

import pytest
import SimpleITK as sitk

from CTCounterfactualLib.bench.bench_settings import BenchRun
from CTCounterfactualLib.bench.run import run_bench
from CTCounterfactualLib.bench.score import score_bench
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.errors import Cancelled, ScanError, SettingsError
from CTCounterfactualLib.events import CancelToken
from small_bench import write_bench

WHOLE = ExplainSettings(mode="whole")
IDEAL = BenchRun(classifier="ideal", settings=WHOLE)


@pytest.fixture(scope="module")
def ran(tmp_path_factory, pair):
    """A bench of a good case and one without its scan, run with the ideal classifier."""
    folder = tmp_path_factory.mktemp("bench")
    bench = write_bench(folder / "bench", pair, ("good", "broken"))
    (bench / "broken" / "scan.nrrd").unlink()
    events = []
    wanted = BenchRun(classifier="ideal", settings=WHOLE, reversal=True)
    failed = run_bench(bench, folder / "results", wanted, events.append)
    return bench, folder / "results", failed, events


def test_a_case_that_fails_is_told_and_does_not_keep_the_others(ran):
    _, results, failed, events = ran
    assert failed.keys() == {"broken"} and "no file or folder" in failed["broken"]
    assert json.loads((results / "run.json").read_text())["failed"] == failed
    assert not (results / "broken").exists()
    assert [event.step for event in events].count("failed") == 1
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions) and fractions[-1] == pytest.approx(1.0)
    assert all(event.message.startswith(("good: ", "broken: ")) for event in events)


def test_the_result_is_that_of_explain_with_what_scoring_needs(ran):
    record = json.loads((ran[1] / "good" / "bench.json").read_text())
    result = json.loads((ran[1] / "good" / "result.json").read_text())
    assert record["classifier"] == "ideal" and record["unit"] == "mL"
    assert record["scores"]["counterfactual"] == result["scores"]["counterfactual"]
    assert record["scores"]["clean"] == pytest.approx(0.0, abs=1e-3)
    # It finds nothing in the scan, so that a fresh look is the same.
    assert record["scores"]["clean_anew"] == record["scores"]["clean"]
    kept = record["scores"]["counterfactual"]
    assert record["scores"]["counterfactual_anew"] == pytest.approx(kept, rel=0.02)
    assert record["seconds"] > 0
    assert record["threshold"] == pytest.approx(record["scores"]["original"] / 2, rel=0.02)
    assert result["settings"]["mode"] == "whole"


def test_with_the_ideal_classifier_fluid_becomes_lung(ran):
    bench, results, _, _ = ran
    good, broken = score_bench(bench, results, pictures=False)
    assert "no file or folder" in broken.problem  # the run's own words
    assert good.metrics["recovered"] > 0.3 and good.metrics["direction"] > 0.95
    assert 0.5 < good.metrics["gap_closed"] < 1.1
    assert good.metrics["hit_6mm"] == 1.0
    assert good.metrics["flipped"] == good.metrics["detected"] == 1.0
    assert good.metrics["flipped_anew"] == good.metrics["detected_anew"] == 1.0
    assert 0 < good.metrics["reversal"] < 1


def test_what_is_done_is_not_done_again_and_what_failed_is(ran):
    bench, results, _, _ = ran
    before = (results / "good" / "result.json").stat().st_mtime_ns
    record = (results / "good" / "bench.json").read_text()
    (results / "good" / "bench.json").unlink()  # killed before it was written
    assert run_bench(bench, results, IDEAL).keys() == {"broken"}
    assert (results / "good" / "bench.json").read_text() == record
    events = []
    failed = run_bench(bench, results, IDEAL, events.append)
    assert failed.keys() == {"broken"}
    assert [event.step for event in events] == ["kept", "failed"]
    assert (results / "good" / "result.json").stat().st_mtime_ns == before


def test_other_settings_are_refused(ran):
    other = BenchRun(classifier="ideal", settings=ExplainSettings(mode="whole", max_change=0.01))
    with pytest.raises(SettingsError, match=r"max_change 0\.05, now 0\.01"):
        run_bench(ran[0], ran[1], other)


def test_a_cancelled_run_leaves_whole_cases_only(make_bench, tmp_path):
    cancel = CancelToken()

    def stop(event):
        if event.step == "encoded":
            cancel.cancel()

    with pytest.raises(Cancelled, match="0 of 1 cases are done"):
        run_bench(make_bench(), tmp_path / "results", IDEAL, stop, cancel)
    assert [path.name for path in (tmp_path / "results").iterdir()] == ["run.json"]


def test_cases_can_be_chosen_by_name_or_finding(make_bench, tmp_path):
    bench = make_bench(("one", "two"), finding="nodule")
    shutil.rmtree(bench / "two")
    failed = run_bench(bench, tmp_path / "results", BenchRun("ideal", only=("nod*",)))
    assert failed.keys() == {"two"}
    with pytest.raises(SettingsError, match="there are effusion, nodule"):
        run_bench(bench, tmp_path / "results", BenchRun("ideal", only=("fracture",)))


def test_a_finding_that_no_embedded_classifier_sees_is_told(make_bench, tmp_path):
    failed = run_bench(make_bench(finding="fracture"), tmp_path / "results", BenchRun())
    assert "No embedded classifier sees the finding 'fracture'" in failed["one"]


def test_the_ideal_classifier_has_one_target(make_bench, tmp_path):
    failed = run_bench(make_bench(), tmp_path / "results", BenchRun("ideal", target="fluid"))
    assert "leave the target out" in failed["one"]


def test_another_method_makes_no_counterfactual():
    with pytest.raises(SettingsError, match="makes no counterfactual: leave reversal out"):
        BenchRun(method="responsibility", reversal=True)


def test_no_bench_no_results(tmp_path):
    with pytest.raises(ScanError, match="is no bench"):
        run_bench(tmp_path, tmp_path / "results", IDEAL)
    assert not (tmp_path / "results").exists()


def test_a_region_may_lie_in_each_cases_folder(make_bench, tmp_path, pair):
    run_bench(make_bench(), tmp_path / "results", replace(IDEAL, region="mask.nrrd"))
    changed = sitk.ReadImage(str(tmp_path / "results" / "one" / "difference.nrrd"))
    inside = sitk.GetArrayViewFromImage(pair[2]) > 0
    change = sitk.GetArrayFromImage(changed)
    assert change[inside].any() and not change[~inside].any()
