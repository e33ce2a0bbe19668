"""Examining a result folder: what is written, shown, replaced and kept."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from block_scan import BlockSeer
from CTCounterfactualLib.counterfactual.engine import explain
from CTCounterfactualLib.errors import ModelError, OutputError, ScanError, SettingsError
from CTCounterfactualLib.events import CancelToken
from CTCounterfactualLib.outputs.attribution_reading import read_attribution
from CTCounterfactualLib.outputs.folder import write_result
from CTCounterfactualLib.outputs.reading import read_record, read_result
from CTCounterfactualLib.trust.examine import examine, examine_result
from CTCounterfactualLib.trust.kind import TrustTest
from CTCounterfactualLib.trust.registry import NAMES, QUICK, chosen_tests, find_test
from CTCounterfactualLib.trust.table import table_lines
from CTCounterfactualLib.trust.verdict import FAIL, NOT_RUN, PASS, Limits

GAP = ("reconstruction-gap",)


@pytest.fixture(scope="module")
def written(explanation, tmp_path_factory):
    """Write an explanation whose autoencoder moves the score further than the counterfactual."""
    scores = replace(explanation.scores, reconstruction=-50.0)
    made = replace(explanation, scores=scores)
    folder = tmp_path_factory.mktemp("results") / "failing"
    return write_result(made, folder, scene=False, with_scan=True, report=True)


@pytest.fixture
def failing(written, tmp_path):
    """Return its folder, to be written into."""
    return Path(shutil.copytree(written, tmp_path / "failing"))


def test_a_failure_is_in_the_record_the_picture_and_the_report_and_goes_when_it_passes(
    failing, explanation
):
    before = (failing / "figure.png").read_bytes()
    made = examine_result(failing, GAP, classifier=BlockSeer())
    assert made.status == FAIL
    assert json.loads((failing / "trust.json").read_text())["tests"][0]["status"] == FAIL
    again = read_result(failing)
    assert again.flags[0].name == "trust-reconstruction-gap"
    assert (failing / "figure.png").read_bytes() != before
    assert "Test failed: The autoencoder alone" in (failing / "report.html").read_text()
    assert "trust.json" in read_record(failing)["files"]

    examine_result(failing, ("second-model",), classifier=BlockSeer())
    names = [flag.name for flag in read_result(failing).flags]
    assert not any(name.startswith("trust-") for name in names)
    assert (failing / "figure.png").read_bytes() == before
    write_result(explanation, failing, force=True, scene=False)
    assert not (failing / "trust.json").exists()


def test_a_maps_failure_is_written_over_its_picture(map_of, tmp_path, monkeypatch):
    made = map_of("input-gradient")
    folder = write_result(made, tmp_path / "map", with_scan=True)
    before = (folder / "figure.png").read_bytes()
    test = replace(find_test("random-region"), limits=Limits(-2.0, -1.0))  # nothing passes it
    monkeypatch.setattr("CTCounterfactualLib.trust.random_region.TEST", test)
    assert examine_result(folder, ("random-region",), classifier=BlockSeer()).status == FAIL
    assert read_attribution(folder).flags[0].name == "trust-random-region"
    assert (folder / "figure.png").read_bytes() != before


def test_a_cancel_keeps_what_is_done_and_says_so(failing):
    cancel = CancelToken()

    def progress(event):
        if event.data.get("test") == "second-model":
            cancel.cancel()

    made = examine_result(
        failing,
        ("reconstruction-gap", "second-model", "noise"),
        classifier=BlockSeer(),
        progress=progress,
        cancel=cancel,
    )
    assert [verdict.test for verdict in made.verdicts] == ["reconstruction-gap"]
    assert made.left == ("second-model", "noise")
    written = json.loads((failing / "trust.json").read_text())
    assert written["partial"] and written["left"] == ["second-model", "noise"]
    assert "Cancelled before second-model, noise" in table_lines(made)[-1]
    assert "reconstruction -50" in table_lines(made)[1]


def test_a_test_that_cannot_run_says_why_and_the_others_go_on(subject_of, map_of):
    def broken(test, subject, thorough):
        raise ScanError("There is\nno room.")

    tests = (
        TrustTest("broken", "?", "n", Limits(1, 0), broken),
        TrustTest("good", "?", "n", Limits(1, 0), lambda t, s, all_: t.of(2.0, {PASS: "Good."})),
    )
    made = examine(subject_of(map_of("input-gradient")), tests)
    assert [v.status for v in made.verdicts] == [NOT_RUN, PASS]
    assert made.verdicts[0].sentence == "There is no room."
    assert made.status == PASS


def test_what_would_take_too_long_by_default_is_left_out_with_a_word(subject_of, map_of):
    subject = subject_of(map_of("input-gradient"))
    subject.run_seconds.append(100.0)
    made = examine(subject, (find_test("noise"), find_test("reconstruction-gap")), False, 50.0)
    assert "stay within 2 times" in made.verdicts[0].sentence
    assert made.verdicts[1].sentence.startswith("A map has no reconstruction")


def test_bad_input_is_refused_and_nothing_is_written(failing, tmp_path):
    with pytest.raises(ModelError, match="Give its card"):
        examine_result(failing, GAP)
    with pytest.raises(ModelError, match="other weights"):
        examine_result(failing, GAP, classifier="effusion-demo")
    with pytest.raises(SettingsError, match="no test 'nois'"):
        examine_result(failing, ("nois",), classifier=BlockSeer())
    with pytest.raises(OutputError, match="holds no result"):
        examine_result(tmp_path)
    assert not (failing / "trust.json").exists()


def test_a_region_must_be_given_again(explanation, tmp_path):
    made = replace(explanation, region_name="left lung")
    folder = write_result(made, tmp_path / "region", scene=False, with_scan=True)
    with pytest.raises(SettingsError, match=r"'left lung'.*region=MASK"):
        examine_result(folder, GAP, classifier=BlockSeer())


def test_a_region_that_the_run_found_is_taken_from_its_folder(known, tmp_path):
    made = explain(known.scan, BlockSeer(), mode="whole", region="auto")
    folder = write_result(made, tmp_path / "auto", scene=False, with_scan=True)
    examined = examine_result(folder, ("noise",), classifier=BlockSeer(), region="auto")
    assert examined.verdicts[0].status != NOT_RUN


def test_each_test_is_a_file_with_what_a_table_needs():
    for name in NAMES:
        test = find_test(name)
        assert test.name == name and test.description.endswith("?") and test.measure
        assert test.limits.passes != test.limits.fails
    assert [t.name for t in chosen_tests()] == list(QUICK)
    assert [t.name for t in chosen_tests((), True)] == list(NAMES)
    assert [t.name for t in chosen_tests(("window", "noise", "window"))] == ["window", "noise"]
