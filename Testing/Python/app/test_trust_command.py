"""The verb `trust` from the command line: a result, a scan, what is refused, a cancel."""

import json

import pytest

from block_scan import known_scan
from CTCounterfactualLib.app.cli import main
from CTCounterfactualLib.errors import Cancelled
from CTCounterfactualLib.methods.attribute import attribute
from CTCounterfactualLib.outputs.folder import write_result
from CTCounterfactualLib.trust import noise


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    """Write a map of `effusion-demo`, which the catalogue knows."""
    made = attribute(known_scan().scan, "input-gradient", "effusion-demo")
    return write_result(made, tmp_path_factory.mktemp("out") / "result", with_scan=True)


def test_a_result_is_tested_as_it_was_made(result, capsys):
    assert main(["trust", str(result), "--tests", "noise,second-model", "--progress", "none"]) == 0
    out = capsys.readouterr().out
    assert "noise" in out and "not run" in out and "times the explanation's own time" in out
    told = json.loads((result / "trust.json").read_text())
    assert [test["test"] for test in told["tests"]] == ["noise", "second-model"]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        (["-o", "x"], "leave out --output"),
        (["--max-change", "0.2"], "leave out --max-change"),
        (["--tests", "nois"], "There is no test 'nois'"),
    ],
)
def test_what_does_not_fit_a_result_is_said_in_one_line(result, more, told, capsys):
    assert main(["trust", str(result), "--progress", "none", *more]) == 2
    err = capsys.readouterr().err.strip()
    assert told in err and "\n" not in err


def test_a_scan_needs_a_result_folder(tmp_path, capsys):
    path = tmp_path / "scan.nrrd"
    path.write_bytes(b"NRRD0004\n")
    assert main(["trust", str(path), "--progress", "none"]) == 2
    assert "-o OUT" in capsys.readouterr().err


def test_a_scan_is_explained_and_tested(tmp_path, capsys):
    import SimpleITK as sitk

    sitk.WriteImage(known_scan().scan.image, str(tmp_path / "scan.nrrd"))
    code = main(
        [
            "trust",
            str(tmp_path / "scan.nrrd"),
            "-o",
            str(tmp_path / "out"),
            "--classifier",
            "effusion-demo",
            "--method",
            "input-gradient",
            "--tests",
            "random-region",
            "--progress",
            "none",
        ]
    )
    assert code == 0 and "random-region" in capsys.readouterr().out
    record = json.loads((tmp_path / "out" / "result.json").read_text())
    assert "trust.json" in record["files"] and record["method"]["name"] == "input-gradient"


def test_a_cancel_keeps_what_is_done_and_ends_with_130(result, monkeypatch, capsys):
    def cancelled(*_):
        raise Cancelled()

    monkeypatch.setattr(noise, "noise_runs", cancelled)
    tests = ["--tests", "second-model,noise", "--progress", "none"]
    assert main(["trust", str(result), *tests]) == 130
    assert "1 of 2 tests were done" in capsys.readouterr().err
    assert json.loads((result / "trust.json").read_text())["partial"]
