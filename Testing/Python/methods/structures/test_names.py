"""Names of labels: tables beside the map, a NIfTI header's extension, Slicer's segmentations."""

from __future__ import annotations

import gzip
import json
import struct

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.methods.structures.names import (
    names_in_nifti,
    names_of_labels,
    read_names,
    segments_in_header,
)
from CTCounterfactualLib.methods.structures.totalsegmentator import TOTAL

EXTENSION = (
    b'<?xml version="1.0"?><CaretExtension><VolumeInformation><LabelTable>\n'
    b'<Label Key="5" Red="0" Green="1" Blue="0" Alpha="1"><![CDATA[liver]]></Label>\n'
    b'<Label Key="13" Red="0" Green="1" Blue="0" Alpha="1"><![CDATA[middle lobe]]></Label>\n'
    b"</LabelTable></VolumeInformation></CaretExtension>"
)


def write_nifti(path, extension=b""):
    """Write a NIfTI whose header is followed by an extension, as nibabel lays it out."""
    plain = path.with_name("plain.nii")
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((3, 4, 5), np.uint8)), str(plain))
    content = plain.read_bytes()
    if extension:
        size = -(-(8 + len(extension)) // 16) * 16
        block = struct.pack("<2i", size, 0) + extension.ljust(size - 8, b"\0")
        head = bytearray(content[:348] + b"\1\0\0\0")
        struct.pack_into("<f", head, 108, 352 + size)
        content = bytes(head) + block + content[352:]
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    plain.unlink()


@pytest.mark.parametrize("name", ["seg.nii", "seg.nii.gz"])
def test_a_nifti_header_s_label_table_is_read(tmp_path, name):
    write_nifti(tmp_path / name, EXTENSION)
    assert names_of_labels(tmp_path / name) == {5: "liver", 13: "middle lobe"}
    assert sitk.ReadImage(str(tmp_path / name)).GetSize() == (5, 4, 3)  # still an image


def test_a_nifti_without_an_extension_names_nothing(tmp_path):
    write_nifti(tmp_path / "seg.nii.gz")
    assert names_of_labels(tmp_path / "seg.nii.gz") == {}
    (tmp_path / "short.nii").write_bytes(b"\x5c\x01")
    assert names_in_nifti(tmp_path / "short.nii") == {}


def test_the_published_class_map_agrees_with_what_the_program_writes(shared_ct):
    assert names_in_nifti(shared_ct("abdomen_ts_small_seg.nii.gz")) == TOTAL


def test_a_table_beside_the_map_comes_before_its_header(tmp_path):
    write_nifti(tmp_path / "seg.nii.gz", EXTENSION)
    (tmp_path / "seg.csv").write_text("label,name\n5,Leber\n", encoding="utf-8")
    assert names_of_labels(tmp_path / "seg.nii.gz") == {5: "Leber"}
    assert names_of_labels(tmp_path / "seg.nii.gz", "totalsegmentator")[5] == "liver"


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("a.csv", "label,name,colour\n1,left lung,red\n2,right lung,blue\n"),
        ("b.csv", "1;left lung\n2;right lung\n"),
        ("c.csv", "\ufeff1\tleft lung\n2\tright lung\n"),
        ("d.json", json.dumps({"1": "left lung", "2": "right lung"})),
        ("e.json", json.dumps({"left lung": 1, "right lung": 2})),
    ],
)
def test_tables_are_read_in_several_forms(tmp_path, file, text):
    (tmp_path / file).write_text(text, encoding="utf-8")
    assert read_names(tmp_path / file) == {1: "left lung", 2: "right lung"}


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("a.csv", "label,name\n", "names no label"),
        ("b.json", "[1, 2]", "it is no object"),
        ("c.json", '{"lung": "left"}', "neither 'lung' nor 'left' is a label"),
        ("d.json", "{", "can't be read"),
    ],
)
def test_what_is_no_table_is_told_in_one_line(tmp_path, file, text, said):
    (tmp_path / file).write_text(text, encoding="utf-8")
    with pytest.raises(SettingsError, match=said) as told:
        read_names(tmp_path / file)
    assert "\n" not in str(told.value) and file in str(told.value)


def test_a_missing_table_is_told(tmp_path):
    with pytest.raises(SettingsError, match=r"Cannot read the names in .*none\.csv"):
        read_names(tmp_path / "none.csv")


def test_segments_of_slicer_s_header():
    fields = {
        "Segment0_ID": "Segment_1",
        "Segment0_Name": "left lung",
        "Segment0_LabelValue": "4",
        "Segment0_Layer": "1",
        "Segment1_ID": "Segment_2",
        "Segmentation_MasterRepresentation": "Binary labelmap",
    }
    assert segments_in_header(fields) == [(1, 4, "left lung"), (0, 2, "Segment_2")]
    assert segments_in_header({"space": "lps"}) == []
