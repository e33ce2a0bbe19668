"""Readings of single slices: who is left out of training, and tables that aren't of the file."""

from __future__ import annotations

import numpy as np
import pytest

from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.models.classifiers.findings_network import FINDINGS
from CTCounterfactualLib.training.findings.readings import free_slices, read_readings
from CTCounterfactualLib.training.slice_file import SliceFile

PATIENTS = [0, 1, 1, 2, 3, 3, 5]


@pytest.fixture
def slices() -> SliceFile:
    count = len(PATIENTS)
    return SliceFile(
        "some", np.zeros((count, 4, 4), np.int16), np.ones((count, 2)), np.array(PATIENTS)
    )


def table(tmp_path, found: dict[int, str], count: int = len(PATIENTS), first: int = 0):
    rows = [",".join(("slice", *FINDINGS))]
    for number in range(first, first + count):
        rows.append(",".join([str(number), found.get(number, "no"), "no", "no", "no"]))
    path = tmp_path / "readings.csv"
    path.write_text("\n".join(rows) + "\n")
    return path


def test_patients_with_a_finding_and_held_out_ones_are_left_out(tmp_path, slices):
    """Patient 1 has an effusion in one of two slices, 3 perhaps; 0 and 5 are multiples of 5."""
    readings = read_readings(table(tmp_path, {2: "yes", 4: "unsure"}), slices)
    assert free_slices(slices, readings, 5) == [3]
    assert free_slices(slices, readings, None) == [0, 3, 6]


@pytest.mark.parametrize("wrong", [{"count": 6}, {"first": 1}])
def test_a_table_of_other_slices_is_refused(tmp_path, slices, wrong):
    with pytest.raises(SettingsError, match="a row for each of its 7 slices is expected"):
        read_readings(table(tmp_path, {}, **wrong), slices)


def test_another_word_is_refused(tmp_path, slices):
    with pytest.raises(SettingsError, match="slice 2: effusion = 'maybe', expected no, yes or"):
        read_readings(table(tmp_path, {2: "maybe"}), slices)


def test_a_missing_table_is_said(tmp_path, slices):
    with pytest.raises(SettingsError, match="Cannot read the readings"):
        read_readings(tmp_path / "none.csv", slices)
