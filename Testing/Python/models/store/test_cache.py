"""Model files: fetched once, checked at every use, pinned, taken from elsewhere, removed."""

import os
import stat
import threading
from dataclasses import replace

import pytest

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.store.cache import ModelCache, default_folder
from CTCounterfactualLib.models.store.pins import read_pins, update_pins
from CTCounterfactualLib.models.store.remote import RemoteFile
from model_server import CONTENT, DIGEST, checkpoint


def names(cache) -> list[str]:
    return sorted(path.name for path in cache.folder.iterdir())


def test_a_file_is_fetched_once_with_progress(cache, file, server):
    seen = []
    path = cache.fetch(file, lambda done, total: seen.append((done, total)))
    assert path.read_bytes() == CONTENT
    assert seen[-1] == (len(CONTENT), len(CONTENT)) and seen == sorted(seen) and len(seen) >= 4
    assert cache.fetch(file) == path and len(server.asked) == 1
    assert names(cache) == ["model.pth", "pins.json"]
    assert read_pins(cache.folder) == {"model.pth": DIGEST}


def test_two_who_fetch_at_once_get_one_download(cache, file, server):
    server.slow.set()
    paths = []
    threads = [threading.Thread(target=lambda: paths.append(cache.fetch(file))) for _ in range(2)]
    for thread in threads:
        thread.start()
    while not server.asked:
        pass
    server.slow.clear()
    for thread in threads:
        thread.join()
    assert [path.read_bytes() for path in paths] == [CONTENT] * 2 and len(server.asked) == 1


def test_who_waits_for_another_fetch_can_be_stopped(cache, file, server):
    server.slow.set()
    first = threading.Thread(target=lambda: cache.fetch(file))
    first.start()
    while not server.asked:
        pass

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.fetch(file, check=stop)
    with pytest.raises(ModelError, match=r"model\.pth is in use by process \d+"):
        cache.remove(file)
    server.slow.clear()
    first.join()
    assert cache.has(file) and len(server.asked) == 1


def test_what_a_killed_process_left_at_the_very_end_is_cleaned(cache, file):
    cache.fetch(file)
    (cache.folder / ".model.pth.lock").write_text("{}")
    cache.fetch(file)
    assert names(cache) == ["model.pth", "pins.json"]


def test_offline_says_what_to_do_and_asks_nobody(cache, file, server):
    with pytest.raises(ModelError, match=r"the network isn't to be used.* from http://127"):
        replace(cache, offline=True).fetch(file)
    assert server.asked == [] and not cache.folder.exists()


def test_a_file_that_is_not_what_its_publisher_says_is_not_kept(cache, file):
    wrong = replace(file, sha256="0" * 8)
    with pytest.raises(ModelError, match=f"SHA-256 {DIGEST[:12]}.*its publisher's is 00000000"):
        cache.fetch(wrong)
    assert names(cache) == []


def test_without_a_published_digest_the_first_one_is_pinned(cache, unknown, tmp_path):
    path = cache.fetch(unknown)
    path.write_bytes(CONTENT[:-1] + b"x")
    for again in (cache.path, cache.fetch):
        with pytest.raises(ModelError, match="that of its first use is"):
            again(unknown)
    assert cache.remove(unknown) == len(CONTENT) and not cache.has(unknown)
    other = tmp_path / "other.pth"
    other.write_bytes(checkpoint(4 << 20))
    assert cache.adopt(unknown, other).read_bytes() == other.read_bytes()  # forgotten, so trusted


def test_another_version_does_not_replace_a_pinned_one(cache, unknown, tmp_path):
    path = cache.fetch(unknown)
    other = tmp_path / "other.pth"
    other.write_bytes(checkpoint(4 << 20))
    with pytest.raises(ModelError, match="that of its first use is"):
        cache.adopt(unknown, other)
    assert path.read_bytes() == CONTENT and names(cache) == ["model.pth", "pins.json"]


def test_what_was_put_there_by_hand_is_checked_before_it_is_pinned(cache, unknown):
    cache.folder.mkdir()
    path = cache.folder / unknown.name
    for content, words in (
        (b"<html>Please log in</html>", "is a web page"),
        (b"", "is empty"),
        (CONTENT[:-1], "cut short"),
        (checkpoint(100), r"has \d+ bytes for model\.pth"),
    ):
        path.write_bytes(content)
        with pytest.raises(ModelError, match=words):
            cache.path(unknown)
        assert read_pins(cache.folder) == {}
    path.write_bytes(CONTENT)
    assert cache.checked(unknown) == (path, DIGEST)
    assert read_pins(cache.folder) == {"model.pth": DIGEST}


def test_a_local_file_serves_instead_of_a_download(cache, file, server, tmp_path):
    local = tmp_path / "from-a-colleague.pth"
    local.write_bytes(CONTENT)
    assert replace(cache, offline=True).adopt(file, local) == cache.path(file)
    assert server.asked == [] and names(cache) == ["model.pth", "pins.json"]


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "There is no file"),
        (lambda path: path.mkdir(), "is a folder"),
        (lambda path: os.mkfifo(path), "is a pipe"),
        (lambda path: path.symlink_to(__file__), "is a link"),
        (lambda path: path.write_bytes(b"<html>"), "has 6 bytes for model.pth"),
        (lambda path: path.write_bytes(CONTENT * 2), "has 8.4 MB for model.pth"),
        (lambda path: path.write_bytes(CONTENT[:-1]), "cut short"),
    ],
    ids=["nothing", "folder", "pipe", "link", "page", "large", "cut"],
)
def test_only_an_ordinary_file_of_the_right_kind_is_taken(cache, unknown, tmp_path, make, words):
    source = tmp_path / "source"
    make(source)
    with pytest.raises(ModelError, match=words):
        cache.adopt(unknown, source)
    assert names(cache) == []


def test_copying_a_local_file_can_be_stopped(cache, file, tmp_path):
    source, calls = tmp_path / "source", []
    source.write_bytes(CONTENT)

    def stop():
        calls.append(1)
        if len(calls) == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cache.adopt(file, source, stop)
    assert names(cache) == []


def test_a_file_that_is_not_there_says_its_size(cache, file):
    with pytest.raises(ModelError, match=r"model\.pth \(4\.2 MB\) isn't here yet"):
        cache.path(file)


def test_what_another_process_pinned_meanwhile_stays(cache, file, tmp_path):
    cache.folder.mkdir()
    threads = [
        threading.Thread(target=update_pins, args=(cache.folder, {f"{n}": f"{n:064x}"}))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert read_pins(cache.folder) == {f"{n}": f"{n:064x}" for n in range(8)}
    update_pins(cache.folder, {"3": None})
    assert "3" not in read_pins(cache.folder) and len(read_pins(cache.folder)) == 7


@pytest.mark.parametrize(
    "content",
    [
        b"[1, 2",
        b"5",
        b"[]",
        b'{"model.pth": 3}',
        b'{"model.pth": "abc"}',
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_a_damaged_record_of_pins_trusts_nothing(cache, file, server, content):
    cache.fetch(file)
    (cache.folder / "pins.json").write_bytes(content)
    for use in (cache.path, cache.fetch, lambda file: cache.adopt(file, __file__)):
        with pytest.raises(ModelError, match="record of known model files"):
            use(file)
    (cache.folder / "model.pth").unlink()
    with pytest.raises(ModelError, match="record of known model files"):
        cache.fetch(file)
    assert len(server.asked) == 1  # found out before the second download


def test_a_folder_in_place_of_the_record_trusts_nothing(cache, file):
    cache.fetch(file)
    (cache.folder / "pins.json").unlink()
    (cache.folder / "pins.json").mkdir()
    with pytest.raises(ModelError, match="record of known model files"):
        cache.path(file)


@pytest.mark.parametrize("below", ["", "models"])
def test_a_file_in_place_of_the_cache_is_said(tmp_path, file, below):
    (tmp_path / "taken").write_bytes(b"notes")
    cache = ModelCache(tmp_path / "taken" / below)
    for use in (cache.fetch, lambda file: cache.adopt(file, __file__), cache.path):
        with pytest.raises(ModelError, match=r"can't be used: .*CT_COUNTERFACTUAL_MODELS"):
            use(file)
    assert not cache.has(file) and (tmp_path / "taken").read_bytes() == b"notes"


def test_a_cache_that_can_only_be_read_serves_what_is_there(cache, unknown, monkeypatch):
    cache.fetch(unknown)
    (cache.folder / "pins.json").unlink()
    before = names(cache)
    cache.folder.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        if os.access(cache.folder, os.W_OK):
            pytest.skip("this user may write everywhere")
        assert cache.path(unknown).read_bytes() == CONTENT
        assert names(cache) == before
        with pytest.raises(ModelError, match=r"no permission.*CT_COUNTERFACTUAL_MODELS"):
            cache.fetch(replace(unknown, name="other.pth"))
    finally:
        cache.folder.chmod(stat.S_IRWXU)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"name": "../../etc/x", "url": "https://a/b"}, "expected a plain file name"),
        ({"name": "..\\x", "url": "https://a/b"}, "expected a plain file name"),
        ({"name": "", "url": "https://a/b"}, "expected a plain file name"),
        ({"name": "x", "url": "http://a/b"}, "expected an https address"),
        ({"name": "x", "url": "file:///a"}, "expected an https address"),
        ({"name": "x", "uri": "https://a/b"}, "is wrong"),
        ({"name": "x", "url": "https://a/b", "size_range": [5, 2]}, "is wrong"),
        ({"name": "x", "url": "https://a/b", "size_range": 5}, "is wrong"),
        ({"name": "x", "url": "https://a/b", "size_bytes": -1}, "is wrong"),
    ],
)
def test_the_catalogue_can_not_name_files_elsewhere(row, words):
    with pytest.raises(ModelError, match=words):
        RemoteFile.from_dict(row)


def test_a_stated_size_leaves_little_room():
    assert RemoteFile("x", "", 1000).plausible_sizes == (900, 1100)
    assert RemoteFile("x", "", 1000, size_range=(1, 5)).plausible_sizes == (1, 5)


def test_the_folder_can_be_chosen(monkeypatch, tmp_path):
    monkeypatch.setenv("CT_COUNTERFACTUAL_MODELS", str(tmp_path / "shared"))
    assert default_folder() == tmp_path / "shared"
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CT_COUNTERFACTUAL_MODELS", "~/shared")
    assert default_folder() == tmp_path / "shared"
    monkeypatch.delenv("CT_COUNTERFACTUAL_MODELS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "ct-counterfactual" / "models"


def test_where_nothing_can_be_recorded_what_is_there_is_read(cache, unknown):
    """As in a shared folder of others: here a folder stands where the lock would be."""
    cache.fetch(unknown)
    (cache.folder / "pins.json").unlink()
    (cache.folder / ".pins.lock").mkdir()
    assert cache.checked(unknown) == (cache.folder / "model.pth", DIGEST)
    assert read_pins(cache.folder) == {}
