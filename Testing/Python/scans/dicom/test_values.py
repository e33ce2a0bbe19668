"""What the stored values mean: each slice's own rescale, type, padding; nothing inverted."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from pydicom import dcmread, dcmwrite
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ImplicitVRLittleEndian,
    RLELossless,
)

from CTCounterfactualLib.scans.read import read_scan
from dicom_trees import body_hu, put_pixels, write_slices

HU = body_hu()


def test_each_slice_has_its_own_slope_and_intercept(series):
    def edit(k, dataset):
        if k:  # half HU, stored as whole numbers
            put_pixels(dataset, ((HU[k] + 1024) * 2 + 1).astype(np.uint16))
            dataset.RescaleSlope = 0.5

    scan = read_scan(series(edit))
    assert scan.image.GetPixelID() == sitk.sitkFloat32
    assert np.array_equal(scan.array[0], HU[0])
    assert np.array_equal(scan.array[1:], HU[1:] + 0.5)


@pytest.mark.parametrize("first", [0, 5, 11])
def test_each_slice_has_its_own_type(series, first):
    def edit(k, dataset):
        if k == first:  # signed HU among unsigned stored values
            put_pixels(dataset, HU[k])
            dataset.RescaleIntercept = 0

    assert np.array_equal(read_scan(series(edit)).array, HU)


@pytest.mark.parametrize(
    ("keyword", "told"), [("RescaleIntercept", "intercept"), ("RescaleSlope", "slope")]
)
def test_missing_rescale_in_all_and_in_some(series, refusal, keyword, told):
    def without(k, dataset):
        del dataset[keyword]

    assert f"lacks the rescale {told}" in refusal(series(without))

    def in_some(k, dataset):
        if k > 2:
            del dataset[keyword]

    message = refusal(series(in_some))
    assert f"lacks the rescale {told} (0028,105{2 + (told == 'slope')}) in 9 of 12 slices" in (
        message
    )
    assert "(03.dcm first)" in message
    assert "in 9 of 12 slices" in refusal(series(in_some), assume_hu=True)


def test_who_insists_reads_values_without_rescale(series):
    def stored_hu(k, dataset):
        put_pixels(dataset, HU[k])
        del dataset.RescaleIntercept
        del dataset.RescaleSlope

    assert np.array_equal(read_scan(series(stored_hu), assume_hu=True).array, HU)


def test_a_slope_of_0(series, refusal):
    def flat(k, dataset):
        dataset.RescaleSlope = 0 if k == 7 else 1

    assert "rescale slope of 0 in 07.dcm" in refusal(series(flat))


@pytest.mark.parametrize("keyword", ["RescaleSlope", "RescaleIntercept"])
def test_a_rescale_to_no_hu(series, refusal, keyword):
    def edit(k, dataset):
        setattr(dataset, keyword, "1e300")

    assert "which leads to no HU" in refusal(series(edit))


def test_a_missing_photometric_interpretation_is_not_called_colours(series, refusal):
    def edit(k, dataset):
        del dataset.PhotometricInterpretation

    message = refusal(series(edit))
    assert "doesn't say in 00.dcm whether its values are grey or colours" in message


@pytest.mark.parametrize("unit", ["OD", "MGML", "US", "Z_EFF"])
def test_another_unit_than_hu(series, refusal, unit):
    def edit(k, dataset):
        dataset.RescaleType = unit

    folder = series(edit)
    assert f"is in the unit {unit!r} (RescaleType of 00.dcm), not HU" in refusal(folder)
    assert np.array_equal(read_scan(folder, assume_hu=True).array, HU)


@pytest.mark.parametrize("signed", [True, False])
def test_monochrome1_is_never_inverted(series, names, signed):
    def edit(k, dataset):
        dataset.PhotometricInterpretation = "MONOCHROME1"
        if signed:
            put_pixels(dataset, HU[k])
            dataset.RescaleIntercept = 0

    scan = read_scan(series(edit))
    assert np.array_equal(scan.array, HU)
    assert names(scan) == []


def test_mixed_photometric_and_colours_are_refused_naming_one(series, refusal):
    def mixed(k, dataset):
        if k == 2:
            dataset.PhotometricInterpretation = "MONOCHROME1"

    assert "mixes MONOCHROME1 and MONOCHROME2: 02.dcm" in refusal(series(mixed))

    def palette(k, dataset):
        dataset.PhotometricInterpretation = "PALETTE COLOR"

    assert "has colours (PALETTE COLOR) in 00.dcm" in refusal(series(palette))


def padded(value, dtype, tag, vr="US", limit=None):
    """Return an edit that puts `value` into the outer rows and tells it in the header."""

    def edit(k, dataset):
        stored = (HU[k] - (0 if dtype == np.int16 else -1024)).astype(dtype)
        stored[:3] = np.array(value).astype(dtype)
        put_pixels(dataset, stored)
        dataset.RescaleIntercept = 0 if dtype == np.int16 else -1024
        dataset.add_new("PixelPaddingValue", vr, tag)
        if limit is not None:
            dataset.add_new("PixelPaddingRangeLimit", vr, limit)

    return edit


@pytest.mark.parametrize(
    ("edit", "hu"),
    [
        (padded(63536, np.uint16, 63536), -1000),
        (padded(-2000, np.int16, -2000, "SS"), -2000),  # darker than air: kept as it is
        (padded(-2000, np.int16, 63536), -2000),  # the same number, written as unsigned
        (padded(3000, np.int16, 3000, "SS"), -1000),
        (padded(3000, np.int16, 2900, "SS", 3100), -1000),  # a range
        (padded(3000, np.int16, 3100, "SS", 2900), -1000),  # from its other end
    ],
)
def test_padding_is_air(series, names, edit, hu):
    scan = read_scan(series(edit))
    assert (scan.array[:, :3] == hu).all()
    assert np.array_equal(scan.array[:, 3:], HU[:, 3:])
    assert scan.image.GetPixelID() == sitk.sitkInt16
    assert names(scan) == (["padding-as-air"] if hu == -1000 else [])


def test_padding_below_an_overlay_is_air(series):
    def edit(k, dataset):
        stored = (HU[k] + 1024).astype(np.uint16)
        stored[:3] = 4095
        stored[:, :4] |= 0x8000  # an overlay in the highest bit, on and beside the padding
        put_pixels(dataset, stored)
        dataset.BitsStored, dataset.HighBit = 12, 11
        dataset.add_new("PixelPaddingValue", "US", 4095)

    scan = read_scan(series(edit))
    assert (scan.array[:, :3] == -1000).all()
    assert np.array_equal(scan.array[:, 3:], HU[:, 3:])


def test_stored_values_beside_a_padding_are_not_hu(series, refusal):
    def edit(k, dataset):
        stored = (HU[k] + 1024).astype(np.int16)
        stored[:3] = -2000
        put_pixels(dataset, stored)
        dataset.RescaleIntercept = 0
        dataset.add_new("PixelPaddingValue", "SS", -2000)

    assert "doesn't look like a CT scan in HU" in refusal(series(edit))


def test_unused_bits_are_left_out(series):
    def overlay(k, dataset):
        stored = (HU[k] + 1024).astype(np.uint16)
        put_pixels(dataset, stored | 0x8000 * (stored % 2))  # an overlay in the highest bit
        dataset.BitsStored, dataset.HighBit = 12, 11

    assert np.array_equal(read_scan(series(overlay)).array, HU)

    def signed_12_bits(k, dataset):
        put_pixels(dataset, (HU[k] % 4096).astype(np.uint16))
        dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 12, 11, 1
        dataset.RescaleIntercept = 0

    assert np.array_equal(read_scan(series(signed_12_bits)).array, HU)

    def shifted(k, dataset):
        put_pixels(dataset, (HU[k] + 1024).astype(np.uint16) << 4)
        dataset.BitsStored, dataset.HighBit = 12, 15

    assert np.array_equal(read_scan(series(shifted)).array, HU)


def test_whole_hu_beyond_16_bits_stay_whole(series):
    def metal(k, dataset):
        if k == 3:
            stored = (HU[k] + 1024).astype(np.uint16)
            stored[10, 10] = 65535
            put_pixels(dataset, stored)

    scan = read_scan(series(metal))
    assert scan.image.GetPixelID() == sitk.sitkInt32
    assert scan.array[3, 10, 10] == 65535 - 1024
    assert np.array_equal(scan.array[4:], HU[4:])


@pytest.mark.parametrize(
    "syntax", [ImplicitVRLittleEndian, ExplicitVRBigEndian, DeflatedExplicitVRLittleEndian]
)
def test_plain_transfer_syntaxes(tmp_path, syntax):
    folder = write_slices(tmp_path / "series")
    for path in folder.iterdir():
        dataset = dcmread(path)
        if syntax == ExplicitVRBigEndian:
            pixels = np.frombuffer(dataset.PixelData, "<u2").astype(">u2").tobytes()
            dataset.PixelData = pixels
        dataset.file_meta.TransferSyntaxUID = syntax
        dcmwrite(
            path, dataset, implicit_vr=syntax.is_implicit_VR, little_endian=syntax.is_little_endian,
            force_encoding=True,
        )  # fmt: skip
    assert np.array_equal(read_scan(folder).array, HU)


def test_compressed_slices(series, names):
    def run_length(k, dataset):
        dataset.compress(RLELossless)
        dataset.PhotometricInterpretation = "MONOCHROME1"

    scan = read_scan(series(run_length))
    assert np.array_equal(scan.array, HU)
    assert names(scan) == []


@pytest.mark.parametrize(("compressor", "uid"), [("JPEG2000", "4.90"), ("JPEG", "4.70")])
def test_other_compressions(series, tmp_path, compressor, uid):
    writer = sitk.ImageFileWriter()
    writer.SetImageIO("GDCMImageIO")
    writer.SetUseCompression(True)
    writer.SetCompressor(compressor)

    def compress(k, dataset):
        writer.SetFileName(str(tmp_path / "one.dcm"))
        writer.Execute(sitk.GetImageFromArray((HU[k] + 1024).astype(np.uint16)))
        one = dcmread(tmp_path / "one.dcm")
        assert one.file_meta.TransferSyntaxUID == f"1.2.840.10008.1.2.{uid}"
        dataset.file_meta.TransferSyntaxUID = one.file_meta.TransferSyntaxUID
        dataset["PixelData"] = one["PixelData"]
        for keyword in ("BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation"):
            dataset[keyword] = one[keyword]

    assert np.array_equal(read_scan(series(compress)).array, HU)


def test_a_truncated_compressed_slice_is_named(series, names):
    def run_length(k, dataset):
        dataset.compress(RLELossless)

    damaged = series(run_length) / "11.dcm"
    damaged.write_bytes(damaged.read_bytes()[:-200])
    scan = read_scan(damaged.parent)
    assert np.array_equal(scan.array, HU[:11])
    assert names(scan) == ["unreadable-dicom-files"]
    assert "11.dcm is truncated" in scan.warnings[0][1]


@pytest.mark.parametrize(
    ("uid", "name"),
    [("1.2.840.10008.1.2.1.98", "Encapsulated Uncompressed Explicit VR Little Endian"),
     ("1.2.840.10008.1.2.4.201", "High-Throughput JPEG 2000"), ("1.2.3.4", "1.2.3.4")],
)  # fmt: skip
def test_a_transfer_syntax_that_is_not_decoded_is_named(series, refusal, uid, name):
    def edit(k, dataset):
        dataset.compress(RLELossless)
        dataset.file_meta.TransferSyntaxUID = uid

    message = refusal(series(edit))
    assert f"is stored in the transfer syntax {name}" in message
    assert "Convert it to Explicit VR Little Endian" in message
