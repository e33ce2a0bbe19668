"""Downloads that go wrong: broken off, changed meanwhile, not what was asked for, hostile."""

import gzip
import hashlib
import json
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import replace

import pytest

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.store import download, stream
from CTCounterfactualLib.models.store.download import ATTEMPTS
from CTCounterfactualLib.models.store.partial import PARTIAL_SUFFIX, RECORD_SUFFIX
from CTCounterfactualLib.models.store.pins import read_pins
from model_server import CONTENT, NAP_S, PACKAGE, checkpoint

HALF = len(CONTENT) // 2
PAGE = b"<!DOCTYPE html>..."  # 18 bytes


def left(cache) -> list[str]:
    return sorted(path.name for path in cache.folder.iterdir())


def broken(cache, file, server, after: int = HALF) -> int:
    """Let a download break off for good; return how many bytes are kept."""
    server.wrong = [server.breaks(after), *[server.says(503)] * (ATTEMPTS - 1)]
    with pytest.raises(ModelError, match="Cannot download"):
        cache.fetch(file)
    assert not server.wrong
    server.asked.clear()
    return (cache.folder / f"{file.name}{PARTIAL_SUFFIX}").stat().st_size


def test_a_broken_download_goes_on_by_itself_under_a_condition(cache, unknown, server):
    server.wrong = [server.breaks(HALF)]
    assert cache.fetch(unknown).read_bytes() == CONTENT
    assert server.asked == [None, f"bytes={HALF}-"] and server.conditions == [None, '"one"']


def test_a_later_attempt_goes_on_where_the_first_stopped(cache, unknown, server):
    assert broken(cache, unknown, server) == HALF
    seen = []
    path = cache.fetch(unknown, lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == CONTENT and server.asked == [f"bytes={HALF}-"]
    assert seen[0][0] > HALF and seen[-1] == (len(CONTENT), len(CONTENT))
    assert left(cache) == ["model.pth", "pins.json"]


def test_attempts_come_to_an_end(cache, unknown, server):
    server.wrong = [server.says(503)] * (ATTEMPTS + 1)
    with pytest.raises(ModelError, match=r"server answered 503 \(Service Unavailable\)"):
        cache.fetch(unknown)
    assert len(server.asked) == ATTEMPTS and left(cache) == []


def test_what_will_not_get_better_is_not_tried_again(cache, unknown, server):
    server.wrong = [server.says(404)]
    with pytest.raises(ModelError, match=r"server answered 404 \(Not Found\)"):
        cache.fetch(unknown)
    assert len(server.asked) == 1


@pytest.mark.parametrize("tells", ["etag", "modified"])
def test_another_version_is_taken_from_its_beginning(cache, unknown, server, tells):
    server.etag = ""
    setattr(server, tells, '"one"' if tells == "etag" else "Mon, 01 Jan 2024 00:00:00 GMT")
    broken(cache, unknown, server)
    server.content = checkpoint(4 << 20)
    setattr(server, tells, '"two"' if tells == "etag" else "Tue, 02 Jan 2024 00:00:00 GMT")
    assert cache.fetch(unknown).read_bytes() == server.content
    assert server.asked == [f"bytes={HALF}-"] and server.conditions[-1] != server.etag


@pytest.mark.parametrize(
    "headers",
    [
        {"ETag": '"two"'},
        {"Content-Range": f"bytes {HALF}-{len(CONTENT)}/{len(CONTENT) + 1}"},
        {"Content-Range": f"bytes {HALF - 1}-{len(CONTENT) - 1}/{len(CONTENT)}"},
        {"Content-Range": f"bytes {HALF}-{len(CONTENT) - 2}/{len(CONTENT)}"},
        {"Content-Range": ""},
        {"Content-Range": "bytes 0-x"},
        {"Content-Encoding": "gzip"},
    ],
    ids=["etag", "size", "start", "end", "unsaid", "nonsense", "packed"],
)
def test_a_part_that_does_not_fit_is_not_believed(cache, unknown, server, headers):
    """As from a server that ignores If-Range after the file has changed."""
    broken(cache, unknown, server)
    fits = {"Content-Range": f"bytes {HALF}-{len(CONTENT) - 1}/{len(CONTENT)}"}
    server.wrong = [lambda request: server.send(request, 206, b"x" * HALF, {**fits, **headers})]
    assert cache.fetch(unknown).read_bytes() == CONTENT
    assert server.asked == [f"bytes={HALF}-", None]


def test_without_a_validator_nothing_is_gone_on_from(cache, unknown, server):
    server.etag = ""
    broken(cache, unknown, server)
    assert cache.fetch(unknown).read_bytes() == CONTENT and server.asked == [None]


def test_a_weak_validator_does_not_do(cache, unknown, server):
    server.etag = 'W/"one"'
    broken(cache, unknown, server)
    assert cache.fetch(unknown).read_bytes() == CONTENT and server.asked == [None]


@pytest.mark.parametrize(
    "change",
    [
        lambda part, record: part.write_bytes(b"x" + part.read_bytes()[1:]),
        lambda part, record: part.write_bytes(part.read_bytes()[:-1]),
        lambda part, record: record.unlink(),
        lambda part, record: record.write_text("{"),
        lambda part, record: record.write_text(
            json.dumps({**json.loads(record.read_text()), "url": "https://elsewhere"})
        ),
        lambda part, record: record.write_text(
            json.dumps({**json.loads(record.read_text()), "bytes": 0})
        ),
    ],
    ids=["bytes", "shorter", "no record", "damaged record", "from elsewhere", "nothing"],
)
def test_what_is_not_surely_of_this_version_is_dropped(cache, unknown, server, change):
    broken(cache, unknown, server)
    name = cache.folder / unknown.name
    change(
        name.with_name(f"{name.name}{PARTIAL_SUFFIX}"),
        name.with_name(f"{name.name}{RECORD_SUFFIX}"),
    )
    assert cache.fetch(unknown).read_bytes() == CONTENT and server.asked == [None]


def test_bytes_behind_those_that_are_sure_are_dropped(cache, unknown, server):
    broken(cache, unknown, server)
    with (cache.folder / f"model.pth{PARTIAL_SUFFIX}").open("ab") as part:
        part.write(b"written, but not recorded")
    assert cache.fetch(unknown).read_bytes() == CONTENT
    assert server.asked == [f"bytes={HALF}-"]


def test_a_range_beyond_the_end_starts_anew(cache, unknown, server):
    broken(cache, unknown, server)
    server.wrong = [server.says(416)]
    assert cache.fetch(unknown).read_bytes() == CONTENT
    assert server.asked == [f"bytes={HALF}-", None]


def test_a_server_without_ranges_sends_it_all_again(cache, unknown, server):
    broken(cache, unknown, server)
    server.ranges = False
    assert cache.fetch(unknown).read_bytes() == CONTENT and len(server.asked) == 1


@pytest.mark.parametrize(
    ("headers", "body", "words"),
    [
        ({"Content_Length": "18"}, PAGE, "offers 18 bytes for model.pth"),
        ({}, PAGE, "is a web page"),
        ({"Content_Length": "0"}, b"", "is empty"),
        ({}, b"", "is empty"),
        ({}, CONTENT[:-9], "cut short, damaged"),
        ({"Content_Length": str(10 * len(CONTENT))}, b"", "offers 42 MB"),
        ({}, CONTENT * 2, r"sends at least 4\.\d MB"),
        ({"Content_Encoding": "gzip"}, gzip.compress(bytes(1 << 24)), "packed it"),
        ({"Content_Length": "abc"}, CONTENT, "states the length 'abc'"),
        ({"Content_Length": "-5"}, CONTENT, "states the length '-5'"),
        ({"Content_Range": "bytes 0-1/2"}, CONTENT[:100], "cut short, damaged"),
    ],
    ids=[
        "page",
        "page of unknown length",
        "empty",
        "nothing",
        "cut",
        "large",
        "endless",
        "bomb",
        "length abc",
        "length -5",
        "half",
    ],
)
def test_what_can_not_be_the_file_is_refused_and_never_pinned(
    cache, unknown, server, headers, body, words
):
    server.wrong = [server.says(200, body, **headers)]
    with pytest.raises(ModelError, match=words) as error:
        cache.fetch(unknown)
    assert left(cache) == [] and read_pins(cache.folder) == {} and "\n" not in str(error.value)
    assert cache.fetch(unknown).read_bytes() == CONTENT  # nothing is left that could spoil it


def test_a_mixture_of_two_versions_is_refused_whatever_the_server_says(cache, unknown, server):
    """A server that claims the same ETag for other bytes: the checksums in the file tell."""
    broken(cache, unknown, server)
    server.content = checkpoint(4 << 20)
    with pytest.raises(ModelError, match="is damaged"):
        cache.fetch(unknown)
    assert left(cache) == []


def test_a_short_body_is_noticed_by_counting(cache, unknown, server, monkeypatch):
    """As with urllib3 before version 2, which didn't compare."""
    from urllib3 import HTTPResponse

    monkeypatch.setattr(HTTPResponse, "stream", lambda self, *a, **k: iter([self._fp.read(HALF)]))
    server.wrong = [server.breaks(HALF)] + [server.says(503)] * ATTEMPTS
    with pytest.raises(ModelError, match="Cannot download"):
        cache.fetch(unknown)
    assert len(server.asked) == ATTEMPTS and not cache.has(unknown)


def test_a_cancel_is_heard_while_nothing_comes(cache, unknown, server):
    server.slow.set()
    part = cache.folder / f"model.pth{PARTIAL_SUFFIX}"

    def stop():
        if part.is_file() and part.stat().st_size > HALF // 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.fetch(unknown, check=stop)
    assert not cache.has(unknown) and part.stat().st_size > 0
    server.slow.clear()
    assert cache.fetch(unknown).read_bytes() == CONTENT
    assert server.asked[1].startswith("bytes=")


def test_a_server_that_hardly_sends_is_given_up(cache, unknown, server, monkeypatch):
    monkeypatch.setattr(stream, "STALLED_S", 0.3)
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    server.slow.set()
    with pytest.raises(ModelError, match="hardly anything comes"):
        cache.fetch(unknown)


def test_too_little_space_is_found_out_before(cache, unknown, server, monkeypatch):
    class Full:
        free = 300_000

    monkeypatch.setattr(download.shutil, "disk_usage", lambda folder: Full)
    with pytest.raises(ModelError, match=r"300 kB are free, model\.pth needs 4\.2 MB more"):
        cache.fetch(unknown)
    assert left(cache) == []


def test_a_killed_fetch_goes_on(cache, unknown, server, monkeypatch):
    """What the killed process had recorded counts; the rest is fetched again."""
    script = textwrap.dedent(f"""
        import sys
        sys.path.insert(0, {str(PACKAGE)!r})
        from pathlib import Path
        from CTCounterfactualLib.models.store import partial
        from CTCounterfactualLib.models.store.cache import ModelCache
        from CTCounterfactualLib.models.store.remote import RemoteFile
        partial.RECORDED_EVERY_BYTES = 1 << 20
        file = RemoteFile("model.pth", {server.url!r}, {len(CONTENT)})
        ModelCache(Path({str(cache.folder)!r})).fetch(file)
    """)
    server.slow.set()
    process = subprocess.Popen([sys.executable, "-c", script])
    record = cache.folder / f"model.pth{RECORD_SUFFIX}"
    while process.poll() is None:
        if record.is_file() and json.loads(record.read_text())["bytes"] >= 1 << 20:
            break
        time.sleep(NAP_S)
    process.send_signal(signal.SIGKILL)
    process.wait()
    server.slow.clear()
    assert cache.fetch(unknown).read_bytes() == CONTENT
    assert int(server.asked[1].removeprefix("bytes=").rstrip("-")) >= 1 << 20
    assert left(cache) == ["model.pth", "pins.json"]


def test_what_came_whole_before_a_kill_is_not_fetched_again(cache, unknown, server):
    broken(cache, unknown, server)
    part, record = (cache.folder / f"model.pth{end}" for end in (PARTIAL_SUFFIX, RECORD_SUFFIX))
    part.write_bytes(CONTENT)
    record.write_text(
        json.dumps(
            {
                **json.loads(record.read_text()),
                "bytes": len(CONTENT),
                "sha256": hashlib.sha256(CONTENT).hexdigest(),
            }
        )
    )
    assert cache.fetch(unknown).read_bytes() == CONTENT and server.asked == []


def test_the_proxy_of_the_environment_is_used(cache, unknown, server, monkeypatch):
    for name in ("NO_PROXY", "no_proxy", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.address)
    far = replace(unknown, url="http://models.invalid/model.pth")
    assert cache.fetch(far).read_bytes() == CONTENT
    assert server.paths == ["http://models.invalid/model.pth"]


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("http://127.0.0.1:9/x", r"127\.0\.0\.1 refuses connections"),
        ("http://models.invalid/x", r"no address is known for models\.invalid"),
    ],
)
def test_no_connection_is_told_in_words(cache, unknown, url, words, monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ModelError, match=words) as error:
        cache.fetch(replace(unknown, url=url))
    assert not any(word in str(error.value) for word in ("HTTPConnectionPool", "Errno", "urllib3"))
    assert left(cache) == []
