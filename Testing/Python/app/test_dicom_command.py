"""The verb `export-dicom`, and `--dicom` of those that explain."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from CTCounterfactualLib.app.cli import main
from CTCounterfactualLib.app.commands import _check_elsewhere
from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.jobs.job import FileInput, Job
from CTCounterfactualLib.jobs.run import read_input
from CTCounterfactualLib.outputs.folder import write_result
from CTCounterfactualLib.outputs.reading import read_result
from CTCounterfactualLib.scans.read import read_scan
from dicom_trees import write_slices
from explained_by_hand import explanation_of, with_patient

pytest.importorskip("highdicom")


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """(folder of the series, result folder with DICOM along)."""
    root = tmp_path_factory.mktemp("dicom-command")
    series = write_slices(root / "patient", with_patient)
    result = explanation_of(read_scan(series))
    return series, write_result(result, root / "result", scene=False, dicom=True)


def test_a_result_with_dicom_lists_the_files_and_reads_back(written):
    _, folder = written
    record = json.loads((folder / "result.json").read_text(encoding="utf-8"))
    assert {"dicom/map.dcm", "dicom/export.json", "dicom/counterfactual/slice_0012.dcm"} <= set(
        record["files"]
    )
    result = read_result(folder)
    changed = read_scan(folder / "dicom" / "counterfactual")
    assert np.array_equal(changed.array, result.counterfactual)


def test_a_finished_result_is_exported_and_a_second_time_refused(written, tmp_path, capsys):
    _, folder = written
    out = tmp_path / "out"
    assert main(["export-dicom", str(folder), "-o", str(out), "--progress", "json"]) == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert events[-1]["step"] == "written" and events[-1]["output"] == str(out)
    fractions = [event["fraction"] for event in events]
    assert fractions == sorted(fractions) and fractions[-1] == 1.0
    assert (out / "measurements.dcm").exists()
    assert main(["export-dicom", str(folder), "-o", str(out)]) == 2
    assert "--force" in capsys.readouterr().err


def test_a_series_that_has_moved_is_found_by_series(written, tmp_path, capsys):
    series, folder = written
    moved = shutil.copytree(series, tmp_path / "moved")
    kept = tmp_path / "result"
    shutil.copytree(folder, kept)
    record = json.loads((kept / "result.json").read_text(encoding="utf-8"))
    record["input"]["path"] = str(tmp_path / "gone")
    (kept / "result.json").write_text(json.dumps(record), encoding="utf-8")
    assert main(["export-dicom", str(kept), "-o", str(tmp_path / "out")]) == 2
    assert "gone" in capsys.readouterr().err
    assert (
        main(["export-dicom", str(kept), "-o", str(tmp_path / "out"), "--series", str(moved)]) == 0
    )
    assert (tmp_path / "out" / "counterfactual" / "slice_0001.dcm").exists()


def test_dicom_is_refused_where_it_cant_be_right():
    with pytest.raises(SettingsError, match="aren't sent to another computer"):
        _check_elsewhere(Job(FileInput("scan"), "out", dicom=True))
    with pytest.raises(SettingsError, match="made of CT in HU only, and classifier lung-volume"):
        read_input(Job(FileInput("scan"), "out", dicom=True), modality="MR")
