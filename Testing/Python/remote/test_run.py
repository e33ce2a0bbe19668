"""A job on another computer, over a real ssh server: the same result, and nothing left there."""

import json
import os
import stat
from dataclasses import replace

import pytest
import SimpleITK as sitk

from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.jobs.job import FileInput, Job
from CTCounterfactualLib.jobs.run import run_job
from CTCounterfactualLib.remote.run import run_on
from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest
from CTCounterfactualLib.scans.scan import Scan

# What may differ between two runs of one job.
OF_THE_RUN = ("timing", "peak_memory_mb", "host", "versions")


@pytest.fixture
def job(tmp_path):
    """A slab, oblique by a hair so that its geometry has digits to lose, with a region."""
    chest = generate_chest(ChestSettings(spacing=(3.0, 3.0, 6.0), size=(120, 92, 8), seed=5))
    scan = Scan.from_array(chest.hu, (3.0000001, 2.9999999, 6.1), chest.origin).image
    scan.SetDirection([0.99995, 0.009999833, 0, -0.009999833, 0.99995, 0, 0, 0, 1])
    sitk.WriteImage(scan, str(tmp_path / "patient 7.nii.gz"))
    mask = sitk.Cast(scan > -3000, sitk.sitkUInt8)
    mask[:, :, 4:] = 0
    sitk.WriteImage(mask, str(tmp_path / "lower half.mha"))
    return Job(
        FileInput(str(tmp_path / "patient 7.nii.gz")),
        str(tmp_path / "local"),
        scene=False,
        with_scan=True,
        region=str(tmp_path / "lower half.mha"),
        settings=ExplainSettings(mode="chunks", chunk=8, max_evaluations=3, frames=0),
    )


def test_the_result_is_that_of_this_computer_to_the_bit(job, host, there, tmp_path):
    events, seen = [], []

    def watch(event):
        events.append(event)
        if event.step == "prepared":
            (root,) = there.iterdir()
            seen.extend([root, *root.iterdir()])
            seen[:] = [stat.S_IMODE(os.stat(path).st_mode) for path in seen]

    far = replace(job, output=str(tmp_path / "far"), stream=str(tmp_path / "stream"))
    out = run_on(far, host, watch)
    here = run_job(job)
    names = sorted(path.relative_to(here) for path in here.rglob("*") if path.is_file())
    assert names == sorted(path.relative_to(out) for path in out.rglob("*") if path.is_file())
    for name in names:
        if name.name != "result.json":
            assert (here / name).read_bytes() == (out / name).read_bytes(), name
    records = [json.loads((folder / "result.json").read_text()) for folder in (here, out)]
    assert records[1]["host"] == "lab"
    for record in records:
        for key in OF_THE_RUN:
            record.pop(key, None)
    assert records[0] == records[1]
    assert records[1]["input"]["path"] == job.input.path
    assert records[1]["region"] == "lower half"
    steps = [event.step for event in events]
    assert steps[:3] == ["packing", "connecting", "connected"]
    assert steps[-1] == "written" and events[-1].data["output"] == str(out)
    assert events[-1].data["scores"] == records[1]["scores"]
    fractions = [event.fraction for event in events]
    assert fractions == sorted(fractions)
    chunks = [event for event in events if event.step == "chunk"]
    streamed = [os.path.relpath(chunk.data["heatmap"], tmp_path / "stream") for chunk in chunks[:1]]
    assert (tmp_path / "stream" / streamed[0]).read_bytes() == (
        out / "heatmaps" / streamed[0]
    ).read_bytes()
    assert seen == [0o700, 0o700]  # nobody else there may look
    assert list(there.iterdir()) == []
