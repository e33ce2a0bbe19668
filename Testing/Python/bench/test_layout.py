"""The list of a bench's cases, and what is wrong with one, said by line."""

import pytest

from CTCounterfactualLib.bench.layout import read_cases
from CTCounterfactualLib.errors import ScanError

HEADER = "case,scan,clean,mask,finding,ml,place,seed,lungs,other,other_mask\n"
ROW = 'a,a/scan.nrrd,a/clean.nrrd,a/mask.nrrd,nodule,2.5,"right, upper",7,,,\n'


def write(folder, text):
    (folder / "cases.csv").write_text(text, encoding="utf-8")
    return folder


def test_a_row_becomes_a_case(tmp_path):
    (case,) = read_cases(write(tmp_path, HEADER + ROW))
    assert (case.case, case.finding, case.ml, case.seed) == ("a", "nodule", 2.5, 7)
    assert case.place == "right, upper"
    assert case.scan == tmp_path / "a" / "scan.nrrd"
    assert case.lungs is None and case.other == "" and case.other_mask is None


def test_columns_may_stand_in_another_order_beside_others(tmp_path):
    text = "note," + HEADER + "x," + ROW
    assert read_cases(write(tmp_path, text))[0].case == "a"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (HEADER, "lists no case"),
        (HEADER.replace("clean,", "") + ROW, "no column clean"),
        (HEADER + ROW.replace("2.5", "much"), "line 2: ml is 'much'"),
        (HEADER + ROW.replace("2.5", "nan"), "line 2: ml is 'nan'"),
        (HEADER + ROW + ROW.replace("nodule", ""), "line 3: it names no finding"),
        (HEADER + ROW.replace("a/scan", "../scan"), "line 2: scan is '../scan.nrrd'"),
        (HEADER + ROW.replace("a/mask", "/a/mask"), "line 2: mask is '/a/mask.nrrd'"),
        (HEADER + ROW.replace("a/clean.nrrd", ""), "line 2: clean is ''"),
        (HEADER + ROW.replace("a,", "a/b,", 1), "line 2: the case"),
        (HEADER + ROW + ROW, "the case a more than once"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, text, told):
    with pytest.raises(ScanError, match=told):
        read_cases(write(tmp_path, text))


def test_a_folder_without_a_list_is_no_bench(tmp_path):
    with pytest.raises(ScanError, match="is no bench"):
        read_cases(tmp_path)
