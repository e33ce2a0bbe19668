"""Fetching several files with progress, telling changed ones, removing with what came of them."""

import pytest

from CTCounterfactualLib.errors import Cancelled, ModelError
from CTCounterfactualLib.events import CancelToken, Reporter
from CTCounterfactualLib.models.store.cache import CONVERTED, ModelCache
from CTCounterfactualLib.models.store.manage import (
    ABSENT,
    AS_IT_WAS,
    CHANGED,
    fetch_files,
    is_here,
    remove_files,
    verify_files,
)
from CTCounterfactualLib.models.store.remote import RemoteFile

NOWHERE = "https://localhost:1/"  # never asked: files are local or there


def remote(name: str, size: int = 0) -> RemoteFile:
    return RemoteFile(name, NOWHERE + name, size)


@pytest.fixture
def cache(tmp_path):
    return ModelCache(tmp_path / "models", offline=True)


@pytest.fixture
def local(tmp_path):
    paths = {}
    for name, content in (("a.pth", b"a" * 300), ("b.pth", b"b" * 100)):
        paths[name] = tmp_path / f"from-elsewhere-{name}"
        paths[name].write_bytes(content)
    return paths


def test_local_files_are_taken_and_told_in_shares_of_their_sizes(cache, local):
    events = []
    files = [remote("a.pth", 300), remote("b.pth", 100), remote("a.pth", 300)]
    paths = fetch_files(cache, files, local, Reporter(events.append))
    assert [path.read_bytes() for path in paths] == [b"a" * 300, b"b" * 100]
    assert [(event.step, event.fraction) for event in events] == [
        ("fetch", 0.0), ("fetch", 0.75), ("fetched", 1.0)
    ]
    assert events[0].data == {"file": "a.pth", "bytes": 0, "total": 300}
    assert events[-1].data["files"] == ["a.pth", "b.pth"]


def test_a_file_of_unknown_size_counts_as_the_others_do(cache, local):
    events = []
    fetch_files(cache, [remote("a.pth", 300), remote("b.pth")], local, Reporter(events.append))
    assert [event.fraction for event in events] == [0.0, 0.5, 1.0]
    assert events[1].message == "b.pth: 0 MB"


def test_a_cancel_is_heard_before_each_file(cache, local):
    token = CancelToken()
    token.cancel()
    with pytest.raises(Cancelled):
        fetch_files(cache, [remote("a.pth")], local, Reporter(cancel=token))
    assert not cache.has(remote("a.pth"))


def test_what_is_not_here_and_can_not_be_fetched_is_said(cache):
    with pytest.raises(ModelError, match="the network isn't to be used"):
        fetch_files(cache, [remote("a.pth")])


def test_a_part_of_a_download_is_here_too(cache, local):
    files = [remote("a.pth"), remote("b.pth")]
    assert not is_here(cache, files)
    cache.folder.mkdir()
    (cache.folder / "b.pth.part").write_bytes(b"1")
    assert is_here(cache, files) and not is_here(cache, files[:1])


def test_each_file_is_as_it_was_changed_or_not_here(cache, local):
    files = [remote("a.pth"), remote("b.pth"), remote("c.pth")]
    fetch_files(cache, files[:2], local)
    (cache.folder / "b.pth").write_bytes(b"something else")
    checks = verify_files(cache, [*files, files[0]])
    assert [(check.file.name, check.state) for check in checks] == [
        ("a.pth", AS_IT_WAS), ("b.pth", CHANGED), ("c.pth", ABSENT)
    ]
    assert "that of its first use is" in checks[1].message and not checks[0].message


def test_a_damaged_record_is_no_changed_file(cache, local):
    fetch_files(cache, [remote("a.pth")], local)
    (cache.folder / "pins.json").write_text("[", encoding="utf-8")
    with pytest.raises(ModelError, match="record of known model files"):
        verify_files(cache, [remote("a.pth")])


def test_removing_takes_what_was_converted_from_a_file_and_nothing_else(cache, local):
    files = [remote("a.pth"), remote("b.pth")]
    fetch_files(cache, files, local)
    folder = cache.folder / CONVERTED
    folder.mkdir()
    of_a, of_b = (cache.digest(file)[:12] for file in files)
    for name in (f"one-{of_a}.json", f"two-{of_a}.safetensors", f"one-{of_b}.json"):
        (folder / name).write_bytes(b"12345")
    assert remove_files(cache, [files[0]]) == 300 + 2 * 5
    assert [path.name for path in folder.iterdir()] == [f"one-{of_b}.json"]
    assert not cache.has(files[0]) and cache.has(files[1])
    assert remove_files(cache, [files[0]]) == 0
