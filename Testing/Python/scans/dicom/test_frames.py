"""Headers that tell of frames, or hold values, that can't be: refused, and the file named."""

from __future__ import annotations

import pytest
from pydicom.uid import RLELossless

from CTCounterfactualLib.scans.read import read_scan
from dicom_trees import at, body_hu, write_enhanced


@pytest.mark.parametrize("count", [2_000_000_000, -3])
def test_more_frames_than_a_compressed_file_can_hold(series, refusal, count):
    def edit(k, dataset):
        dataset.compress(RLELossless)
        dataset.NumberOfFrames = count

    message = refusal(series(edit, numbers=[0]))
    assert f"00.dcm is damaged (it can't hold the {count} frames it tells of)" in message


def test_a_count_of_frames_that_is_no_number(series, refusal):
    def edit(k, dataset):
        dataset.compress(RLELossless)
        dataset.NumberOfFrames = 12345678

    folder = series(edit, numbers=[0])
    path = folder / "00.dcm"
    path.write_bytes(path.read_bytes().replace(b"12345678", b"abcdefgh"))
    assert "00.dcm is damaged" in refusal(folder)


def test_fewer_frames_than_are_described(tmp_path, refusal):
    def edit(dataset):
        dataset.NumberOfFrames = 10

    path = write_enhanced(tmp_path / "a.dcm", [at(k) for k in range(12)], body_hu(), edit=edit)
    assert "is damaged (it tells of 10 frames and describes 12)" in refusal(path)


def test_a_value_of_an_unknown_type_counts_as_missing(series, refusal):
    folder = series()
    path = folder / "03.dcm"
    spacing = b"\x28\x00\x30\x00"  # the tag of PixelSpacing, before its type
    path.write_bytes(path.read_bytes().replace(spacing + b"DS", spacing + b"ZZ"))
    assert "1 of 12 slices without a pixel spacing" in refusal(folder)
    description = b"\x08\x00\x3e\x10"
    path = series(folder=folder.parent / "described") / "00.dcm"
    path.write_bytes(path.read_bytes().replace(description + b"LO", description + b"ZZ"))
    assert read_scan(path.parent).size == (24, 24, 12)
