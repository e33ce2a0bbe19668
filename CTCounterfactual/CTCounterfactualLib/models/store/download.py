"""A downloader for pooch that goes on where an earlier one stopped, with progress and cancel.

pooch's own downloader starts from the beginning each time and draws a bar on a terminal; model
files here are up to half a gigabyte and the bar may be Slicer's. Proxies are the environment's
(`HTTPS_PROXY`), as `requests` reads them.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

from ...errors import ModelError
from ...wording import say

# (bytes so far, bytes in all or 0 if the server doesn't say); may raise to stop.
Progress = Callable[[int, int], None]
BLOCK_BYTES = 1 << 20
# Seconds without a connection, or without a single byte, until it is given up.
TIMEOUT_S = 30
PARTIAL = 206


class ResumingDownloader:
    """Callable of pooch's downloader interface: (url, output_file, pooch).

    Parameters
    ----------
    partial : Path
        Where the bytes collect; kept after a failure, so that the next attempt goes on from there.
    progress : callable, optional
        Told after each block.
    """

    def __init__(self, partial: Path, progress: Progress | None = None):
        self.partial = partial
        self.progress = progress

    def __call__(self, url: str, output_file: str, pooch) -> None:
        import requests

        have = self.partial.stat().st_size if self.partial.is_file() else 0
        headers = {"Range": f"bytes={have}-"} if have else {}
        try:
            with requests.get(url, headers=headers, stream=True, timeout=TIMEOUT_S) as answer:
                if have and answer.status_code == requests.codes.requested_range_not_satisfiable:
                    self.partial.unlink()  # longer than the file: of another version
                    return self(url, output_file, pooch)
                answer.raise_for_status()
                if answer.status_code != PARTIAL:
                    have = 0  # the server sends it all from the beginning
                self._collect(answer, have)
        except requests.RequestException as error:
            raise ModelError(_in_words(url, error)) from error
        shutil.move(os.fspath(self.partial), output_file)
        return None

    def _collect(self, answer, have: int) -> None:
        length = int(answer.headers.get("Content-Length", 0))
        total = have + length if length else 0
        with self.partial.open("ab" if have else "wb") as file:
            for block in answer.iter_content(BLOCK_BYTES):
                file.write(block)
                have += len(block)
                if self.progress is not None:
                    self.progress(have, total)


def _in_words(url: str, error: Exception) -> str:
    return (
        f"Cannot download {url}: {error}. Check the connection and the proxy (HTTPS_PROXY); what "
        f"has arrived is kept and the next attempt goes on from there. Or fetch the file by other "
        f"means and give it by {say('local_file')}."
    )
