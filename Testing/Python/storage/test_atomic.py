"""Single files: whole or not at all, with everything that a name or a place can be."""

import os
import signal
import stat
import subprocess
import sys

import pytest

from CTCounterfactualLib.errors import OutputError
from CTCounterfactualLib.storage import atomic
from CTCounterfactualLib.storage.atomic import whole_file, write_json, write_text


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_file_appears_whole_and_alone(tmp_path):
    with whole_file(tmp_path / "a.txt") as partial:
        partial.write_text("new")
        assert partial.name == "a.txt" and not (tmp_path / "a.txt").exists()
    assert (tmp_path / "a.txt").read_text() == "new" and names(tmp_path) == ["a.txt"]


def test_a_failure_keeps_the_earlier_file_and_removes_made_folders(tmp_path):
    (tmp_path / "a.txt").write_text("old")
    for path in (tmp_path / "a.txt", tmp_path / "b" / "c" / "a.txt"):
        with pytest.raises(KeyError), whole_file(path, parents=True) as partial:
            partial.write_text("half")
            raise KeyError
    assert (tmp_path / "a.txt").read_text() == "old" and names(tmp_path) == ["a.txt"]


def test_without_overwrite_nothing_is_replaced_even_at_the_last_moment(tmp_path):
    target = tmp_path / "a.txt"
    with (
        pytest.raises(OutputError, match="exists already"),
        whole_file(target, overwrite=False) as partial,
    ):
        partial.write_text("mine")
        target.write_text("theirs")
    with pytest.raises(OutputError, match="force=True"), whole_file(target, overwrite=False):
        raise AssertionError("must not get here")
    assert target.read_text() == "theirs" and names(tmp_path) == ["a.txt"]


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_permissions_are_the_umasks_or_the_earlier_files(tmp_path):
    before = os.umask(0o027)
    try:
        write_text(tmp_path / "new", "x")
        (tmp_path / "old").write_text("x")
        (tmp_path / "old").chmod(0o600)
        write_text(tmp_path / "old", "y")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640
    assert stat.S_IMODE((tmp_path / "old").stat().st_mode) == 0o600


@pytest.mark.skipif(os.name == "nt", reason="links of POSIX")
def test_a_link_is_followed_not_replaced(tmp_path):
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to("real")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text() == "new"


@pytest.mark.skipif(os.name == "nt", reason="devices of POSIX")
def test_folders_and_devices_are_refused(tmp_path):
    with pytest.raises(OutputError, match="is a folder"):
        write_text(tmp_path, "x")
    with pytest.raises(OutputError, match="no ordinary file"):
        write_text(os.devnull, "x")


@pytest.mark.parametrize("length", [240, 255])
def test_the_longest_names_are_written(tmp_path, length):
    write_text(tmp_path / ("n" * length), "x")
    assert names(tmp_path) == ["n" * length]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "empty"),
        ("a\0b", "NUL"),
        ("a\udcff", r"a\\udcff' is not text in UTF-8"),
        ("n" * 256, "too long: it has .* bytes, its longest name 256"),
        ("a/" * 2500, "too long"),
    ],
)
def test_names_that_cannot_be_are_refused_in_words(tmp_path, name, words):
    with pytest.raises(OutputError, match=words) as caught:
        write_text(f"{tmp_path}/{name}" if name else name, "x")
    str(caught.value).encode()  # can be shown


def test_a_folder_that_lacks_is_named_or_made(tmp_path):
    with pytest.raises(OutputError, match=r"Cannot write .*No such file"):
        write_text(tmp_path / "no" / "a", "x")
    write_json(tmp_path / "yes" / "a", {"a": "é"}, parents=True)
    assert (tmp_path / "yes" / "a").read_text(encoding="utf-8") == '{\n  "a": "é"\n}\n'


def test_where_a_rename_cannot_work_the_content_is_copied(tmp_path, monkeypatch):
    def busy(source, target):
        raise OSError(16, "Device or resource busy")

    (tmp_path / "mounted").write_text("old, and longer")
    monkeypatch.setattr(atomic.os, "replace", busy)
    write_text(tmp_path / "mounted", "new")
    assert (tmp_path / "mounted").read_text() == "new" and names(tmp_path) == ["mounted"]


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_what_a_killed_writer_left_goes_at_the_next_start_but_a_living_ones_stays(tmp_path):
    code = """
import sys
from CTCounterfactualLib.storage.atomic import whole_file
with whole_file(sys.argv[1]) as partial:
    partial.write_text("half")
    print("staged", flush=True)
    sys.stdin.read()
"""
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "a.txt")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(2)
    ]
    assert [writer.stdout.readline() for writer in writers] == [b"staged\n"] * 2
    assert len(names(tmp_path)) == 2
    writers[0].send_signal(signal.SIGKILL)
    writers[0].communicate()
    write_text(tmp_path / "a.txt", "mine")
    assert len(names(tmp_path)) == 2  # the file, and the living one's folder
    writers[1].communicate()
    assert names(tmp_path) == ["a.txt"] and (tmp_path / "a.txt").read_text() == "half"
