"""Model files: fetched once, resumed, checked at every use, pinned, removed (localhost only)."""

import hashlib
import re
import threading
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.store.cache import PARTIAL_SUFFIX, ModelCache, default_folder
from CTCounterfactualLib.models.store.download import BLOCK_BYTES
from CTCounterfactualLib.models.store.remote import RemoteFile

CONTENT = bytes(range(256)) * (3 * BLOCK_BYTES // 256 + 7)
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """Serves CONTENT with byte ranges; `breaks` ends the first answer after so many bytes."""

    def __init__(self):
        self.asked = []
        self.breaks = None
        self.ranges = True
        owner = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                owner.answer(self)

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/model.pth"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, request):
        asked = request.headers.get("Range")
        self.asked.append(asked)
        start = int(re.match(r"bytes=(\d+)-", asked)[1]) if asked and self.ranges else 0
        if start >= len(CONTENT):
            request.send_response(416)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        body = CONTENT[start:]
        request.send_response(206 if start else 200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        stop, self.breaks = self.breaks, None
        request.wfile.write(body[:stop])

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def server():
    server = Server()
    yield server
    server.close()


@pytest.fixture
def file(server):
    return RemoteFile("model.pth", server.url, len(CONTENT), DIGEST[:8])


@pytest.fixture
def cache(tmp_path):
    return ModelCache(tmp_path / "models")


def test_a_file_is_fetched_once_with_progress(cache, file, server):
    seen = []
    path = cache.fetch(file, lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT)) and seen == sorted(seen)
    assert cache.fetch(file) == path and len(server.asked) == 1
    assert sorted(p.name for p in cache.folder.iterdir()) == ["model.pth", "pins.json"]


def test_an_interrupted_download_goes_on_where_it_stopped(cache, file, server):
    server.breaks = BLOCK_BYTES + 5
    with pytest.raises(ModelError, match=r"Cannot download .*the next attempt goes on from there"):
        cache.fetch(file)
    partial = cache.folder / (file.name + PARTIAL_SUFFIX)
    assert not cache.has(file) and 0 < partial.stat().st_size <= BLOCK_BYTES + 5
    kept = partial.stat().st_size
    assert cache.fetch(file).read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={kept}-"] and not partial.exists()


def test_a_server_without_ranges_sends_it_all_again(cache, file, server):
    cache.folder.mkdir()
    (cache.folder / (file.name + PARTIAL_SUFFIX)).write_bytes(b"other bytes")
    server.ranges = False
    assert cache.fetch(file).read_bytes() == CONTENT


def test_leftovers_longer_than_the_file_are_dropped(cache, file, server):
    cache.folder.mkdir()
    (cache.folder / (file.name + PARTIAL_SUFFIX)).write_bytes(CONTENT + b"more")
    assert cache.fetch(file).read_bytes() == CONTENT


def test_a_cancelled_download_keeps_what_it_has(cache, file, server):
    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.fetch(file, stop)
    assert not cache.has(file)
    assert (cache.folder / (file.name + PARTIAL_SUFFIX)).stat().st_size > 0


def test_offline_says_what_to_do_and_asks_nobody(cache, file, server):
    with pytest.raises(ModelError, match="the network isn't to be used"):
        replace(cache, offline=True).fetch(file)
    assert server.asked == []


def test_a_file_that_is_not_what_its_publisher_says_is_not_kept(cache, file, server):
    wrong = replace(file, sha256="0" * 8)
    with pytest.raises(ModelError, match=f"SHA-256 {DIGEST[:12]}.*its publisher's is 00000000"):
        cache.fetch(wrong)
    assert [p.name for p in cache.folder.iterdir()] == []


def test_without_a_published_digest_the_first_one_is_pinned(cache, file, server, tmp_path):
    unknown = replace(file, sha256="")
    path = cache.fetch(unknown)
    path.write_bytes(CONTENT[:-1] + b"x")
    with pytest.raises(ModelError, match="that of its first use is"):
        cache.path(unknown)
    with pytest.raises(ModelError, match="that of its first use is"):
        cache.fetch(unknown)
    freed = cache.remove(unknown)
    assert freed == len(CONTENT) and not cache.has(unknown)
    other = tmp_path / "other.pth"
    other.write_bytes(b"a new version")
    assert cache.adopt(unknown, other).read_bytes() == b"a new version"  # forgotten, so trusted


def test_a_local_file_serves_instead_of_a_download(cache, file, server, tmp_path):
    local = tmp_path / "from-a-colleague.pth"
    local.write_bytes(CONTENT)
    assert replace(cache, offline=True).adopt(file, local) == cache.path(file)
    assert server.asked == []
    with pytest.raises(ModelError, match="There is no file"):
        cache.adopt(file, tmp_path / "nothing")


def test_a_file_that_is_not_there_says_how_to_get_it(cache, file):
    with pytest.raises(ModelError, match=r"model\.pth \(3 MB\) isn't here yet"):
        cache.path(file)


def test_a_damaged_record_of_pins_trusts_nothing(cache, file, server):
    cache.fetch(file)
    (cache.folder / "pins.json").write_text("[1, 2", encoding="utf-8")
    with pytest.raises(ModelError, match="record of known model files"):
        cache.path(file)


@pytest.mark.parametrize(("row", "words"), [
    ({"name": "../../etc/x", "url": "https://a/b"}, "expected a plain file name"),
    ({"name": "..\\x", "url": "https://a/b"}, "expected a plain file name"),
    ({"name": "", "url": "https://a/b"}, "expected a plain file name"),
    ({"name": "x", "url": "http://a/b"}, "expected an https address"),
    ({"name": "x", "url": "file:///a"}, "expected an https address"),
    ({"name": "x", "uri": "https://a/b"}, "is wrong"),
])
def test_the_catalogue_can_not_name_files_elsewhere(row, words):
    with pytest.raises(ModelError, match=words):
        RemoteFile.from_dict(row)


def test_the_folder_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("CT_COUNTERFACTUAL_MODELS", str(tmp_path / "shared"))
    assert default_folder() == tmp_path / "shared"
    monkeypatch.delenv("CT_COUNTERFACTUAL_MODELS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "ct-counterfactual" / "models"
