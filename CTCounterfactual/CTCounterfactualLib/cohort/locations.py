"""Paths and URLs alike: what is read and written may lie on this computer or in a store.

A URL is whatever fsspec opens (`s3://bucket/key`, `gs://`, `memory://`, `file://`); a `file://` URL
is taken as the path that it names. Everything else is a path of this computer.
"""

from __future__ import annotations

import os
import re
from typing import Any

from ..errors import MissingExtraError, SettingsError
from ..storage import bounded
from ..storage.names import check_name

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")  # two letters or more: C:// is a drive
_FILE = re.compile(r"(file|local)://", re.IGNORECASE)


def is_url(location: str) -> bool:
    """Tell whether a location is a URL rather than a path of this computer."""
    return _URL.match(location) is not None and _FILE.match(location) is None


def plain(location: str) -> str:
    """Return a location without `file://`."""
    return _FILE.sub("", location, count=1)


def join(base: str, given: str) -> str:
    """Return a location that is relative to a folder, or absolute, as an absolute path or a URL."""
    given = plain(given)
    if is_url(given):
        return given
    if is_url(base):
        if os.path.isabs(given) or "\\" in given or ".." in given.split("/"):
            raise SettingsError(
                f"The path {given!r} leads out of {base}; give one within it, or a URL."
            )
        return f"{base.rstrip('/')}/{given.removeprefix('./')}"
    return os.path.normpath(os.path.join(base, given))


def folder_of(location: str) -> str:
    """Return the folder that a file lies in: an absolute path or a URL."""
    location = plain(location)
    return (
        location.rpartition("/")[0]
        if is_url(location)
        else os.path.dirname(os.path.abspath(location))
    )


def exists(location: str) -> bool:
    """Tell whether something is there; of a URL nobody is asked, it is read when its turn comes."""
    return is_url(location) or os.path.exists(location)


def read_bytes(location: str, most: int) -> bytes:
    """Return what a file holds; raises `OSError` if it can't be read or holds more than `most`."""
    if not is_url(location):
        return bounded.read_bytes(check_name(plain(location), SettingsError), most)
    system, inner = store_of(location)
    with system.open(inner, "rb") as file:
        data = file.read(most + 1)
    if len(data) > most:
        raise OSError(f"{location} has more than {most} bytes")
    return data


def store_of(url: str) -> tuple[Any, str]:
    """Return the file system of a URL (fsspec's) and the path within it.

    Raises
    ------
    MissingExtraError
        Without fsspec, or the package that it needs for this kind of URL.
    SettingsError
        If there is no such kind of URL.
    """
    try:
        import fsspec
    except ImportError as error:
        raise MissingExtraError("fsspec", "cohort", f"open {url}") from error
    try:
        return fsspec.core.url_to_fs(url)
    except ImportError as error:
        said = " ".join(str(error).split())
        raise SettingsError(f"A package is needed to open {url}: {said}") from error
    except ValueError as error:
        raise SettingsError(f"There is no way to open {url}: {error}.") from error
