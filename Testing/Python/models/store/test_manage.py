"""Fetching several files with progress, telling changed ones, removing with what came of them."""

import json
import os

import pytest

from CTCounterfactualLib.errors import Cancelled, ModelError
from CTCounterfactualLib.events import CancelToken, Reporter
from CTCounterfactualLib.models.store.cache import ModelCache
from CTCounterfactualLib.models.store.conversions import conversion_name, converted
from CTCounterfactualLib.models.store.manage import (
    ABSENT,
    AS_IT_WAS,
    CHANGED,
    UNREADABLE,
    clear_files,
    fetch_files,
    is_here,
    remove_files,
    verify_files,
)
from CTCounterfactualLib.models.store.pins import read_pins
from CTCounterfactualLib.models.store.remote import RemoteFile
from model_server import checkpoint

NOWHERE = "https://localhost:1/"  # never asked: files are local or there


A, B = checkpoint(3000), checkpoint(1000)


def remote(name: str, size: int = 0) -> RemoteFile:
    return RemoteFile(name, NOWHERE + name, size)


@pytest.fixture
def cache(tmp_path):
    return ModelCache(tmp_path / "models", offline=True)


@pytest.fixture
def local(tmp_path):
    paths = {}
    for name, content in (("a.pth", A), ("b.pth", B)):
        paths[name] = tmp_path / f"from-elsewhere-{name}"
        paths[name].write_bytes(content)
    return paths


def test_local_files_are_taken_and_told_in_shares_of_their_sizes(cache, local):
    events = []
    files = [remote("a.pth", len(A)), remote("b.pth", len(B)), remote("a.pth", len(A))]
    paths = fetch_files(cache, files, local, Reporter(events.append))
    assert [path.read_bytes() for path in paths] == [A, B]
    assert [(event.step, event.fraction) for event in events] == [
        ("fetch", 0.0),
        ("fetch", len(A) / (len(A) + len(B))),
        ("fetched", 1.0),
    ]
    assert events[0].data == {"file": "a.pth", "bytes": 0, "total": len(A)}
    assert events[-1].data["files"] == ["a.pth", "b.pth"]


def test_a_file_of_unknown_size_counts_as_the_others_do(cache, local):
    events = []
    fetch_files(cache, [remote("a.pth", len(A)), remote("b.pth")], local, Reporter(events.append))
    assert [event.fraction for event in events] == [0.0, 0.5, 1.0]
    assert events[1].message == "b.pth: 0 bytes"


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
        ("a.pth", AS_IT_WAS),
        ("b.pth", CHANGED),
        ("c.pth", ABSENT),
    ]
    assert "that of its first use is" in checks[1].message and not checks[0].message


def test_a_damaged_record_is_no_changed_file(cache, local):
    fetch_files(cache, [remote("a.pth")], local)
    (cache.folder / "pins.json").write_text("[", encoding="utf-8")
    with pytest.raises(ModelError, match="record of known model files"):
        verify_files(cache, [remote("a.pth")])


def test_an_unreadable_file_is_no_good_one_and_is_named(cache, local):
    files = [remote("a.pth"), remote("b.pth"), remote("c.pth")]
    fetch_files(cache, files[:2], local)
    (cache.folder / "a.pth").unlink()
    (cache.folder / "a.pth").mkdir()
    (cache.folder / "c.pth").symlink_to(cache.folder / "nowhere")
    checks = verify_files(cache, files)
    assert [check.state for check in checks] == [UNREADABLE, AS_IT_WAS, UNREADABLE]
    assert "a.pth is no file" in checks[0].message and "leads nowhere" in checks[2].message


def test_a_file_without_permission_is_named(cache, local):
    fetch_files(cache, [remote("a.pth")], local)
    (cache.folder / "a.pth").chmod(0)
    if os.access(cache.folder / "a.pth", os.R_OK):
        pytest.skip("this user may read everything")
    (check,) = verify_files(cache, [remote("a.pth")])
    assert check.state == UNREADABLE and "Mend its permissions" in check.message


def convert(cache, file) -> None:
    """Make a conversion of a file, of 6 bytes."""

    def make(folder, name):
        for suffix in (".safetensors", ".json"):
            (folder / f"{name}{suffix}").write_bytes(b"abc")
        return folder / f"{name}.json"

    with converted(cache.folder, conversion_name("x", read_pins(cache.folder)[file.name]), make):
        pass


def test_removing_takes_what_was_converted_from_a_file_and_nothing_else(cache, local):
    files = [remote("a.pth"), remote("b.pth")]
    fetch_files(cache, files, local)
    for file in files:
        convert(cache, file)
    assert len(list((cache.folder / "converted").iterdir())) == 4
    assert remove_files(cache, [files[0]]) == len(A) + 6
    assert len(list((cache.folder / "converted").iterdir())) == 2
    assert not cache.has(files[0]) and cache.has(files[1])
    assert remove_files(cache, [files[0]]) == 0


def filled(cache, local) -> list[RemoteFile]:
    """Fill a cache with files, a part of a download and a conversion; return the catalogue's."""
    files = [remote("a.pth"), remote("b.pth"), remote("c.pth")]
    fetch_files(cache, files[:2], local)
    convert(cache, files[0])
    (cache.folder / "c.pth.part").write_bytes(b"12345")
    (cache.folder / "c.pth.part.json").write_bytes(b"{}")
    return files


def test_clearing_takes_all_that_is_the_stores(cache, local):
    files = filled(cache, local)
    # a.pth has left the catalogue; the record still knows it.
    assert clear_files(cache, files[1:]) == (len(A) + len(B) + 5 + 2 + 6, ())
    assert not cache.folder.exists()
    assert clear_files(cache, files) == (0, ())


def test_clearing_leaves_what_is_anyone_elses(cache, local):
    files = filled(cache, local)
    (cache.folder / "notes.txt").write_text("mine")
    (cache.folder / "thesis").mkdir()
    (cache.folder / "thesis" / "a.pth").write_text("mine")
    (cache.folder / "accepted_code.json").write_text("{}")
    (cache.folder / "converted" / "mine.json").write_text("mine")
    freed, left = clear_files(cache, files)
    assert freed > len(A) and left == ("accepted_code.json", "converted", "notes.txt", "thesis")
    assert sorted(path.name for path in cache.folder.rglob("*") if path.is_file()) == [
        "a.pth",
        "accepted_code.json",
        "mine.json",
        "notes.txt",
    ]


def test_clearing_is_the_way_out_of_a_damaged_record(cache, local):
    files = filled(cache, local)
    (cache.folder / "pins.json").write_text("[")
    freed, left = clear_files(cache, files)
    assert freed >= len(A) + len(B) and left == ("converted",)
    assert read_pins(cache.folder) == {}


def test_a_record_that_names_a_file_elsewhere_removes_nothing_there(cache, local, tmp_path):
    fetch_files(cache, [remote("a.pth")], local)
    (tmp_path / "precious").write_text("mine")
    names = ("../precious", "converted/../../precious", str(tmp_path / "precious"), "..")
    (cache.folder / "pins.json").write_text(json.dumps(dict.fromkeys(names, "0" * 64)))
    clear_files(cache, [remote("a.pth")])
    assert (tmp_path / "precious").read_text() == "mine"
