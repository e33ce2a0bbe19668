"""The list of a cohort's cases: what is read, and that every fault is said by its row."""

import math

import pyarrow
import pyarrow.parquet as parquet
import pytest

from CTCounterfactualLib.cohort.manifest import MOST_LISTED, read_manifest
from CTCounterfactualLib.errors import SettingsError


@pytest.fixture
def write(tmp_path):
    """Return a function: text -> path of a manifest beside scans `one` to `three`."""
    for name in ("one.nrrd", "two.nii.gz", "three"):
        (tmp_path / name).touch()

    def do(text: str) -> str:
        path = tmp_path / "manifest.csv"
        path.write_text(text, encoding="utf-8")
        return str(path)

    return do


def faults_of(path: str) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        read_manifest(path)
    assert "\n" not in str(caught.value)
    return caught.value.data["faults"]


def test_rows_become_cases_with_ids_groups_and_absolute_paths(write, tmp_path):
    path = write(
        "path,label,series,group,mask,id\n"
        "one.nrrd,1,,p1,two.nii.gz,first\n"
        "./two.nii.gz,0,,,,\n"
        "three,350 mL,2,p1,,\n"
    )
    one, two, three = read_manifest(path)
    assert (one.id, one.group, one.label, one.positive) == ("first", "p1", 1.0, True)
    assert (one.path, one.mask) == (str(tmp_path / "one.nrrd"), str(tmp_path / "two.nii.gz"))
    assert (two.id, two.group, two.positive, two.mask) == ("two", "two", False, "")
    assert (three.id, three.series, three.label) == ("three-2", "2", 350.0)


def test_all_faults_are_said_at_once_each_with_its_row(write):
    path = write(
        "path,label,id,mask\n"
        "one.nrrd,1,a,\n"
        "gone.nrrd,1,b,\n"
        "two.nii.gz,maybe,c,lost.nrrd\n"
        "two.nii.gz,0,A,\n"
        ",1,d,\n"
        "one.nrrd,1,e/f,\n"
        "one.nrrd,1,g,,surplus\n"
    )
    assert faults_of(path) == [
        "row 3: path 'gone.nrrd' isn't there",
        "row 4: label is 'maybe', and 1, 0 or a number is expected",
        "row 4: mask 'lost.nrrd' isn't there",
        "row 5: id 'A' is that of row 2 too",
        "row 6: it has no path",
        "row 7: id is 'e/f'; give letters, digits, '-', '_' and '.', and no folder",
        "row 8: it has more values than there are columns",
    ]


def test_labels_of_unlike_units_are_refused(write):
    path = write("path,label\none.nrrd,350 mL\ntwo.nii.gz,0\nthree,0.4 L\n")
    assert faults_of(path) == ["row 4: label is in L, that of row 2 in mL"]


def test_a_long_list_of_faults_is_cut_in_the_message_only(write):
    path = write("path,label\n" + "".join(f"no{n}.nrrd,1\n" for n in range(MOST_LISTED + 5)))
    with pytest.raises(SettingsError, match="and 5 more"):
        read_manifest(path)
    assert len(faults_of(path)) == MOST_LISTED + 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("path,label\n", "no row below its header"),
        ("file,label\none.nrrd,1\n", "lacks 'path' and has unknown 'file'"),
        ("path,label,label\none.nrrd,1,0\n", "has twice 'label'"),
        ('path,label\n"one.nrrd,1\n', "no table of values"),
    ],
)
def test_what_is_no_manifest_is_said(write, text, said):
    with pytest.raises(SettingsError, match=said):
        read_manifest(write(text))


def test_parquet_is_read_as_csv_is(write, tmp_path):
    text = "path,label,group\none.nrrd,1,7\ntwo.nii.gz,0,\n"
    expected = read_manifest(write(text))
    # As other programs write it: numbers, where CSV has text, and NaN where there is none.
    columns = {"path": ["one.nrrd", "two.nii.gz"], "label": [1.0, 0.0], "group": [7.0, math.nan]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "m.parquet")
    assert read_manifest(str(tmp_path / "m.parquet")) == expected
    (tmp_path / "m.parquet").write_bytes(b"path,label\n")
    with pytest.raises(SettingsError, match="no Parquet file"):
        read_manifest(str(tmp_path / "m.parquet"))


def test_a_manifest_in_a_store_names_scans_beside_it():
    import fsspec

    text = "path,label\na/ct.nrrd,1\ns3://other/b.nrrd,0\n"
    fsspec.filesystem("memory").pipe("/cohort-manifest/m.csv", text.encode())
    one, two = read_manifest("memory://cohort-manifest/m.csv")
    assert one.path == "memory://cohort-manifest/a/ct.nrrd" and one.id == "a-ct"
    assert two.path == "s3://other/b.nrrd" and two.id == "other-b"
    with pytest.raises(SettingsError, match="can't be read"):
        read_manifest("memory://cohort-manifest/none.csv")
    with pytest.raises(SettingsError, match="no way to open"):
        read_manifest("nothing://x/m.csv")
