"""Which DICOM files a volume of the scene came from."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

slicer = pytest.importorskip("slicer")

from CTCounterfactualLib.errors import OutputError  # noqa: E402
from CTCounterfactualSlicer.dicom import INSTANCES, dicom_files  # noqa: E402


def volume(uids):
    return SimpleNamespace(
        GetAttribute=lambda name: uids if name == INSTANCES else None, GetName=lambda: "CHEST"
    )


@pytest.fixture
def database(tmp_path, monkeypatch):
    """A database that knows the images 1 and 2, both in one multi-frame file, and 3."""
    for name in ("a.dcm", "b.dcm"):
        (tmp_path / name).write_text("x")
    known = {"1": "a.dcm", "2": "a.dcm", "3": "b.dcm"}
    made = SimpleNamespace(
        fileForInstance=lambda uid: str(tmp_path / known[uid]) if uid in known else ""
    )
    monkeypatch.setattr(slicer, "dicomDatabase", made, raising=False)
    return tmp_path


def test_each_file_is_named_once(database):
    assert dicom_files(volume("3 1 2")) == [database / "b.dcm", database / "a.dcm"]


def test_a_volume_of_another_origin_has_none():
    assert dicom_files(volume(None)) is None
    assert dicom_files(None) is None


def test_images_that_have_gone_are_counted_and_what_to_do_said(database, monkeypatch):
    (database / "b.dcm").unlink()
    with pytest.raises(OutputError, match=r"'CHEST' .* 2 of its 3 images .* Import the series"):
        dicom_files(volume("1 3 9"))
    monkeypatch.setattr(slicer, "dicomDatabase", None)
    with pytest.raises(OutputError, match="1 of its 1 images"):
        dicom_files(volume("1"))
