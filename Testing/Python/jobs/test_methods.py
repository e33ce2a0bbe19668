"""Jobs by another method than Latent Shift."""

import json
from dataclasses import replace

import numpy as np
import pytest

from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.events import WORKING, CancelToken
from CTCounterfactualLib.jobs.job import Job
from CTCounterfactualLib.jobs.run import read_input, run_job
from CTCounterfactualLib.outputs.attribution_reading import read_attribution

OPTIONS = {"occlusion": "air", "iterations": 2, "least_ml": 100.0}


@pytest.fixture
def asked(job):
    return replace(job, method="responsibility", method_options=OPTIONS, stream=None)


def test_a_map_is_written_where_a_counterfactual_would_be(asked, workplace):
    events = []
    run_job(asked, events.append)
    record = json.loads((workplace.result / "result.json").read_text())
    assert record["method"]["name"] == "responsibility"
    assert record["method"]["options"]["iterations"] == 2
    assert record["classifier"]["name"] == "lung-volume" and record["scores"]["original"] > 0
    kinds = [part["kind"] for part in record["facts"]["explanations"]]
    assert kinds == ["sufficient", "necessary", "complete"]
    steps = [event.step for event in events if event.step != WORKING]
    assert steps == ["read", "prepared", "searched", "searched", "extracted", "written"]
    assert "needs scores only" in events[0].message
    assert [e.fraction for e in events] == sorted(e.fraction for e in events)


@pytest.mark.parametrize(
    ("method", "options"),
    [
        ("input-gradient", {}),
        ("smoothgrad", {"samples": 2}),
        ("integrated-gradients", {"steps": 4}),
        ("guided-backprop", {}),
        ("grad-cam", {"keep_negative": True}),
        ("hirescam", {"keep_negative": True}),
        ("occlusion", {"window_mm": 150.0, "stride_mm": 150.0}),
    ],
)
def test_saliency_of_the_embedded_classifier(asked, workplace, method, options):
    pytest.importorskip("captum")
    asked = replace(
        asked,
        classifier="effusion-demo",
        target="pleural effusion logit",
        method=method,
        method_options=options,
    )
    found = read_attribution(run_job(asked), read_input(asked))
    assert found.method.name == method and found.method.sign.startswith("positive")
    assert np.isfinite(found.values).all() and found.values.any() and found.heatmap.any()
    names = [flag.name for flag in found.flags]
    assert ("no-relu" in names) == (method == "guided-backprop")  # it has SiLUs


def test_a_cancel_writes_what_is_there(asked, workplace):
    cancel = CancelToken()

    def watch(event):
        if event.step == "searched":
            cancel.cancel()

    run_job(asked, watch, cancel)
    record = json.loads((workplace.result / "result.json").read_text())
    assert record["partial"] is True and record["flags"][-1]["name"] == "stopped-early"


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"region": "mask.nrrd"}, "makes no use of 'region'"),
        ({"method": "nothing"}, "no method 'nothing'"),
        ({"method_options": {"depht": 1}}, "has no field 'depht'"),
        ({"method": "latent-shift"}, "latent-shift has no options of its own"),
    ],
)
def test_what_a_method_makes_no_use_of_is_refused_before_the_work(asked, workplace, change, told):
    with pytest.raises(SettingsError, match=told):
        run_job(replace(asked, **change))
    assert not workplace.result.exists()


def test_a_job_file_keeps_method_and_options(asked, tmp_path):
    path = asked.write(tmp_path / "job.json")
    back = Job.read(path)
    assert (back.method, back.method_options) == ("responsibility", OPTIONS)
    values = json.loads(path.read_text())
    with pytest.raises(SettingsError, match="no method"):
        Job.from_dict({**values, "method": "none"})
    with pytest.raises(SettingsError, match=r"must be 1 or more"):
        Job.from_dict({**values, "method_options": {"iterations": -1}})
    with pytest.raises(SettingsError, match="an object in braces"):
        Job.from_dict({**values, "method_options": [1]})
    del values["method"], values["method_options"]
    assert Job.from_dict(values).method == "latent-shift"


def test_a_map_has_a_report_where_it_is_asked_for(asked, workplace):
    run_job(replace(asked, report=True, scene=False))
    page = (workplace.result / "report.html").read_text(encoding="utf-8")
    assert "kept alone" in page and "<td>sufficient</td>" in page
