"""Series to read, made in the test's folder, and how a refusal is looked at."""

from __future__ import annotations

import pytest

from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.scans.read import read_scan
from dicom_trees import write_slices


@pytest.fixture
def series(tmp_path):
    """Return a function that writes slices to a folder, each changed by `edit(k, dataset)`."""

    def make(edit=None, folder=tmp_path / "series", **options):
        return write_slices(folder, edit, **options)

    return make


@pytest.fixture
def refusal():
    """Return a function that gives the message with which a path is refused; it is one line."""

    def refused(path, **options):
        with pytest.raises(ScanError) as caught:
            read_scan(path, **options)
        message = str(caught.value)
        assert "\n" not in message
        assert message.endswith(".")
        return message

    return refused


@pytest.fixture
def names():
    """Return a function that gives the names of a scan's warnings."""
    return lambda scan: [name for name, _ in scan.warnings]
