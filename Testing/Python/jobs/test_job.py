"""The job file: round trip, paths, and words for all that is wrong with one."""

import json
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from CTCounterfactualLib.counterfactual.settings import MODES, ExplainSettings
from CTCounterfactualLib.errors import OutputError, SettingsError
from CTCounterfactualLib.jobs.job import FileInput, GeneratedInput, Job

TEXT = st.text(st.characters(codec="utf-8"), max_size=20)
JOBS = st.builds(
    Job,
    input=st.one_of(
        st.builds(FileInput, path=TEXT, series=st.none() | TEXT, name=TEXT),
        st.builds(GeneratedInput, seed=st.integers(0, 2**31), effusion_ml=st.floats(0.0, 2000.0)),
    ),
    output=TEXT,
    target=st.none() | TEXT,
    region=st.none() | TEXT,
    region_name=TEXT,
    force=st.booleans(),
    scene=st.sampled_from([True, False, None]),
    report=st.booleans(),
    settings=st.builds(
        ExplainSettings,
        mode=st.sampled_from(MODES),
        chunk=st.integers(1, 99),
        max_change=st.floats(0.001, 1.0),
        goal=st.sampled_from([None, "flip", "limit"]) | st.floats(-9.0, 9.0),
        change_scope=st.sampled_from([None, "region", "volume"]),
    ),
)


@given(JOBS)
def test_a_job_survives_json(job):
    assert Job.from_dict(json.loads(json.dumps(job.to_dict(), allow_nan=False))) == job


def test_every_field_is_in_the_file():
    values = Job(FileInput("a.nrrd"), "out").to_dict()
    assert set(values) == {"schema"} | {field.name for field in fields(Job)}
    assert tuple(values["settings"]) == ExplainSettings.names()


def test_a_file_may_say_only_what_is_needed():
    job = Job.from_dict(
        {"schema": 1, "input": {"path": "a.nrrd"}, "output": "out", "settings": {"chunk": 5}}
    )
    assert job == Job(FileInput("a.nrrd"), "out", settings=ExplainSettings(chunk=5))
    made = Job.from_dict({"schema": 1, "input": {"generated": {"seed": 3}}, "output": "out"})
    assert made.input == GeneratedInput(seed=3, effusion_ml=0.0)


def test_paths_are_relative_to_the_job_file(tmp_path, monkeypatch):
    folder, elsewhere = tmp_path / "jobs", tmp_path / "elsewhere"
    folder.mkdir()
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    job = Job(
        FileInput(str(folder / "in" / "a.nrrd")),
        str(folder / "out"),
        autoencoder="mine.json",
        region="mask.nrrd",
        stream=str(folder / "s"),
    )
    path = job.write(folder / "job.json")
    values = json.loads(path.read_text())
    assert values["input"]["path"] == "in/a.nrrd"
    assert values["output"] == "out"
    assert values["region"] == str(elsewhere / "mask.nrrd")  # it was given relative to here
    assert values["autoencoder"] == str(elsewhere / "mine.json")
    assert values["classifier"] == "lung-volume"  # a name, no path
    folder.rename(tmp_path / "moved")
    monkeypatch.chdir(tmp_path)
    read = Job.read("moved/job.json")
    assert read.input.path == str(tmp_path / "moved" / "in" / "a.nrrd")
    assert read.output == str(tmp_path / "moved" / "out")
    assert read.region == str(elsewhere / "mask.nrrd")


GOOD = {"schema": 1, "input": {"path": "a.nrrd"}, "output": "out"}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"ouput": "x"}, "no field 'ouput'. Did you mean 'output'"),
        ({"zzzzzz": 1}, "no field 'zzzzzz'. Choose one of: autoencoder, classifier"),
        ({"force": "yes"}, "force is 'yes'; it must be true or false."),
        ({"force": None}, "force is None; it must be true or false."),
        ({"scene": 1}, "scene is 1; it must be true or false or null."),
        ({"target": 3}, "target is 3; it must be text in quotes or null."),
        ({"output": None}, "output is None; it must be text in quotes."),
        ({"input": "a.nrrd"}, "input is 'a.nrrd'; an object in braces is expected."),
        ({"input": {}}, "input: the key 'path' is missing."),
        ({"input": {"path": "a", "serie": "1"}}, "input has no field 'serie'. Did you mean"),
        ({"input": {"generated": {}, "path": "a"}}, "beside 'generated' nothing else"),
        ({"input": {"generated": {"seed": 1.5}}}, "seed is 1.5; it must be a whole number."),
        ({"settings": {"chunks": 5}}, "settings has no field 'chunks'. Did you mean 'chunk'"),
        ({"settings": {"chunk": True}}, "chunk is True; it must be a whole number."),
        ({"settings": {"max_change": "5 %"}}, "max_change is '5 %'; it must be a number."),
        ({"settings": {"level_edges": [1, "x"]}}, "it must be a list of numbers."),
        ({"settings": {"mode": "all"}}, "Setting mode is 'all'; choose one of whole"),
        ({"schema": 2}, 'it has no "schema": 1'),
    ],
)
def test_what_is_wrong_is_said(change, said, tmp_path):
    path = tmp_path / "job.json"
    path.write_text(json.dumps(GOOD | change))
    with pytest.raises(SettingsError) as error:
        Job.read(path)
    assert said in str(error.value)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("name", ["input", "output"])
def test_what_is_missing_is_said(name):
    values = {key: value for key, value in GOOD.items() if key != name}
    with pytest.raises(SettingsError, match=f"the key '{name}' is missing"):
        Job.from_dict(values)


def test_files_that_are_no_job(tmp_path):
    with pytest.raises(SettingsError, match=r"Cannot read the job file .*none.json: No such file"):
        Job.read(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text('{"schema": 1,')
    with pytest.raises(SettingsError, match="is no valid JSON"):
        Job.read(tmp_path / "bad.json")
    (tmp_path / "list.json").write_text("[1]")
    with pytest.raises(SettingsError, match="an object in braces is expected"):
        Job.read(tmp_path / "list.json")
    with pytest.raises(OutputError, match=r"Cannot write .*job.json: No such file"):
        Job(FileInput("a"), "b").write(tmp_path / "no" / "job.json")


def test_a_job_file_replaces_no_other_file_unless_told(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    job = Job(FileInput("a"), "b")
    with pytest.raises(OutputError, match=r"thesis.txt exists already"):
        job.write(tmp_path / "thesis.txt")
    with pytest.raises(OutputError, match=r"thesis.txt exists and is no job file"):
        job.write(tmp_path / "thesis.txt", overwrite=True)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    job.write(tmp_path / "job.json")
    with pytest.raises(OutputError, match=r"job.json exists already"):
        job.write(tmp_path / "job.json")
    Job(FileInput("c"), "b").write(tmp_path / "job.json", overwrite=True)
    assert Job.read(tmp_path / "job.json").input.path.endswith("c")


@pytest.mark.parametrize("suffix", [".json", ".toml", ".TOML"])
def test_cards_lie_relative_to_the_job_file(tmp_path, suffix):
    folder = tmp_path / "study"
    folder.mkdir()
    values = {
        "schema": 1,
        "input": {"path": "scan.nrrd"},
        "output": "out",
        "classifier": f"models/mine{suffix}",
        "autoencoder": f"../vqgan{suffix}",
    }
    (folder / "job.json").write_text(json.dumps(values))
    job = Job.read(folder / "job.json")
    assert job.classifier == str(folder / "models" / f"mine{suffix}")
    assert job.autoencoder == str(tmp_path / f"vqgan{suffix}")
    job.write(folder / "again.json")
    written = json.loads((folder / "again.json").read_text())
    assert written["classifier"] == f"models/mine{suffix}"
    assert Job.read(folder / "again.json") == job
