"""What was made from fetched files, within their folder: made once, and never half."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ...errors import ModelError, OutputError
from ...storage.atomic import staging
from ...storage.hashing import file_sha256
from ...storage.lock import locked
from ...storage.names import reason
from .folder import CHOOSE_FOLDER, make_folder
from .pins import read_pins, update_pins

FOLDER = "converted"
CARD_SUFFIX, WEIGHTS_SUFFIX = ".json", ".safetensors"
# Of digests, in the names of conversions.
DIGEST_DIGITS = 12
# Another process converts: seconds for a checkpoint of a gigabyte, on a slow disk minutes.
WAIT_S = 600.0

# Writes weights and card of a name into a folder, and returns the card's path.
Convert = Callable[[Path, str], Path]


def conversion_name(model: str, checkpoint_sha256: str, **by: Any) -> str:
    """Return the name of what a checkpoint becomes by a yaml and options (plain JSON values)."""
    how = hashlib.sha256(json.dumps(by, sort_keys=True).encode()).hexdigest()
    return f"{model}-{checkpoint_sha256[:DIGEST_DIGITS]}-{how[:DIGEST_DIGITS]}"


@contextmanager
def converted(folder: Path, name: str, convert: Convert) -> Iterator[Path]:
    """Yield the card of a conversion, which is made unless it is there as it was made.

    Where nothing can be written it is made in a temporary folder, for this time only.

    Parameters
    ----------
    folder : Path
        Of fetched files.
    name : str
        See `conversion_name`.
    convert : callable
        Makes it.

    Raises
    ------
    ModelError
        Of `convert`, or if another process has been converting for `WAIT_S`.
    """
    card = folder / FOLDER / f"{name}{CARD_SUFFIX}"
    if not _as_made(folder, name):
        try:
            make_folder(card.parent)
        except ModelError:
            with TemporaryDirectory(ignore_cleanup_errors=True) as temporary:
                yield convert(Path(temporary), name)
            return
        _make_alone(folder, name, convert)
    yield card


def remove_conversions(folder: Path, checkpoint_sha256: str) -> int:
    """Remove what was made from a checkpoint, as the record names it; return the bytes freed."""
    mark = f"-{checkpoint_sha256[:DIGEST_DIGITS]}-"
    return clear_conversions(folder, [name for name in read_pins(folder) if mark in name])


def clear_conversions(folder: Path, names: Iterable[str]) -> int:
    """Remove those of these names of the record that are conversions; return the bytes freed."""
    made = [name for name in names if name.startswith(f"{FOLDER}/")]
    freed = 0
    for name in made:
        path = folder / FOLDER / Path(name).name
        with suppress(FileNotFoundError, NotADirectoryError):
            freed += path.lstat().st_size
            path.unlink()
    if made:
        update_pins(folder, dict.fromkeys(made))
        with suppress(OSError):  # something else is in it
            (folder / FOLDER).rmdir()
    return freed


def _make_alone(folder: Path, name: str, convert: Convert) -> None:
    what = f"The converted model {folder / FOLDER / name}"
    try:
        with locked(folder / FOLDER / f".{name}.lock", what, WAIT_S):
            if not _as_made(folder, name):  # another process may just have made it
                _make(folder, name, convert)
    except OutputError as error:
        raise ModelError(str(error)) from error
    except OSError as error:
        raise ModelError(f"{what} can't be written: {reason(error)}. {CHOOSE_FOLDER}") from error


def _make(folder: Path, name: str, convert: Convert) -> None:
    target = folder / FOLDER
    with staging(target / name) as partial:
        convert(partial, name)
        # Weights before the card: whoever finds the card finds all. Recorded before either, so
        # that even half of it has an owner, and is made again as it isn't what the record says.
        made = [partial / f"{name}{suffix}" for suffix in (WEIGHTS_SUFFIX, CARD_SUFFIX)]
        update_pins(folder, {f"{FOLDER}/{path.name}": file_sha256(path) for path in made})
        for path in made:
            path.replace(target / path.name)


def _as_made(folder: Path, name: str) -> bool:
    """Tell whether both files of a conversion are there with the digests of the record."""
    pins: Mapping[str, str] = read_pins(folder)
    for suffix in (WEIGHTS_SUFFIX, CARD_SUFFIX):
        path = folder / FOLDER / f"{name}{suffix}"
        known = pins.get(f"{FOLDER}/{path.name}")
        if known is None or not path.is_file() or file_sha256(path) != known:
            return False
    return True
