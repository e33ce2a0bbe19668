"""Series of a patient who never was, and an export of its result that tests only read."""

from __future__ import annotations

from pathlib import Path

import pytest

from CTCounterfactualLib.scans.read import read_scan
from dicom_trees import write_slices
from explained_by_hand import explanation_of, with_patient


@pytest.fixture
def patient(tmp_path) -> Path:
    """A folder with the series of one patient."""
    return write_slices(tmp_path / "patient", with_patient)


@pytest.fixture(scope="session")
def exported(tmp_path_factory):
    """(folder of the series, result, folder of its export), made once."""
    pytest.importorskip("highdicom")
    from CTCounterfactualLib.outputs.dicom.export import export_dicom

    root = tmp_path_factory.mktemp("exported")
    series = write_slices(root / "patient", with_patient)
    result = explanation_of(read_scan(series))
    return series, result, export_dicom(result, root / "deep" / "out")
