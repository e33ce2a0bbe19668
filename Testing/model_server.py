"""A server of model files on this machine, and a `python` whose catalogue has its files.

It answers as a good server does, with ranges and validators; a test says where it is to go wrong.
"""

import hashlib
import io
import os
import re
import ssl
import stat
import sys
import threading
import time
import zipfile
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

NAP_S = 0.02
PACKAGE = Path(__file__).resolve().parents[1] / "CTCounterfactual"
# The command line as it is; only where the catalogue's files come from is another place. Other
# commands than `models fetch` see the real catalogue.
SHIM = """
import sys
sys.path.insert(0, {package!r})
from CTCounterfactualLib.app import cli, models_command
from CTCounterfactualLib.models import entry as listing
from CTCounterfactualLib.models.store.remote import RemoteFile

def list_models(folder=None, cache=None):
    file = RemoteFile({file!r}, {url!r}, {size}, {digest!r})
    return tuple(
        listing.CatalogueEntry(name, "classifier", "Made for a test", "needs download",
                                 licence=licence, files=(file,))
        for name, licence in {models!r}.items()
    )

models_command.list_models = list_models
sys.exit(cli.main(sys.argv[2:]))
"""


def checkpoint(size: int) -> bytes:
    """Return a file as `torch.save` writes it, with `size` random bytes for tensors."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("archive/data.pkl", b"\x80\x02}q\x00.")
        archive.writestr("archive/data/0", os.urandom(size))
    return file.getvalue()


CONTENT = checkpoint(4 << 20)  # 4 MB: several blocks of a download
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class ModelServer:
    """Serves CONTENT with byte ranges; while `slow` is set, the second half waits.

    Attributes
    ----------
    asked, conditions : list
        The headers Range and If-Range of all requests so far.
    paths : list of str
        What was asked for.
    content, etag, modified
        What is served, and what tells this version; "" leaves the header out.
    ranges : bool
        Whether ranges are known.
    wrong : list of callable
        Each answers one request in the server's place, `wrong(request)`; then all is well again.
    """

    def __init__(self, tls: ssl.SSLContext | None = None):
        self.asked, self.conditions, self.paths = [], [], []
        self.content, self.etag, self.modified = CONTENT, '"one"', ""
        self.ranges = True
        self.wrong: list[Callable] = []
        self.slow = threading.Event()
        self._closing = threading.Event()
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                owner._answer(self)

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.address = f"http{'s' if tls else ''}://127.0.0.1:{self._server.server_port}"
        self.url = f"{self.address}/model.pth"
        threading.Thread(target=self._server.serve_forever, args=(NAP_S,), daemon=True).start()

    def _answer(self, request):
        asked, condition = request.headers.get("Range"), request.headers.get("If-Range")
        self.asked.append(asked)
        self.conditions.append(condition)
        self.paths.append(request.path)
        try:
            if self.wrong:
                self.wrong.pop(0)(request)
                request.close_connection = True
            else:
                self._serve(request, asked, condition)
        except OSError:
            request.close_connection = True  # whoever asked has been ended

    def _serve(self, request, asked, condition):
        content, start = self.content, 0
        if asked and self.ranges and condition in (None, self.etag, self.modified):
            start = int(re.match(r"bytes=(\d+)-", asked)[1])
        if start >= len(content) > 0:
            self.send(request, 416, b"", {"Content-Range": f"bytes */{len(content)}"})
            return
        headers = {"Content-Length": str(len(content) - start)}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        half = max(start, len(content) // 2)
        self.send(request, 206 if start else 200, content[start:half], headers)
        while self.slow.is_set() and not self._closing.is_set():
            time.sleep(NAP_S)
        request.wfile.write(content[half:])

    def send(self, request, status: int, body: bytes = b"", headers: dict | None = None):
        """Send a status, headers with this version's validators, and the beginning of a body."""
        request.send_response(status)
        validators = {"ETag": self.etag, "Last-Modified": self.modified}
        for name, value in {**validators, **(headers or {})}.items():
            if value:
                request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    def breaks(self, after: int) -> Callable:
        """Return an answer for `wrong` that ends after so many bytes of what it promised."""
        return lambda request: self.send(
            request, 200, self.content[:after], {"Content-Length": str(len(self.content))}
        )

    def says(self, status: int, body: bytes = b"", **headers: str) -> Callable:
        """Return an answer for `wrong`; `Content_Type="text/html"` is a header."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return lambda request: self.send(request, status, body, named)

    def python(self, folder: Path, file: str, models: dict[str, str]) -> str:
        """Return the path of a `python` that fetches `file` from here for models with licences."""
        shim, script = folder / "shim.py", folder / "python"
        shim.write_text(
            SHIM.format(
                package=str(PACKAGE),
                url=self.url,
                size=len(CONTENT),
                digest=DIGEST[:8],
                file=file,
                models=models,
            )
        )
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{shim}" "$@"\n')
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        return str(script)

    def close(self):
        """Let waiting answers go, and answer no more."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
