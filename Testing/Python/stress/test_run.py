"""A run on a small chest: shortcuts are told, seeds repeat, files hold what was found."""

import csv
import json

import pytest

from CTCounterfactualLib.errors import Cancelled, OutputError, SettingsError
from CTCounterfactualLib.events import CancelToken
from CTCounterfactualLib.models.targets import Target
from CTCounterfactualLib.scans.scan import Scan
from CTCounterfactualLib.stress.files import table_lines, write_stress
from CTCounterfactualLib.stress.run import stress
from CTCounterfactualLib.stress.stress_settings import StressSettings

FEW = StressSettings(("electrode", "marker"), draws=2)


@pytest.fixture(scope="module")
def caught(chest_scan, metal_seer):
    return stress(chest_scan, metal_seer, settings=FEW)


def test_one_that_sees_metal_is_caught(caught):
    report = caught
    levels = {verdict.kind: verdict.level for verdict in report.verdicts}
    assert levels == {"electrode": "fail", "marker": "fail"}
    assert report.level == "fail"
    electrode = report.verdicts[0]
    assert electrode.flips == 2  # without any there is nothing bright in this chest
    assert electrode.worst > 0


def test_one_that_sees_air_passes_and_its_finding_counts(chest_scan, air_seer):
    report = stress(chest_scan, air_seer, settings=FEW)
    assert report.reference.finding == "100 mL effusion"
    assert report.reference.delta == pytest.approx(-0.1, abs=0.05)  # litres of lung
    assert report.level == "pass"


def test_the_same_seed_gives_the_same_numbers(chest_scan, air_seer):
    one, again = (
        stress(chest_scan, air_seer, settings=StressSettings(("tilt",), 2, seed=1))
        for _ in range(2)
    )
    deltas = [[trial.delta for trial in report.trials] for report in (one, again)]
    assert deltas[0] == deltas[1]
    tilts = [trial.delta for trial in one.trials if trial.kind == "tilt"]
    assert tilts[0] != tilts[1]  # each draw is another one


def test_files_hold_the_trials_and_the_sheet(caught, tmp_path):
    report = caught
    write_stress(report, tmp_path / "out")
    rows = list(csv.DictReader((tmp_path / "out" / "stress.csv").open()))
    assert len(rows) == 8  # nothing, finding, two distractors, twice each
    assert {row["group"] for row in rows} == {"nothing", "finding", "distractor"}
    record = json.loads((tmp_path / "out" / "stress.json").read_text())
    assert record["level"] == "fail"
    assert record["verdicts"][0]["share"] == report.verdicts[0].share
    assert (tmp_path / "out" / "stress.png").read_bytes()[:4] == b"\x89PNG"
    with pytest.raises(OutputError, match="exists already"):
        write_stress(report, tmp_path / "out")
    write_stress(report, tmp_path / "out", force=True)
    lines = table_lines(report)
    assert lines[0].startswith("metal-seer, effusion: 0 logit for domes")
    assert lines[3].startswith("fail")
    assert "the decision changes in 2 of 2" in lines[3]


def test_a_scan_without_lungs_is_stressed_without_a_finding(metal_seer, chest_scan):
    solid = chest_scan.array.clip(max=3000).copy()
    solid[(solid > -950) & (solid < -300)] = 40  # no lung left
    scan = Scan(chest_scan.with_array(solid), "no lungs")
    report = stress(scan, metal_seer, settings=StressSettings(("electrode", "chest-tube"), 1))
    assert report.reference.delta is None
    told = {verdict.kind: verdict for verdict in report.verdicts}
    assert told["chest-tube"].level == "not measured"
    assert told["electrode"].level == "fail"  # it flips, whatever a finding does


def test_cancelled_and_refused(chest_scan, air_seer):
    cancel = CancelToken()
    cancel.cancel()
    with pytest.raises(Cancelled):
        stress(chest_scan, air_seer, settings=FEW, cancel=cancel)
    with pytest.raises(SettingsError, match="no distractor 'electrod'"):
        StressSettings(("electrod",))
    with pytest.raises(SettingsError, match="draws"):
        StressSettings(draws=0)
    with pytest.raises(SettingsError, match="Nothing to try"):
        StressSettings(())


def test_the_finding_is_the_one_that_the_target_names():
    settings = StressSettings()
    assert settings.compared_with(Target("nodule probability")) == ("nodule", 1.8)
    assert settings.compared_with(Target("pleural effusion logit")) == ("effusion", 100.0)
    assert settings.compared_with(Target("aerated lung volume")) == ("effusion", 100.0)
    asked = StressSettings(finding="pneumothorax", ml=50.0)
    assert asked.compared_with(Target("nodule")) == ("pneumothorax", 50.0)
