"""Running a job here: input, stream, checks before the work, and the end."""

import json
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import SimpleITK as sitk

import CTCounterfactualLib
from CTCounterfactualLib.counterfactual.result import ChunkHeatmap, Outcome
from CTCounterfactualLib.errors import Cancelled, ModelError, OutputError, ScanError, SettingsError
from CTCounterfactualLib.events import CancelToken
from CTCounterfactualLib.jobs import run
from CTCounterfactualLib.jobs.job import FileInput, GeneratedInput, Job
from CTCounterfactualLib.jobs.run import read_input, run_job
from CTCounterfactualLib.jobs.stream import open_stream
from CTCounterfactualLib.models.own.consent import Consent
from CTCounterfactualLib.outputs.folder import claim_output
from CTCounterfactualLib.outputs.volumes import write_image

NETWORK = """
import sys
from torch import nn

class Net(nn.Module):
    def forward(self, x):
        ENDS
        return x.mean(dim=(1, 2, 3, 4))

def build():
    return Net()
"""
CARD = {
    "schema": 1,
    "kind": "classifier",
    "name": "mine",
    "description": "Mean",
    "licence": "MIT",
    "source": {"type": "python", "file": "net.py"},
    "output": {"kind": "score"},
    "targets": [{"name": "mean"}],
}


def test_the_result_bears_the_jobs_name_and_region(workplace, job, slab):
    mask = sitk.Cast(slab.image > -3000, sitk.sitkUInt8)
    mask[:, :, 2:] = 0  # ends well below the upper chunk
    sitk.WriteImage(mask, str(workplace.region))
    events = []
    asked = replace(
        job,
        input=replace(job.input, name="Patient 7"),
        region=str(workplace.region),
        region_name="lung bases",
        with_scan=True,
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


def test_what_is_said_of_a_scan_names_it_as_the_user_does(workplace, job, slab):
    """The worker reads a copy that the user never saw; what isn't in HU is refused, or noted."""
    image = slab.image + 1024  # stored values, as without the rescale
    write_image(image, workplace.input)
    unnamed = replace(job, input=FileInput(str(workplace.input)))
    with pytest.raises(ScanError, match=re.escape(str(workplace.input))):
        read_input(unnamed)
    named = replace(job, input=FileInput(str(workplace.input), name="My scan"))
    with pytest.raises(ScanError, match=r"'My scan' doesn't look like a CT scan") as caught:
        read_input(named)
    assert "input.nrrd" not in str(caught.value)
    taken = read_input(replace(named, input=replace(named.input, assume_hu=True)))
    assert taken.name == "My scan" and "assumed-hu" in dict(taken.warnings)
    assert not any("input.nrrd" in text for _, text in taken.warnings)


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


@pytest.mark.parametrize("ends", ["sys.exit(0)", "raise GeneratorExit", "raise BaseException('x')"])
def test_a_model_that_ends_the_program_is_named(workplace, job, tmp_path, ends):
    """Without this the run would end with exit code 0 and no result."""
    (tmp_path / "net.py").write_text(NETWORK.replace("ENDS", ends))
    (tmp_path / "mine.json").write_text(json.dumps(CARD))
    asked = replace(job, classifier=str(tmp_path / "mine.json"))
    consent = Consent(tmp_path / "consent", trust=True)
    with pytest.raises(ModelError, match=r"(?s)mine|ended the computation"):
        run_job(asked, consent=consent)
    assert not workplace.result.exists()
    assert not list(workplace.folder.glob(".ct*"))


@pytest.mark.parametrize("what", ["input", "region", "classifier"])
def test_what_is_read_may_not_lie_in_the_output_that_is_replaced(workplace, job, tmp_path, what):
    result = workplace.result
    result.mkdir()
    moved = result / "scan.nrrd"
    workplace.input.rename(moved)
    record = {
        "schema": 1,
        "disclaimer": "",
        "input": {},
        "prepared": {},
        "classifier": {},
        "target": {},
        "autoencoder": {},
        "settings": {},
        "scores": {},
        "chunks": [],
        "heat_levels": [],
        "flags": [],
        "versions": {},
        "files": ["result.json", "scan.nrrd"],
    }
    (result / "result.json").write_text(json.dumps(record))
    value = FileInput(str(moved)) if what == "input" else str(moved)
    with pytest.raises(OutputError, match=r"scan\.nrrd lies in the output folder"):
        run_job(replace(job, force=True, **{what: value}))
    assert moved.exists()


def test_a_second_run_into_the_same_folder_is_refused_before_it_reads(workplace, job):
    with (
        claim_output(job.output),
        pytest.raises(OutputError, match="is in use by process"),
    ):
        run_job(replace(job, input=FileInput("nowhere.nrrd")))


def test_a_killed_run_is_spoken_of_by_the_next(workplace, job):
    code = (
        "import os, signal, sys; from CTCounterfactualLib.outputs.folder import claim_output\n"
        "with claim_output(sys.argv[1]) as output:\n"
        "    (output.claim.start() / 'half').write_text('')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)"
    )
    library = Path(CTCounterfactualLib.__file__).parents[1]
    subprocess.run([sys.executable, "-c", code, job.output], cwd=library)
    assert len(list(workplace.folder.glob(".ct*"))) == 1
    events = []
    with pytest.raises(ScanError, match="no file or folder"):
        run_job(replace(job, input=FileInput("nowhere.nrrd")), events.append)
    assert [event.step for event in events] == ["recovered"]
    assert "was killed; what it left was removed" in events[0].message
    assert not list(workplace.folder.glob(".ct*"))


@pytest.mark.parametrize("part", ["input", "region"])
def test_names_that_image_readers_cannot_take_are_refused(job, part):
    value = FileInput("a\udcff.nrrd") if part == "input" else "a\udcff.nrrd"
    with pytest.raises(ScanError, match="not text in UTF-8"):
        run_job(replace(job, **{part: value}))


def test_what_was_streamed_goes_if_the_run_fails(tmp_path):
    with pytest.raises(KeyError), open_stream(str(tmp_path / "a" / "stream"), None) as stream:
        image = sitk.Image(2, 2, 2, sitk.sitkUInt8)
        outcome = Outcome(0, 2, (0.0, 6.0), 0.0, 1.0, 1.0, "no", 0.0, ())
        stream.on_chunk(outcome, ChunkHeatmap(0, 2, image))
        assert [path.name for path in (tmp_path / "a" / "stream").iterdir()] == [
            "chunk_000-002.nrrd"
        ]
        raise KeyError
    assert list(tmp_path.iterdir()) == []
