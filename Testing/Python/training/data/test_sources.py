"""Data sets as users download them: what is found, whose it is, and how it is read."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.training.data.deeplesion import key_slices_of, read_png_series
from CTCounterfactualLib.training.data.sources import PNG_SERIES, find_sources

HEADER = "File_name,Patient_index,Key_slice_index,Spacing_mm_px_\n"


def png_series(root, name="000012_01_02", spacing="0.8, 0.8, 5", rows=True):
    folder = root / "Images_png" / name
    folder.mkdir(parents=True)
    hu = np.full((3, 40, 40), -1000, np.int32)
    hu[:, 8:32, 8:32] = 40
    hu[1, 10:20, 12:18] = -850
    for number, one in zip((99, 100, 101), hu, strict=True):
        image = sitk.GetImageFromArray((one + 32768).astype(np.uint16))
        sitk.WriteImage(image, str(folder / f"{number}.png"))
    if rows:
        (root / "DL_info.csv").write_text(f'{HEADER}{name}_100.png,12,100,"{spacing}"\n')
    return folder, hu


def test_the_three_public_sets_are_told_apart(tmp_path):
    for name in (
        "luna/subset0/1.3.6.1.mhd",
        "luna/subset0/1.3.6.1.raw",
        "luna/seg-lungs-LUNA16/1.3.6.1.mhd",
        "total/s0011/ct.nii.gz",
        "total/s0011/segmentations/lung.nii.gz",
        "total/s0012/ct.nii.gz",
        "mine/chest_lungs.nrrd",
        "mine/chest.nrrd",
        "mine/series/1.dcm",
        "mine/series/2.dcm",
        "mine/notes.txt",
    ):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    found = {str(s.path.relative_to(tmp_path)): s.patient for s in find_sources(tmp_path)}
    assert found == {
        "luna/subset0/1.3.6.1.mhd": "1.3.6.1",
        "total/s0011/ct.nii.gz": "s0011",
        "total/s0012/ct.nii.gz": "s0012",
        "mine/chest.nrrd": "chest",
        "mine/series": "series",
    }


def test_deeplesion_is_read_with_its_offset_and_key_slices(tmp_path):
    folder, hu = png_series(tmp_path)
    (source,) = find_sources(tmp_path)
    assert (source.kind, source.patient) == (PNG_SERIES, "deeplesion-000012")
    assert source.key_slices.indices == (100,)
    read = read_png_series(folder, source.key_slices)
    assert np.array_equal(read.hu, hu)  # in the order of the numbers: 99 before 100
    assert read.spacing_mm.tolist() == [[0.8, 0.8]] * 3
    assert read.prepared(0).shape == (22, 22)  # 32 mm in pixels of 1.5 mm


def test_deeplesion_without_its_table_is_refused(tmp_path):
    png_series(tmp_path, rows=False)
    with pytest.raises(ScanError, match=r"DL_info\.csv lies in no folder above"):
        find_sources(tmp_path)
    (tmp_path / "DL_info.csv").write_text("a,b\n1,2\n")
    with pytest.raises(ScanError, match="no table of DeepLesion's"):
        find_sources(tmp_path)
    (tmp_path / "DL_info.csv").write_text(f'{HEADER}000099_01_01_5.png,1,5,"1, 1, 1"\n')
    with pytest.raises(ScanError, match="has no row of the series"):
        find_sources(tmp_path)


def test_damaged_and_shallow_pngs_are_refused(tmp_path):
    folder, _ = png_series(tmp_path)
    keys = key_slices_of(folder)
    sitk.WriteImage(sitk.GetImageFromArray(np.zeros((40, 40), np.uint8)), str(folder / "102.png"))
    with pytest.raises(ScanError, match="a slice of 16 bits is expected"):
        read_png_series(folder, keys)
    (folder / "102.png").write_bytes((folder / "101.png").read_bytes()[:60])
    with pytest.raises(ScanError, match=r"102\.png is no PNG, or a damaged one"):
        read_png_series(folder, keys)


def test_lists_of_scans(tmp_path):
    path = tmp_path / "list.csv"
    path.write_text("path,patient\na/one.nrrd,anna\nb/two.nii.gz,\n")
    assert [(s.path.name, s.patient) for s in find_sources(path)] == [
        ("one.nrrd", "anna"),
        ("two.nii.gz", "two"),
    ]
    path.write_text("file\nx\n")
    with pytest.raises(ScanError, match="a CSV with the column path"):
        find_sources(path)


def test_a_folder_without_ct(tmp_path):
    (tmp_path / "readme.md").write_text("hello")
    with pytest.raises(ScanError, match="There is no CT in"):
        find_sources(tmp_path)
    with pytest.raises(ScanError, match="There is no folder or list"):
        find_sources(tmp_path / "nothing")
