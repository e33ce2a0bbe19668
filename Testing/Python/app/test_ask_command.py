"""The verb `ask`, and options of the command line that name structures and regions."""

from __future__ import annotations

import json

import pytest

from CTCounterfactualLib.app.ask_command import answer_lines
from CTCounterfactualLib.app.cli import build_parser, main
from CTCounterfactualLib.app.commands import job_from
from CTCounterfactualLib.jobs.job import FileInput, Job
from CTCounterfactualLib.methods.spot.answer import Replacement, SpotAnswer
from CTCounterfactualLib.outputs.volumes import write_image
from toy_body import body_scan


def job_of(tmp_path, *arguments) -> dict:
    """Return the job that a command line would run, as it is written."""
    path = tmp_path / "job.json"
    assert main([*arguments, "--save-job", str(path)]) == 0
    return json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("at", [("--at", "12,5.5,-30"), ("--at", "12", "5.5", "-30")])
def test_a_spot_becomes_a_job_of_its_method(tmp_path, at):
    job = job_of(tmp_path, "ask", "scan.nrrd", "-o", "out", *at, "--radius", "15")
    assert job["method"] == "spot"
    assert job["method_options"] == {"at": "12,5.5,-30", "radius_mm": 15.0}
    assert job["input"]["path"].endswith("scan.nrrd")


def test_a_negative_first_coordinate_is_written_with_an_equals_sign(tmp_path):
    job = job_of(tmp_path, "ask", "s.nrrd", "-o", "out", "--at=-12,5,3", "--controls", "4")
    assert job["method_options"] == {"at": "-12,5,3", "controls": 4}


def test_what_is_no_point_is_one_line(tmp_path, capsys):
    code = main(["ask", "s.nrrd", "-o", str(tmp_path / "out"), "--at", "1,2"])
    told = capsys.readouterr().err.strip()
    assert code == 2 and len(told.splitlines()) == 1 and "R,A,S in mm" in told
    assert not (tmp_path / "out").exists()


def test_a_spot_outside_the_scan_is_one_line_and_leaves_nothing(tmp_path, capsys):
    write_image(body_scan().image, tmp_path / "scan.nrrd")
    out = tmp_path / "out"
    code = main(
        ["ask", str(tmp_path / "scan.nrrd"), "-o", str(out), "--at", "900,0,0",
         "--classifier", "effusion-demo"]
    )  # fmt: skip
    lines = [
        line for line in capsys.readouterr().err.splitlines() if "lies outside the scan" in line
    ]
    assert code == 2 and len(lines) == 1 and "(900, 0, 0) mm (R, A, S)" in lines[0]
    assert not out.exists()


def test_the_answer_in_lines():
    answer = SpotAnswer(
        (1.0, 2.0, 3.0), 10.0, 4.0, 6.3, "logit",
        (
            Replacement("counterfactual", 2.1, 4.2, 95.0, (0.1, 0.2)),
            Replacement("mirror", reason="the spot lies on the mirror plane"),
        ),
        sentence="Replacing the spot lowers the score.",
    )  # fmt: skip
    first, score, counterfactual, mirror = answer_lines(answer)
    assert first == answer.sentence and score == "Score of the scan: 6.3"
    assert "2.1 (effect 4.2 logit, percentile 95 of 2 random spots)" in counterfactual
    assert mirror.endswith("not possible: the spot lies on the mirror plane")


def test_segments_are_an_option_of_structures(tmp_path):
    options = build_parser().parse_args(
        ["explain", "scan.nrrd", "-o", "out", "--method", "structures", "--segments", "a/seg.nrrd"]
    )
    job = job_from(options, FileInput("scan.nrrd"), with_scan=False)
    assert job.method_options == {"segments": "a/seg.nrrd"}


def test_paths_of_segments_follow_the_job_file_and_auto_is_no_path(tmp_path):
    segments = tmp_path / "seg.nrrd"
    Job(
        FileInput(str(tmp_path / "s.nrrd")), str(tmp_path / "o"), method="structures",
        method_options={"segments": str(segments)},
    ).write(tmp_path / "job.json")  # fmt: skip
    text = json.loads((tmp_path / "job.json").read_text(encoding="utf-8"))
    assert text["method_options"] == {"segments": "seg.nrrd"}
    assert Job.read(tmp_path / "job.json").method_options == {"segments": str(segments)}
    Job(FileInput("s.nrrd"), "o", region="auto").write(tmp_path / "auto.json")
    auto = Job.read(tmp_path / "auto.json")
    assert auto.region == "auto" and auto.region_file is None
