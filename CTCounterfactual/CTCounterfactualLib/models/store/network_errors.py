"""What went wrong on the network, in words; none of the libraries' own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import urlsplit

from ...errors import ModelError
from ...wording import say

# Said after what went wrong, wherever another way is open.
OTHER_WAYS = (
    "Check the connection and the proxy (HTTPS_PROXY). What has arrived is kept, and the next "
    "attempt goes on from there if it can. Or fetch the file by other means and give it by "
    f"{say('local_file')}"
)


class DownloadFailed(ModelError):
    """An attempt failed; `again` tells whether another may help without anyone doing anything."""

    def __init__(self, url: str, why: str, again: bool = False):
        super().__init__(f"Cannot download {url}: {why}. {OTHER_WAYS}")
        self.again = again


def status_failed(url: str, status: int) -> DownloadFailed:
    """Return the error for a response that is no file."""
    try:
        words = f" ({HTTPStatus(status).phrase})"
    except ValueError:
        words = ""
    passing = (
        status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
        or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    )
    return DownloadFailed(url, f"the server answered {status}{words}", passing)


def connection_failed(url: str, error: Exception) -> DownloadFailed:
    """Return the error for what `requests` or a library below it raised."""
    import requests
    from urllib3 import exceptions as below

    host = urlsplit(url).hostname or url
    causes = tuple(_causes(error))

    def is_a(*kinds: type) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if is_a(requests.exceptions.ProxyError, below.ProxyError):
        return DownloadFailed(url, "the proxy can't be reached or refuses")
    if is_a(requests.exceptions.SSLError, below.SSLError):
        return DownloadFailed(url, f"the certificate of {host} isn't trusted here")
    if is_a(socket.gaierror):
        return DownloadFailed(url, f"no address is known for {host}")
    if is_a(ConnectionRefusedError):
        return DownloadFailed(url, f"{host} refuses connections")
    if is_a(requests.exceptions.Timeout, below.TimeoutError, TimeoutError):
        return DownloadFailed(url, f"{host} didn't answer in time", True)
    if is_a(below.InvalidHeader, requests.exceptions.InvalidHeader):
        return DownloadFailed(url, f"the answer of {host} makes no sense")
    if is_a(
        requests.exceptions.ConnectionError,
        requests.exceptions.ChunkedEncodingError,
        below.ProtocolError,
        OSError,
    ):
        return DownloadFailed(url, f"the connection to {host} broke off", True)
    return DownloadFailed(url, f"the answer of {host} makes no sense")


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and all that it wraps: as cause, context, argument or `reason`."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__cause__, one.__context__, getattr(one, "reason", None), *one.args]
