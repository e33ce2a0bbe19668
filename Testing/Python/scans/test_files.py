"""The bytes that plain and gzip files hold; truncated and damaged ones."""

from __future__ import annotations

import gzip

import pytest

from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.scans.files import read_unpacked

DATA = bytes(i * i % 251 for i in range(50_000))


def write(path, data):
    path.write_bytes(data)
    return path


def test_bytes_of_plain_and_gzip_files(tmp_path):
    for path in (
        write(tmp_path / "plain", DATA),
        write(tmp_path / "packed.gz", gzip.compress(DATA)),
        write(tmp_path / "no_suffix", gzip.compress(DATA)),
    ):
        assert read_unpacked(path) == DATA
        assert read_unpacked(path, 7) == DATA[:7]


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.999])
def test_truncated_gzip_is_refused(tmp_path, kept):
    packed = gzip.compress(DATA)
    path = write(tmp_path / "cut.gz", packed[: int(len(packed) * kept)])
    with pytest.raises(ScanError, match=r"cut.gz is truncated or damaged .* Copy it again."):
        read_unpacked(path)


def test_gzip_with_a_flipped_byte_is_refused(tmp_path):
    packed = bytearray(gzip.compress(DATA))
    packed[-6] ^= 0xFF  # within the checksum that ends the file
    with pytest.raises(ScanError, match="truncated or damaged"):
        read_unpacked(write(tmp_path / "bad.gz", bytes(packed)))
