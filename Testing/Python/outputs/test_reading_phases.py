"""A result of one phase of a series finds that phase again, by what its record says."""

import json
from dataclasses import replace

import numpy as np
import pytest

from CTCounterfactualLib.errors import OutputError
from CTCounterfactualLib.outputs.folder import write_result
from CTCounterfactualLib.outputs.reading import read_result
from CTCounterfactualLib.scans.read import read_scan
from dicom_trees import SERIES_UID, at, body_hu, write_slices

HU = body_hu()


@pytest.fixture
def phases(tmp_path):
    """A folder with two phases of one series; the second has 7 HU more."""

    def second(k, dataset):
        dataset.InstanceNumber = 101 + k
        dataset.ImagePositionPatient = at(k)
        dataset.AcquisitionNumber = 2

    write_slices(tmp_path / "series")
    return write_slices(tmp_path / "series", second, prefix="b", hu=HU + 7)


def result_of(explanation, scan, folder):
    """Write a result in which nothing of the scan changed."""
    difference = np.zeros(scan.array.shape, np.int16)
    return write_result(
        replace(
            explanation,
            scan=scan,
            counterfactual=scan.array.copy(),
            difference=difference,
            heatmap=difference.astype(np.uint8),
            chunks=(),
            chunk_heatmaps=(),
            frames=(),
            lungs=None,
        ),
        folder,
        scene=False,
    )


@pytest.mark.parametrize(("number", "added"), [(1, 0), (2, 7)])
def test_the_phase_is_found_again(explanation, phases, tmp_path, number, added):
    scan = read_scan(phases, series=f"1.{number}")
    out = result_of(explanation, scan, tmp_path / "result")
    told = json.loads((out / "result.json").read_text())["input"]
    assert (told["path"], told["series"]) == (str(phases), f"{SERIES_UID}.{number}")
    back = read_result(out).scan
    assert np.array_equal(back.array, HU + added)
    assert (back.series, back.sha256) == (scan.series, scan.sha256)


def test_another_phase_in_its_place_is_told(explanation, phases, tmp_path):
    out = result_of(explanation, read_scan(phases, series="1.2"), tmp_path / "result")
    for file in phases.glob("b*"):
        file.unlink()
    with pytest.raises(OutputError, match="its voxels differ"):
        read_result(out)
