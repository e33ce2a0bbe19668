"""Digests of files and the size that gzip files unpack to."""

from __future__ import annotations

import gzip
import hashlib
import zlib

import pytest

from CTCounterfactualLib.scans.files import (
    HASH_BLOCK_BYTES,
    file_sha256,
    files_sha256,
    unpacked_size,
)

# FIPS 180-2, appendix B.1: SHA-256 of "abc".
ABC_SHA256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def write(path, data):
    path.write_bytes(data)
    return path


def test_digest_of_abc(tmp_path):
    assert file_sha256(write(tmp_path / "abc", b"abc")) == ABC_SHA256


def test_digest_of_a_file_longer_than_a_block(tmp_path):
    data = bytes(range(256)) * (HASH_BLOCK_BYTES // 256) + b"tail"
    assert file_sha256(write(tmp_path / "long", data)) == hashlib.sha256(data).hexdigest()


def test_digest_of_several_files_is_that_of_their_digests_in_order(tmp_path):
    first, second = write(tmp_path / "a", b"abc"), write(tmp_path / "b", b"")
    joined = hashlib.sha256(bytes.fromhex(ABC_SHA256) + hashlib.sha256(b"").digest()).hexdigest()
    assert files_sha256([first, second]) == joined
    assert files_sha256([second, first]) != joined


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
