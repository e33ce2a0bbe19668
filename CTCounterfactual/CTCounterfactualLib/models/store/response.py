"""One request: redirects followed as far as they are safe, headers read before any byte counts."""

from __future__ import annotations

import re
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from .network_errors import DownloadFailed

if TYPE_CHECKING:
    import requests

MAX_REDIRECTS = 10
# Seconds without a connection, or without a single byte, until it is given up.
TIMEOUT_S = 30
# Compressed in transit a small response could fill the disk, and ranges would count other bytes.
PLAIN = {"Accept-Encoding": "identity"}
_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18}|\*)", re.ASCII)


@dataclass(frozen=True)
class Part:
    """The bytes that a response holds.

    Parameters
    ----------
    start, total : int
        Of the first byte; of the whole file, 0 if the server doesn't say.
    length : int or None
        How many bytes the response has; None if the server doesn't say.
    etag, modified : str
        What tells this version of the file from others; empty where the server doesn't.
    """

    start: int
    total: int
    length: int | None
    etag: str
    modified: str


def new_session() -> requests.Session:
    """Return a session that follows no redirect, and doesn't read what comes along with one."""
    import requests

    class Session(requests.Session):
        def get_redirect_target(self, resp):
            return None  # else requests reads the body, however much that is, before it says where

    return Session()


def ask(session: requests.Session, url: str, headers: dict[str, str]) -> requests.Response:
    """Return the response at the end of all redirects, its body not read yet.

    Raises
    ------
    DownloadFailed
        If a redirect leads to an unsafe place, or there are more than `MAX_REDIRECTS`.
    """
    address = url
    for _ in range(MAX_REDIRECTS + 1):
        response = session.get(
            address, headers={**PLAIN, **headers}, stream=True, timeout=TIMEOUT_S
        )
        if not response.is_redirect:
            return response
        response.close()
        address = next_address(url, address, response.headers["Location"])
    raise DownloadFailed(url, f"it was redirected more than {MAX_REDIRECTS} times")


def next_address(url: str, address: str, location: str) -> str:
    """Return where a redirect leads; a file that began with https must stay with it.

    Raises
    ------
    DownloadFailed
        For any other kind of address: others on the way could exchange the file.
    """
    try:
        following = urljoin(address, location)
        scheme, host = urlsplit(following).scheme, urlsplit(following).hostname
    except ValueError:
        raise DownloadFailed(url, "it was redirected to an address that makes no sense") from None
    allowed = ("https",) if urlsplit(address).scheme == "https" else ("http", "https")
    if scheme not in allowed or not host:
        raise DownloadFailed(
            url,
            f"it was redirected to {following[:200]!r}, and only {' or '.join(allowed)} is safe",
        )
    return following


def read_part(url: str, response: requests.Response) -> Part:
    """Return what a response with a file, or a part of one, says of itself.

    Raises
    ------
    DownloadFailed
        If its headers contradict each other or can't be understood.
    """
    headers = response.headers
    coding = headers.get("Content-Encoding", "identity").strip().lower()
    if coding not in ("", "identity"):
        raise DownloadFailed(url, f"the server packed it ({coding[:40]}) though asked not to")
    length = _length(url, response)
    start, total = 0, length or 0
    if response.status_code == HTTPStatus.PARTIAL_CONTENT:
        match = _CONTENT_RANGE.fullmatch(headers.get("Content-Range", "").strip())
        if match is None:
            raise DownloadFailed(url, "the server sent a part without saying which")
        start, last = int(match[1]), int(match[2])
        total = 0 if match[3] == "*" else int(match[3])
        if last < start or (total and last + 1 != total) or length not in (None, last + 1 - start):
            raise DownloadFailed(url, "the server sent another part than it says")
        length = last + 1 - start
        total = total or last + 1
    return Part(
        start,
        total,
        length,
        headers.get("ETag", "").strip(),
        headers.get("Last-Modified", "").strip(),
    )


def _length(url: str, response: requests.Response) -> int | None:
    """Return the stated length of the body; chunks bring their own and overrule it."""
    stated = response.headers.get("Content-Length")
    if stated is None or "Transfer-Encoding" in response.headers:
        return None
    values = {value.strip() for value in stated.split(",")}
    if len(values) != 1 or not re.fullmatch(r"\d{1,18}", (value := values.pop()), re.ASCII):
        raise DownloadFailed(url, f"the server states the length {stated[:40]!r}")
    return int(value)
