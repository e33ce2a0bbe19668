"""A server of model files on this machine, and a `python` whose catalogue has its files."""

import hashlib
import os
import re
import stat
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

CONTENT = os.urandom(1 << 10) * 4096  # 4 MB: four blocks of a download
DIGEST = hashlib.sha256(CONTENT).hexdigest()
NAP_S = 0.02
PACKAGE = Path(__file__).resolve().parents[1] / "CTCounterfactual"
# The command line as it is; only where the catalogue's files come from is another place. Other
# commands than `models fetch` see the real catalogue.
SHIM = """
import sys
sys.path.insert(0, {package!r})
from CTCounterfactualLib.app import cli, models_command
from CTCounterfactualLib.models import catalogue
from CTCounterfactualLib.models.store.remote import RemoteFile

def list_models(folder=None, cache=None):
    file = RemoteFile({file!r}, {url!r}, {size}, {digest!r})
    return tuple(
        catalogue.CatalogueEntry(name, "classifier", "Made for a test", "needs download",
                                 licence=licence, files=(file,))
        for name, licence in {models!r}.items()
    )

models_command.list_models = list_models
sys.exit(cli.main(sys.argv[2:]))
"""


class ModelServer:
    """Serves CONTENT with byte ranges; while `slow` is set, the second half waits."""

    def __init__(self):
        self.asked = []
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
        self.url = f"http://127.0.0.1:{self._server.server_port}/model.pth"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def _answer(self, request):
        asked = request.headers.get("Range")
        self.asked.append(asked)
        start = int(re.match(r"bytes=(\d+)-", asked)[1]) if asked else 0
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(CONTENT) - start))
        request.end_headers()
        half = max(start, len(CONTENT) // 2)
        request.wfile.write(CONTENT[start:half])
        while self.slow.is_set() and not self._closing.is_set():
            time.sleep(NAP_S)
        try:
            request.wfile.write(CONTENT[half:])
        except OSError:
            request.close_connection = True  # whoever asked has been ended

    def python(self, folder: Path, file: str, models: dict[str, str]) -> str:
        """Return the path of a `python` that fetches `file` from here for models (with licences).
        """
        shim, script = folder / "shim.py", folder / "python"
        shim.write_text(SHIM.format(
            package=str(PACKAGE), url=self.url, size=len(CONTENT), digest=DIGEST[:8],
            file=file, models=models,
        ))
        script.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{shim}" "$@"\n')
        script.chmod(script.stat().st_mode | stat.S_IXUSR)
        return str(script)

    def close(self):
        """Let waiting answers go, and answer no more."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
