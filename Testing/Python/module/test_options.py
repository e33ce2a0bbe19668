"""The console's keywords become settings and a job file."""

from pathlib import Path

import pytest

from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.jobs.job import FileInput, Job
from CTCounterfactualLib.wording import keyword_of
from CTCounterfactualSlicer import options
from CTCounterfactualSlicer.options import KEYWORDS, SETTING_KEYWORDS, Options


def test_without_keywords_all_is_the_engines_default():
    made = Options.from_keywords()
    job = Job(FileInput("scan.nrrd"), "out")
    assert made.settings == ExplainSettings()
    assert (made.classifier, made.autoencoder, made.target) == (
        job.classifier,
        job.autoencoder,
        job.target,
    )


@pytest.mark.parametrize(
    ("name", "keyword"),
    [
        ("chunk", "chunkSize"),
        ("max_change", "maxChange"),
        ("target_score", "targetScore"),
        ("level_edges", "levelEdges"),
        ("slice_smoothing", "sliceSmoothing"),
        ("mode", "mode"),
        ("max_evaluations", "maxEvaluations"),
        ("change_scope", "changeScope"),
        ("frames", "frames"),
    ],
)
def test_names_of_keywords(name, keyword):
    assert keyword_of(name) == keyword


def test_every_setting_has_a_keyword():
    assert set(SETTING_KEYWORDS.values()) == set(ExplainSettings.names())
    assert len(KEYWORDS) == len(set(KEYWORDS))


def test_keywords_reach_settings_and_job(tmp_path):
    made = Options.from_keywords(
        classifier="lung-volume",
        target="aerated lung volume",
        chunkSize=20,
        maxChange=0.1,
        levelEdges=(5, 50),
        seed=3,
        assumeHu=True,
        report=True,
        outputs="keep",
    )
    assert made.settings == ExplainSettings(chunk=20, max_change=0.1, level_edges=(5, 50), seed=3)
    job = made.to_job(
        tmp_path / "input.nrrd", "CHEST", tmp_path / "result", None, tmp_path / "stream"
    )
    job.write(tmp_path / "job.json")
    back = Job.read(tmp_path / "job.json")
    assert back == job
    assert back.input == FileInput(str(tmp_path / "input.nrrd"), assume_hu=True, name="CHEST")
    assert (back.target, back.report, back.settings.chunk) == ("aerated lung volume", True, 20)
    assert Path(back.stream) == tmp_path / "stream"
    assert back.scene is False  # Slicer has the scene itself


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("chunk", "chunkSize"),
        ("chunksize", "chunkSize"),
        ("max_change", "maxChange"),
        ("classifer", "classifier"),
        ("assume_hu", "assumeHu"),
        ("levels", "levelEdges"),
    ],
)
def test_an_unknown_keyword_is_refused_with_the_nearest(wrong, meant):
    with pytest.raises(SettingsError, match=f"no option '{wrong}'.*Did you mean '{meant}'"):
        Options.from_keywords(**{wrong: 1})


def test_an_unknown_keyword_that_resembles_none_lists_them():
    with pytest.raises(SettingsError, match="Choose one of: assumeHu, autoencoder, "):
        Options.from_keywords(zzz=1)


def test_values_are_checked():
    with pytest.raises(SettingsError, match="chunk is 0"):
        Options.from_keywords(chunkSize=0)
    with pytest.raises(SettingsError, match="outputs is 'append'"):
        Options.from_keywords(outputs="append")


@pytest.mark.parametrize(
    "region", ["Segment_1", (None, "Segment_1"), (object(), 1), (object(), "")]
)
def test_a_region_is_a_node_and_a_segment(region):
    with pytest.raises(SettingsError, match=r"give a pair \(segmentationNode, segmentId\)"):
        Options.from_keywords(region=region)


def test_default_names_are_in_the_catalogue():
    from CTCounterfactualLib.models.entry import list_models

    names = {entry.name for entry in list_models()}
    assert {options.DEFAULT_CLASSIFIER, options.DEFAULT_AUTOENCODER} <= names


def test_a_method_and_its_options_reach_the_job(tmp_path):
    made = Options.from_keywords(method="responsibility", methodOptions={"iterations": 3})
    job = made.to_job(tmp_path / "in.nrrd", "CHEST", tmp_path / "out", None, tmp_path / "stream")
    assert (job.method, job.method_options) == ("responsibility", {"iterations": 3})


@pytest.mark.parametrize(
    ("keywords", "told"),
    [
        ({"method": "responsability"}, "Did you mean 'responsibility'"),
        ({"method": "responsibility", "methodOptions": {"depht": 2}}, "no field 'depht'"),
        ({"method": "responsibility", "methodOptions": {"depth": 0}}, "must be 1 or more"),
        ({"methodOptions": {"depth": 2}}, "latent-shift has no field 'depth'"),
        ({"segments": object()}, "latent-shift takes no segments"),
    ],
)
def test_a_method_or_option_that_there_isnt_is_refused(keywords, told):
    with pytest.raises(SettingsError, match=told):
        Options.from_keywords(**keywords)
