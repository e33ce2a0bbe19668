"""Digests of files: published values, and files longer than a block."""

import hashlib

from CTCounterfactualLib.storage.hashing import HASH_BLOCK_BYTES, file_sha256, files_sha256

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
