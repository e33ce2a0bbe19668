"""What a file of a model must look like: told from its bytes before it is trusted.

Where a publisher gives no digest, the first file that comes is pinned for ever. A login page, half
a file, or one glued together from two versions must not be that file.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

from ...errors import ModelError
from ..files.archives import MAX_EXPANSION, is_program
from ..files.legacy_checkpoints import is_legacy, read_legacy

HEAD_BYTES = 512
CHECKPOINT_WORDS = "a PyTorch checkpoint, as torch.save writes it"
CONFIGURATION_WORDS = "a taming-transformers configuration (yaml with model.params.ddconfig)"
# A configuration is a page of text; this is far more.
CONFIGURATION_BYTES = 1 << 20
_PAGE = re.compile(rb"\s*(<!doctype|<html|<\?xml|<head|<body|<error|<!--)", re.IGNORECASE)
_GZIP = b"\x1f\x8b"
_FIELDS = ("model", "params", "ddconfig", "embed_dim", "n_embed")


def check_kind(path: Path, name: str) -> None:
    """Return if a file's content is of the kind that its name ends with; reads all of it.

    Parameters
    ----------
    path : Path
        Where the bytes are, under whatever name.
    name : str
        The name it is to get. Endings that aren't a model's are only kept from being web pages.

    Raises
    ------
    ModelError
        Saying what it is instead: empty, a web page, cut short, damaged, a program, or too much
        when unpacked.
    """
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    words, check = _KINDS.get(Path(name).suffix.lower(), ("a model's file", lambda path, head: ""))
    wrong = _not_a_model(head) or check(path, head)
    if wrong:
        raise ModelError(f"{name} is not the file that was expected: it {wrong}; expected {words}.")


def _not_a_model(head: bytes) -> str:
    if not head:
        return "is empty"
    if _PAGE.match(head):
        return "is a web page (of an error, or of a login?)"
    return ""


def _no_checkpoint(path: Path, head: bytes) -> str:
    """Return what is wrong with a checkpoint, in words after "it"; nothing if nothing is."""
    if is_legacy(head):
        try:
            read_legacy(bytearray(path.read_bytes()), path.name)
        except ModelError:
            return "is cut short or damaged"
        return ""
    if head.startswith(_GZIP):
        return "is packed by gzip"
    try:
        with zipfile.ZipFile(path) as archive:
            return _no_archive(archive, path.stat().st_size)
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        RuntimeError,
        ValueError,
        OSError,
    ) as error:
        return f"is cut short, damaged or of another kind ({error})"


def _no_archive(archive: zipfile.ZipFile, size: int) -> str:
    entries = archive.infolist()
    if sum(entry.file_size for entry in entries) > MAX_EXPANSION * size:
        return "would unpack to far more than a checkpoint holds"
    names = [entry.filename for entry in entries]
    if any(map(is_program, names)):
        return "is a TorchScript program"
    if not any(name.split("/")[-1] == "data.pkl" for name in names):
        return "is a zip file without a data.pkl"
    damaged = archive.testzip()
    return f"is damaged (its part {damaged})" if damaged else ""


def _no_configuration(path: Path, head: bytes) -> str:
    """As `_no_checkpoint`, for a yaml; whether its values make a network is seen at loading."""
    if path.stat().st_size > CONFIGURATION_BYTES:
        return "is too large"
    try:
        text = path.read_bytes().decode("utf-8")
    except UnicodeDecodeError:
        return "is no text"
    missing = [f for f in _FIELDS if not re.search(rf"(^|[\s{{,]){f}['\"]?\s*:", text)]
    return f"lacks {', '.join(missing)}" if missing else ""


_CHECKPOINT = (CHECKPOINT_WORDS, _no_checkpoint)
_CONFIGURATION = (CONFIGURATION_WORDS, _no_configuration)
_KINDS: dict[str, tuple[str, Callable[[Path, bytes], str]]] = {
    ".ckpt": _CHECKPOINT,
    ".pt": _CHECKPOINT,
    ".pth": _CHECKPOINT,
    ".yaml": _CONFIGURATION,
    ".yml": _CONFIGURATION,
}
