"""Zip files that come from anyone: looked over by their directory before anything is unpacked."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from pathlib import PurePosixPath, PureWindowsPath
from typing import BinaryIO

from ...errors import ModelError
from ...storage.sizes import BYTES_PER_GB, BYTES_PER_MB

# A zip that unpacks to much more than its size is no model but an attempt to fill the memory.
MAX_EXPANSION = 3.0
# Code and small constants in a model's archive compress well, weights don't.
FREE_EXPANSION_BYTES = 100 * 1024 * 1024
_SYMLINK_MODE = 0o120000
_FILE_TYPE_MASK = 0o170000
_ENCRYPTED = 0x1
# A local header: signature, fields that the directory repeats, lengths of name and extra field.
_LOCAL_HEADER = struct.Struct("<4s22xHH")
_LOCAL_SIGNATURE = b"PK\x03\x04"


def check_zip(data: bytes | bytearray, name: str, expected: str) -> zipfile.ZipFile:
    """Return the opened archive if it is whole, no larger than it says, and stays in its folder.

    Parameters
    ----------
    data : bytes or bytearray
        Of the whole file; a bytearray isn't copied.
    name, expected : str
        What messages call it, and what it should have been.

    Raises
    ------
    ModelError
        Saying which of it isn't so, or that it holds links, encrypted entries or a name twice.
    """
    try:
        archive = zipfile.ZipFile(opened(data))
    except (zipfile.BadZipFile, ValueError, NotImplementedError, struct.error, OSError) as error:
        raise ModelError(
            f"{name} is damaged, cut short or of another kind ({error}); expected {expected}."
        ) from error
    entries = archive.infolist()
    # The end of an archive that was cut short may be that of another archive within it.
    if not entries or min(entry.header_offset for entry in entries) != 0:
        raise ModelError(
            f"{name} is damaged, cut short or of another kind (empty, or something stands before "
            f"its first entry); expected {expected}."
        )
    seen: set[str] = set()
    for entry in entries:
        _check_entry(entry, name, seen)
    unpacked = sum(entry.file_size for entry in entries)
    if unpacked > MAX_EXPANSION * len(data) + FREE_EXPANSION_BYTES:
        raise ModelError(
            f"{name} would unpack to {unpacked / BYTES_PER_GB:.1f} GB from "
            f"{len(data) / BYTES_PER_MB:.1f} MB, which no model does; it was not opened."
        )
    return archive


def opened(data: bytes | bytearray) -> BinaryIO:
    """Return bytes as a file to read; a bytearray isn't copied."""
    return io.BufferedReader(_Reader(data)) if isinstance(data, bytearray) else io.BytesIO(data)


def stored_entries(archive: zipfile.ZipFile, data: bytearray, name: str) -> dict[str, memoryview]:
    """Return the bytes of all entries by name, as views of `data`: nothing is unpacked or copied.

    Raises
    ------
    ModelError
        If an entry is compressed, overlaps another or is damaged: PyTorch stores entries as they
        are, one after the other.
    """
    found, free = {}, 0
    for entry in sorted(archive.infolist(), key=lambda entry: entry.header_offset):
        if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
            raise ModelError(
                f"{name} would unpack to {entry.file_size / BYTES_PER_GB:.1f} GB from "
                f"{len(data) / BYTES_PER_MB:.1f} MB or otherwise: its {entry.filename!r} is "
                f"compressed, which PyTorch never does; it was not opened."
            )
        start = entry.header_offset + _LOCAL_HEADER.size
        if entry.header_offset < free or start > archive.start_dir:
            raise ModelError(f"{name}: the entry {entry.filename!r} overlaps another; not opened.")
        signature, *lengths = _LOCAL_HEADER.unpack_from(data, entry.header_offset)
        start += sum(lengths)
        free = start + entry.file_size
        if signature != _LOCAL_SIGNATURE or free > archive.start_dir:
            raise ModelError(f"{name} is damaged at its entry {entry.filename!r}; copy it again.")
        content = memoryview(data)[start:free]
        if zlib.crc32(content) != entry.CRC:
            raise ModelError(
                f"{name} is damaged: the checksum of its entry {entry.filename!r} is wrong. Copy "
                f"it again (or save it with torch.serialization.set_crc32_options(True))."
            )
        found[entry.filename] = content
    return found


def is_program(entry: str) -> bool:
    """Tell whether an entry is what TorchScript archives have and checkpoints don't."""
    parts = PurePosixPath(entry.casefold()).parts
    return "code" in parts[:-1] or (parts[-1:] == ("constants.pkl",))


def leaves_folder(name: str) -> bool:
    """Tell whether a path leads out of its folder, as POSIX or as Windows reads it."""
    return any(
        path.is_absolute() or path.anchor or ".." in path.parts
        for path in (PurePosixPath(name), PureWindowsPath(name))
    )


def _check_entry(entry: zipfile.ZipInfo, name: str, seen: set[str]) -> None:
    if leaves_folder(entry.filename):
        raise ModelError(
            f"{name} would write {entry.filename!r} outside its own folder, which no model does; "
            f"it was not opened."
        )
    if entry.external_attr >> 16 & _FILE_TYPE_MASK == _SYMLINK_MODE:
        raise ModelError(f"{name} holds a link ({entry.filename!r}), which no model needs.")
    if entry.flag_bits & _ENCRYPTED:
        raise ModelError(f"{name} is encrypted ({entry.filename!r}); decrypt it first.")
    if entry.filename in seen:
        raise ModelError(f"{name} holds {entry.filename!r} twice; it was not opened.")
    seen.add(entry.filename)


class _Reader(io.RawIOBase):
    """A bytearray as a file, without the copy that `io.BytesIO` makes of one."""

    def __init__(self, data: bytearray):
        self._data = memoryview(data)
        self._at = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer) -> int:
        """Fill a buffer from the place reached; return how many bytes there were."""
        part = self._data[self._at : self._at + len(buffer)]
        buffer[: len(part)] = part
        self._at += len(part)
        return len(part)

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place and return it."""
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: len(self._data)}[whence]
        if start + offset < 0:
            raise OSError("a place before the beginning")
        self._at = start + offset
        return self._at
