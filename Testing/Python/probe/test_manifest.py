"""The list of scans and labels: what it means, and every slip by its line."""

import pytest

from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.probe.manifest import read_manifest


@pytest.fixture
def write(tmp_path):
    for name in ("a.nii", "b.nii", "c.nii"):
        (tmp_path / name).touch()

    def listed(text):
        (tmp_path / "list.csv").write_text(text, encoding="utf-8")
        return tmp_path / "list.csv"

    return listed


def test_a_list_is_read_as_it_stands(write, tmp_path):
    found = read_manifest(write("\ufeffscan, patient ,fluid,mass\na.nii,p,1,0\nb.nii,p,0,\n"))
    assert found.scans == (tmp_path / "a.nii", tmp_path / "b.nii")
    assert found.patients == ("p", "p")
    assert found.labels == {"fluid": (True, False), "mass": (False, None)}


def test_without_patients_each_scan_is_its_own(write):
    assert read_manifest(write("scan,x\na.nii,1\nb.nii,0\n")).patients == ("a.nii", "b.nii")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "has the columns none"),
        ("scan,patient\na.nii,p\n", "one for each label"),
        ("file,x\na.nii,1\n", "has the columns file, x"),
        ("scan,x,x\na.nii,1,1\n", "all of different names"),
        ("scan,x\n", "no line below its header"),
        ("scan,x\nno.nii,1\n", r"line 2: there is no scan 'no\.nii'"),
        ("scan,x\na.nii,1\na.nii,0\n", r"line 3: a\.nii is listed twice"),
        ("scan,x\na.nii,yes\n", "line 2: x is 'yes'; expected 1, 0 or nothing"),
        ("scan,x\na.nii,1,0\n", "as many values as there are columns"),
        ("scan,patient,x\na.nii,,1\n", "line 2: it names no patient"),
    ],
)
def test_a_slip_is_told_with_its_line(write, text, message):
    with pytest.raises(SettingsError, match=message):
        read_manifest(write(text))


def test_a_list_that_is_not_there(tmp_path):
    with pytest.raises(SettingsError, match="can't be read"):
        read_manifest(tmp_path / "no.csv")
