"""NRRD and MetaImage: what their text headers must say, as ITK would guess it."""

from __future__ import annotations

import os
import zlib

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.scans.read import read_scan

SHAPE = (8, 20, 24)  # (K, J, I)


def body_hu():
    rng = np.random.default_rng(5)
    hu = rng.integers(-1010, -990, SHAPE)
    hu[:, 5:15, 6:18] = rng.integers(20, 60, (8, 10, 12))
    return hu.astype("<i2")


NRRD = {
    "type": "short", "dimension": "3", "space": "left-posterior-superior", "sizes": "24 20 8",
    "space directions": "(3,0,0) (0,4,0) (0,0,9)", "kinds": "domain domain domain",
    "endian": "little", "encoding": "raw", "space origin": "(-30,-40,50)", "data file": "a.raw",
}  # fmt: skip
META = {
    "ObjectType": "Image", "NDims": "3", "BinaryData": "True", "BinaryDataByteOrderMSB": "False",
    "TransformMatrix": "1 0 0 0 1 0 0 0 1", "Offset": "-30 -40 50", "ElementSpacing": "3 4 9",
    "DimSize": "24 20 8", "ElementType": "MET_SHORT", "ElementDataFile": "a.raw",
}  # fmt: skip


@pytest.fixture
def nrrd(tmp_path):
    def read(**changes):
        fields = NRRD | {name.replace("_", " "): value for name, value in changes.items()}
        lines = ["NRRD0005", *(f"{n}: {v}" for n, v in fields.items() if v is not None), ""]
        (tmp_path / "a.nhdr").write_text("\n".join(lines))
        (tmp_path / "a.raw").write_bytes(body_hu().tobytes())
        return read_scan(tmp_path / "a.nhdr")

    return read


@pytest.fixture
def meta(tmp_path):
    def read(voxels=None, **changes):
        fields = META | changes
        fields["ElementDataFile"] = fields.pop("ElementDataFile")  # the last line
        lines = [f"{n} = {v}" for n, v in fields.items() if v is not None]
        (tmp_path / "a.mhd").write_text("\n".join(lines) + "\n")
        voxels = body_hu().tobytes() if voxels is None else voxels
        (tmp_path / "a.raw").write_bytes(voxels)
        return read_scan(tmp_path / "a.mhd")

    return read


def check_as_written(scan, warnings=()):
    assert np.array_equal(scan.array, body_hu())
    assert scan.spacing == pytest.approx((3, 4, 9))
    assert scan.image.GetOrigin() == pytest.approx((-30, -40, 50))
    assert scan.image.GetPixelID() == sitk.sitkInt16
    assert tuple(name for name, _ in scan.warnings) == warnings


def test_nrrd_and_metaimage_that_say_all(nrrd, meta):
    check_as_written(nrrd())
    check_as_written(meta())


@pytest.mark.parametrize(
    ("directions", "axis"),
    [(None, 1), ("(3,0,0) (0,4,0) (0,0,0)", 3), ("(3,0,0) (0,4,0) (0,0,nan)", 3)],
)
def test_nrrd_without_voxel_size(nrrd, directions, axis):
    with pytest.raises(ScanError, match=rf"no voxel size along axis {axis} \(neither"):
        nrrd(space_directions=directions, space=None, space_origin=None)


@pytest.mark.parametrize("spacings", ["3 4 nan", "3 4 0", "3 4"])
def test_nrrd_with_spacings_that_are_none(nrrd, spacings):
    with pytest.raises(ScanError, match="no voxel size along axis 3"):
        nrrd(spacings=spacings, space_directions=None, space=None, space_origin=None)


def test_nrrd_with_spacings_only_does_not_say_how_the_patient_lies(nrrd):
    scan = nrrd(spacings="3 4 9", space_directions=None, space=None, space_origin=None)
    assert scan.spacing == pytest.approx((3, 4, 9))
    assert [name for name, _ in scan.warnings] == ["unknown-orientation"]


@pytest.mark.parametrize(
    ("space", "known"),
    [("left-posterior-superior", True), ("LPS", True), ("right-anterior-superior", True),
     ("left-anterior-superior", True), ("3D-right-handed", False), ("scanner-xyz", False)],
)  # fmt: skip
def test_nrrd_spaces(nrrd, space, known):
    scan = nrrd(space=space)
    assert [name for name, _ in scan.warnings] == ([] if known else ["unknown-orientation"])


@pytest.mark.parametrize(("unit", "factor"), [("mm", 1), ("cm", 0.1), ("m", 0.001), ("um", 1000)])
def test_nrrd_units_become_millimetres(nrrd, unit, factor):
    x, y, z = 3 * factor, 4 * factor, 9 * factor
    check_as_written(
        nrrd(
            space_directions=f"({x},0,0) (0,{y},0) (0,0,{z})",
            space_origin=f"({-30 * factor},{-40 * factor},{50 * factor})",
            space_units=f'"{unit}" "{unit}" "{unit}"',
        )
    )


@pytest.mark.parametrize("units", ['"furlong" "furlong" "furlong"', '"mm" "mm" "cm"'])
def test_nrrd_units_that_are_unknown_or_mixed(nrrd, units):
    with pytest.raises(ScanError, match=r"measures in .*; one unit of length"):
        nrrd(space_units=units)


def test_nrrd_with_a_list_axis_of_length_1(nrrd):
    check_as_written(
        nrrd(
            dimension="4",
            sizes="1 24 20 8",
            kinds="list domain domain domain",
            space_directions="none (3,0,0) (0,4,0) (0,0,9)",
        )
    )
    with pytest.raises(ScanError, match="has 2 values a voxel"):
        nrrd(
            dimension="4",
            sizes="2 24 20 4",
            kinds="list domain domain domain",
            space_directions="none (3,0,0) (0,4,0) (0,0,9)",
        )


@pytest.mark.parametrize("spacing", [None, "0 4 9", "nan 4 9", "3 four 9"])
def test_metaimage_without_voxel_size(meta, spacing):
    with pytest.raises(ScanError, match=r"has no voxel size \(ElementSpacing"):
        meta(ElementSpacing=spacing)


def test_metaimage_whose_element_size_itk_would_ignore(meta):
    with pytest.raises(ScanError, match="ElementSpacing is missing"):
        meta(ElementSpacing=None, ElementSize="3 4 9")


def test_metaimage_units_become_millimetres(meta):
    check_as_written(meta(DistanceUnits="cm", ElementSpacing=".3 .4 .9", Offset="-3 -4 5"))
    with pytest.raises(ScanError, match="measures in inch; mm, cm or um"):
        meta(DistanceUnits="inch")


def test_metaimage_whose_values_are_to_be_scaled(meta):
    with pytest.raises(ScanError, match=r"are to be scaled .*2 \* value \+ -1024"):
        meta(ElementToIntensityFunctionSlope="2", ElementToIntensityFunctionOffset="-1024")
    check_as_written(
        meta(ElementToIntensityFunctionSlope="1", ElementToIntensityFunctionOffset="0")
    )


def test_metaimage_without_orientation(meta):
    check_as_written(meta(TransformMatrix=None), ("unknown-orientation",))


PACKED = zlib.compress(body_hu().tobytes())


def test_packed_metaimage_is_read_whole_or_refused(meta, tmp_path):
    whole = {"CompressedData": "True", "CompressedDataSize": str(len(PACKED))}
    check_as_written(meta(PACKED, **whole))
    check_as_written(meta(PACKED, CompressedData="True"))
    # ITK gives what was in memory for what it can't unpack, and no error.
    for voxels, changes in (
        (PACKED[:-300], whole),
        (PACKED[:-300], {"CompressedData": "True"}),
        (PACKED, whole | {"CompressedDataSize": str(len(PACKED) - 300)}),
        (b"x" * len(PACKED), whole),
    ):
        with pytest.raises(ScanError, match=r"\d+ of 7680 bytes of voxels are there"):
            meta(voxels, **changes)
    packed_inside = META | {"CompressedData": "True", "ElementDataFile": "LOCAL"}
    packed_inside["ElementDataFile"] = packed_inside.pop("ElementDataFile")
    head = "".join(f"{n} = {v}\n" for n, v in packed_inside.items()).encode()
    (tmp_path / "b.mha").write_bytes(head + PACKED)
    with pytest.raises(ScanError, match=r"doesn't say how long .*\(CompressedDataSize\)"):
        read_scan(tmp_path / "b.mha")


def test_metaimage_with_too_few_voxels(meta, tmp_path):
    with pytest.raises(ScanError, match="7580 of 7680 bytes of voxels are there"):
        meta(body_hu().tobytes()[:-100])
    (tmp_path / "first.raw").write_bytes(body_hu()[:7].tobytes())
    with pytest.raises(ScanError, match="6720 of 7680 bytes of voxels are there"):
        meta(ElementDataFile="LIST\nfirst.raw")
    with pytest.raises(ScanError, match="0 of 7680 bytes"):
        meta(ElementDataFile="LIST")


def test_metaimage_as_a_list_of_files(meta, tmp_path):
    for k, values in enumerate(body_hu()):
        (tmp_path / f"{k}.raw").write_bytes(values.tobytes())
    check_as_written(meta(ElementDataFile="\n".join(["LIST", *(f"{k}.raw" for k in range(8))])))
    check_as_written(meta(ElementDataFile="%d.raw 0 7 1"))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
def test_voxels_that_are_missing_or_no_file(nrrd, meta, tmp_path):
    os.mkfifo(tmp_path / "pipe.raw")
    for read, key in ((nrrd, "data_file"), (meta, "ElementDataFile")):
        with pytest.raises(ScanError, match=r"voxels lie in \S+none\.raw, which isn't there"):
            read(**{key: "none.raw"})
        with pytest.raises(ScanError, match=r"voxels lie in \S+pipe\.raw, which is no file"):
            read(**{key: "pipe.raw"})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"Offset": "nan 0 0"}, r"isn't a number \(offset = nan 0 0\)"),
        ({"TransformMatrix": "2 0 0 0 2 0 0 0 2"}, "have the lengths 2 x 2 x 2; 1 is expected"),
        ({"ElementSpacing": "3 4"}, "ElementSpacing = 3 4; numbers above 0"),
    ],
)
def test_metaimage_whose_geometry_itk_would_guess(meta, changes, told):
    with pytest.raises(ScanError, match=told):
        meta(**changes)


def test_metaimage_of_another_modality(meta):
    check_as_written(meta(Modality="MET_MOD_MR"), ("other-modality",))
    check_as_written(meta(Modality="MET_MOD_CT"))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"encoding": "bzip2"}, "packed with bzip2, which isn't read"),
        ({"type": "half"}, "values of NRRD type half"),
        ({"dimension": "4", "sizes": "24 20 4 2", "kinds": "domain domain domain time",
          "space_directions": "(3,0,0) (0,4,0) (0,0,9) none"}, r"is 4D \(24 x 20 x 4 x 2\)"),
    ],
)  # fmt: skip
def test_nrrd_that_itk_calls_damaged(nrrd, changes, told):
    with pytest.raises(ScanError, match=told):
        nrrd(**changes)
