"""The size that gzip files unpack to; truncated ones."""

from __future__ import annotations

import gzip
import zlib

import pytest

from CTCounterfactualLib.scans.files import unpacked_size


def write(path, data):
    path.write_bytes(data)
    return path


def test_size_of_plain_and_gzip_files(tmp_path):
    data = b"0123456789" * 1000
    assert unpacked_size(write(tmp_path / "plain", data)) == 10_000
    assert unpacked_size(write(tmp_path / "packed.gz", gzip.compress(data))) == 10_000
    assert unpacked_size(write(tmp_path / "no_suffix", gzip.compress(data))) == 10_000


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.999])
def test_truncated_gzip_raises(tmp_path, kept):
    packed = gzip.compress(bytes(i * i % 251 for i in range(50_000)))
    path = write(tmp_path / "cut.gz", packed[: int(len(packed) * kept)])
    with pytest.raises(EOFError):
        unpacked_size(path)


def test_gzip_with_a_flipped_byte_raises(tmp_path):
    packed = bytearray(gzip.compress(bytes(i * i % 251 for i in range(50_000))))
    packed[-6] ^= 0xFF  # within the checksum that ends the file
    with pytest.raises((gzip.BadGzipFile, zlib.error)):
        unpacked_size(write(tmp_path / "bad.gz", bytes(packed)))
