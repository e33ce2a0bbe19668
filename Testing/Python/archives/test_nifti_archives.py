"""TotalSegmentator's data set and ReXGroundingCT: NIfTI files with a table or an index."""

import json

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.archives.listed import Listed, write_manifest
from CTCounterfactualLib.archives.rexgrounding import read_rexgrounding
from CTCounterfactualLib.archives.totalsegmentator import read_totalsegmentator
from CTCounterfactualLib.errors import ScanError, SettingsError
from CTCounterfactualLib.events import CancelToken

HEAD = (
    "image_id;age;gender;institute;study_type;split;manufacturer;scanner_model;kvp;pathology;"
    "pathology_location"
)


@pytest.fixture
def subjects(tmp_path, write_image):
    lines = [HEAD]
    for name, study, pathology in (
        ("s0000", "ct thorax-abdomen-pelvis", "tumor"),
        ("s0001", "ct pelvis", "tumor"),
        ("s0002", "ct thorax", "no_pathology"),
        ("s0003", "ct thorax", "inflammation"),
    ):
        lines.append(f"{name};60;m;A;{study};train;siemens;X;120.0;{pathology};thorax")
        if name != "s0003":
            write_image(tmp_path / name / "ct.nii.gz", np.zeros((2, 2, 2), np.int16))
    (tmp_path / "meta.csv").write_text("\n".join(lines), encoding="utf-8-sig")
    return tmp_path


def total(folder, **options):
    given = {"study": "thorax", "positive": "tumor"} | options
    return read_totalsegmentator(folder, given, folder, CancelToken())


def test_studies_and_pathologies(subjects):
    listed = total(subjects)
    assert [(row.id, row.label) for row in listed.rows] == [("s0000", 1.0), ("s0002", 0.0)]
    assert {one.id: one.why for one in listed.left_out} == {
        "s0001": "study type ct pelvis",
        "s0003": "no ct.nii.gz",
    }
    assert len(total(subjects, study="any").rows) == 3


def test_without_a_pathology_they_are_listed(subjects):
    with pytest.raises(SettingsError, match=r"by a word of it.*tumor \(2\)"):
        total(subjects, positive="")
    with pytest.raises(ScanError, match="No scan's pathology holds 'effusion'"):
        total(subjects, positive="effusion")


def test_another_table_is_refused(subjects):
    (subjects / "meta.csv").write_text("image_id,study_type\ns0000,ct thorax")
    with pytest.raises(ScanError, match="semicolons"):
        total(subjects)
    (subjects / "meta.csv").write_text("image_id;study_type\ns0000;ct thorax")
    with pytest.raises(ScanError, match="version 2"):
        total(subjects)
    (subjects / "meta.csv").unlink()
    with pytest.raises(ScanError, match=r"holds no meta\.csv"):
        total(subjects)


@pytest.fixture
def grounded(tmp_path, write_image):
    """Return a tree of three scans on a tilted grid: (K, J, I) of 3, 4, 5."""
    like = sitk.Image(5, 4, 3, sitk.sitkInt16)
    like.SetSpacing((0.7, 0.8, 2.0))
    like.SetOrigin((-10.0, 20.0, 5.0))
    for name in ("train_1_a_1", "train_2_a_1", "valid_3_a_2"):
        folder = tmp_path / "train_fixed" / name[:-2]
        write_image(folder / f"{name}.nii.gz", np.zeros((3, 4, 5), np.int16), like)
    masks = np.zeros((3, 4, 5, 3), np.uint8)  # in the file: finding, I, J, K
    masks[0, 1, 2, 0] = masks[1, 1, 1, 1] = masks[2, 3, 4, 2] = 1
    write_image(tmp_path / "segmentations" / "train_1_a_1.nii.gz", masks)
    index = {
        "train": [
            {
                "name": "train_1_a_1.nii.gz",
                "findings": {
                    "0": "Pleural effusion on the left",
                    "1": "A nodule",
                    "2": "Small right effusion",
                },
            },
            {"name": "train_2_a_1.nii.gz", "findings": {"0": "A nodule"}},
            {"name": "train_9_a_1.nii.gz", "findings": {"0": "A nodule"}},
        ],
        "test": [{"name": "valid_3_a_2.nii.gz", "findings": {}}],
    }
    (tmp_path / "dataset.json").write_text(json.dumps(index))
    return tmp_path


def rex(folder, finding="effusion"):
    return read_rexgrounding(folder, {"finding": finding}, folder / "made", CancelToken())


def test_findings_make_labels_and_masks_on_the_scans_grid(grounded):
    listed = rex(grounded)
    assert [(row.id, row.label, row.group) for row in listed.rows] == [
        ("train_1_a_1", 1.0, "train_1"),
        ("train_2_a_1", 0.0, "train_2"),
    ]
    assert {one.id: one.why for one in listed.left_out} == {
        "train_9_a_1.nii.gz": "the scan isn't there: get it from CT-RATE",
        "valid_3_a_2.nii.gz": "no findings are told (test)",
    }
    mask = sitk.ReadImage(str(listed.rows[0].mask))
    assert mask.GetSpacing() == pytest.approx((0.7, 0.8, 2.0))
    assert mask.GetOrigin() == pytest.approx((-10.0, 20.0, 5.0))
    assert np.argwhere(sitk.GetArrayFromImage(mask)).tolist() == [[0, 1, 2], [2, 3, 4]]


def test_a_mask_of_another_size_is_not_taken(grounded, write_image):
    path = grounded / "segmentations" / "train_1_a_1.nii.gz"
    write_image(path, np.ones((3, 4, 6, 3), np.uint8))
    listed = rex(grounded)
    assert listed.rows[0].mask is None
    assert "1 positives have no mask" in listed.remarks[0]


def test_a_word_that_no_finding_holds(grounded):
    with pytest.raises(ScanError, match="No finding of a scan that is here holds 'fracture'"):
        rex(grounded, "fracture")
    (grounded / "dataset.json").write_text("[]")
    with pytest.raises(ScanError, match="an object in braces"):
        rex(grounded)


def test_no_scan_is_no_manifest(tmp_path):
    listed = Listed()
    listed.leave("a", "no CT but MR")
    with pytest.raises(ScanError, match=r"No scan of the archive can be used: no CT but MR \(1\)"):
        write_manifest(listed, tmp_path / "m.csv")
    assert list(tmp_path.iterdir()) == []
