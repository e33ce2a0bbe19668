"""Fetching one file: attempts that go on where earlier ones stopped, within what it can be.

The rules of a resumed download are those of HTTP (RFC 9110, 13.1.5 and 14): the range is asked for
under the condition that the file is still the same version, and the response is believed only as
far as its headers agree. Proxies are the environment's (`HTTPS_PROXY`), as `requests` reads them.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from time import monotonic, sleep

from ...errors import MissingExtraError, ModelError
from ...storage.names import reason
from ...storage.sizes import in_words
from .folder import CHOOSE_FOLDER
from .network_errors import DownloadFailed, status_failed
from .partial import PartialFile, Version
from .remote import RemoteFile, WrongFile
from .response import Part, read_part
from .stream import POLL_S, Stream

# (bytes so far, bytes in all or 0 if the server doesn't say); may raise to stop.
Progress = Callable[[int, int], None]
# May raise to stop; called again and again, also while nothing comes.
Check = Callable[[], None]
PROGRESS_BYTES = 1 << 20
ATTEMPTS = 4
# Seconds before the next attempt, times the number of those that failed.
PAUSE_S = 1.0


def download(
    file: RemoteFile, final: Path, progress: Progress | None = None, check: Check | None = None
) -> tuple[Path, str]:
    """Bring a file to the place beside `final` for files that aren't complete.

    Parameters
    ----------
    file : RemoteFile
        What to fetch; nothing larger than it can be is ever written.
    final : Path
        Where the file will be at last; in an existing folder.
    progress : callable, optional
        Told after each MB, and at the end.
    check : callable, optional
        Raises to stop.

    Returns
    -------
    Path
        Of all bytes, to be checked and then moved to `final`.
    str
        Their SHA-256, taken as they came.

    Raises
    ------
    DownloadFailed
        If it didn't succeed in `ATTEMPTS` attempts; what has arrived is kept for the next.
    WrongFile
        If the server offers something larger or smaller than the file can be; nothing is kept.
    MissingExtraError
        Without requests.
    """
    try:
        import requests  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("requests", "models", "download models") from error
    progress, check = progress or (lambda done, total: None), check or (lambda: None)
    try:
        with PartialFile(final, file.url) as partial:
            attempt = 1
            while True:
                try:
                    _attempt(file, partial, progress, check)
                    return partial.path, partial.sha256
                except WrongFile:
                    partial.restart()
                    raise
                except DownloadFailed as error:
                    if not error.again or attempt == ATTEMPTS:
                        raise
                _pause(attempt * PAUSE_S, check)
                attempt += 1
    except OSError as error:
        raise ModelError(
            f"Cannot keep what arrives of {file.name} in {final.parent}: {reason(error)}. "
            f"{CHOOSE_FOLDER}"
        ) from error


def _attempt(file: RemoteFile, partial: PartialFile, progress: Progress, check: Check) -> None:
    """Ask for what lacks and take all that comes; ask for all if the server has another version."""
    have, version = partial.size, partial.version
    if have and have == version.total:
        return  # an earlier process was ended before it could check the file
    headers = {"Range": f"bytes={have}-", "If-Range": version.condition} if have else {}
    with Stream(file.url, headers, check) as stream:
        response = stream.response()
        if response.status_code == HTTPStatus.OK:
            whole = read_part(file.url, response)
            partial.restart(_version(file, whole))
            return _collect(file, partial, whole, stream, progress)
        if not have:
            raise status_failed(file.url, response.status_code)
        if response.status_code == HTTPStatus.PARTIAL_CONTENT:
            part: Part | None = None
            with suppress(DownloadFailed):  # of headers that make no sense: then from the start
                part = read_part(file.url, response)
            if part and part.start == have and not version.contradicts(_version(file, part)):
                return _collect(file, partial, part, stream, progress)
        elif response.status_code != HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
            raise status_failed(file.url, response.status_code)
    partial.restart()
    return _attempt(file, partial, progress, check)


def _version(file: RemoteFile, part: Part) -> Version:
    return Version(file.url, part.etag, part.modified, part.total)


def _collect(
    file: RemoteFile, partial: PartialFile, part: Part, stream: Stream, progress: Progress
) -> None:
    """Write the body of a response; all of it must come, and no more than the file can have."""
    if part.total:
        file.check_size(part.total, f"{file.url} offers")
    check_space(partial.path.parent, (part.total or file.size_bytes) - partial.size, file.name)
    end = None if part.length is None else partial.size + part.length
    told = partial.size
    for block in stream.blocks():
        if partial.size + len(block) > file.plausible_sizes[1]:
            file.check_size(partial.size + len(block), f"{file.url} sends at least")
        partial.write(block)
        if partial.size - told >= PROGRESS_BYTES:
            told = partial.size
            progress(partial.size, part.total)
    if end is not None and partial.size < end:
        raise DownloadFailed(
            file.url, f"only {in_words(partial.size)} of {in_words(end)} came", True
        )
    if not partial.size:
        raise WrongFile(f"{file.url} is empty; {file.name} was not taken from there.")
    partial.record()
    if told != partial.size:
        progress(partial.size, part.total)


def check_space(folder: Path, needed: int, what: str) -> None:
    """Raise `ModelError` if a folder's disk has too little space for so many bytes."""
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise ModelError(
            f"Too little space in {folder}: {in_words(free)} are free, {what} needs "
            f"{in_words(needed)} more. {CHOOSE_FOLDER}"
        )


def _pause(seconds: float, check: Check) -> None:
    until = monotonic() + seconds
    while (left := until - monotonic()) > 0:
        check()
        sleep(min(left, POLL_S))
