"""Running a job here: input, stream, checks before the work, and the end."""

import json
from dataclasses import replace

import pytest
import SimpleITK as sitk

from CTCounterfactualLib.errors import Cancelled, ModelError, OutputError, ScanError, SettingsError
from CTCounterfactualLib.events import CancelToken
from CTCounterfactualLib.jobs import run
from CTCounterfactualLib.jobs.job import FileInput, GeneratedInput, Job
from CTCounterfactualLib.jobs.run import read_input, run_job


def test_the_result_bears_the_jobs_name_and_region(workplace, job, slab):
    mask = sitk.Cast(slab.image > -3000, sitk.sitkUInt8)
    mask[:, :, 2:] = 0  # ends well below the upper chunk
    sitk.WriteImage(mask, str(workplace.region))
    events = []
    asked = replace(
        job, input=replace(job.input, name="Patient 7"), region=str(workplace.region),
        region_name="lung bases", with_scan=True,
    )
    assert run_job(asked, events.append) == workplace.result
    record = json.loads((workplace.result / "result.json").read_text())
    assert record["input"]["name"] == "Patient 7"
    assert record["region"] == "lung bases"
    assert "scan.nrrd" in record["files"]
    chunks = [event.data for event in events if event.step == "chunk"]
    assert [chunk["stop_reason"] for chunk in chunks][1] == "outside region"
    assert chunks[0]["score_after"] < chunks[0]["score_before"]
    streamed = sorted(path.name for path in workplace.stream.iterdir())
    assert streamed == ["chunk_000-008.nrrd", "chunk_008-016.nrrd"]  # and no half-written ones
    for name in streamed:
        final = workplace.result / "heatmaps" / name
        assert (workplace.stream / name).read_bytes() == final.read_bytes()


def test_a_report_is_written_along_if_asked_for(workplace, job):
    settings = replace(job.settings, mode="whole", max_evaluations=2)
    run_job(replace(job, settings=settings, report=True))
    assert "report.html" in json.loads((workplace.result / "result.json").read_text())["files"]
    assert (workplace.result / "report.html").stat().st_size > 10_000


def test_a_generated_input_is_as_told(tmp_path, monkeypatch):
    monkeypatch.setattr(run, "GENERATED_SPACING_MM", (6.0, 6.0, 12.0))  # quick to make
    job = Job(GeneratedInput(seed=2, effusion_ml=300.0), str(tmp_path / "out"))
    scan = read_input(job)
    assert scan.name == "generated-chest-2"
    assert scan.spacing == (6.0, 6.0, 12.0)
    assert len(scan.sha256) == 64
    assert scan.sha256 != read_input(replace(job, input=GeneratedInput(2, 0.0))).sha256


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"classifier": "nothing"}, ModelError, "no classifier named 'nothing'"),
        ({"target": "nothing"}, SettingsError, "no target 'nothing'"),
        ({"autoencoder": "nothing"}, ModelError, "no autoencoder named 'nothing'"),
        ({"region": "nowhere.nrrd"}, ScanError, "nowhere.nrrd"),
        ({"input": GeneratedInput(effusion_ml=1e9)}, SettingsError, "effusion_ml"),
    ],
)
def test_errors_come_before_the_work(workplace, job, change, error, said):
    events = []
    with pytest.raises(error, match=said):
        run_job(replace(job, **change), events.append)
    assert events == []
    assert not workplace.result.exists()


def test_an_earlier_result_is_replaced_only_if_told(workplace, job):
    quick = replace(job, settings=replace(job.settings, mode="whole", max_evaluations=2))
    run_job(quick)
    before = (workplace.result / "result.json").read_bytes()
    with pytest.raises(OutputError, match="holds an earlier result"):
        run_job(quick)
    assert (workplace.result / "result.json").read_bytes() == before


def test_a_stream_that_cant_be_written_is_said_at_once(workplace, job, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"Cannot write into .*file"):
        run_job(replace(job, stream=str(tmp_path / "file")))


def test_cancel_stops_before_anything_is_read(workplace, job):
    token = CancelToken()
    token.cancel()
    missing = replace(job, input=FileInput("nowhere.nrrd"))
    with pytest.raises(Cancelled):
        run_job(missing, cancel=token)
    assert not workplace.result.exists()
