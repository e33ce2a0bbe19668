"""Claimed folders: whole or not at all, one at a time, and what a kill at each step leaves."""

import os
import signal
import stat
import sys
from pathlib import Path

import pytest

from CTCounterfactualLib.errors import Cancelled, OutputError
from CTCounterfactualLib.storage import claim as claim_module
from CTCounterfactualLib.storage.claim import WrittenElsewhere
from CTCounterfactualLib.storage.folder import claim_folder
from CTCounterfactualLib.storage.lock import LockHeld

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX only")
LIST = "result.json"


def own_files(folder):
    """Return what `LIST` names; a stand-in for the record of a result."""
    try:
        return [LIST, *(folder / LIST).read_text().split()]
    except OSError:
        raise OutputError(f"{folder} is no result.") from None


def fill(folder, version, names=("a.txt", "sub/b.txt")):
    (folder / "sub").mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(version)
    (folder / LIST).write_text("\n".join(names))


def write(out, version, replace=True, names=("a.txt", "sub/b.txt")):
    """Claim, fill and commit; return the notice."""
    with claim_folder(out, own_files, replace) as claim:
        fill(claim.start(), version, names)
        claim.commit()
        return claim.notice


def tree(folder):
    """Return all files below a folder, hidden ones too: name -> content."""
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in Path(folder).rglob("*")
        if not path.is_dir()
    }


def whole(version, names=("a.txt", "sub/b.txt")):
    return {"out/" + LIST: "\n".join(names), **{f"out/{name}": version for name in names}}


def test_a_result_appears_whole_and_alone(tmp_path):
    assert write(tmp_path / "x" / "out", "1") == ""
    assert tree(tmp_path / "x") == whole("1")
    assert os.listdir(tmp_path / "x") == ["out"]


def test_replacing_removes_the_earlier_files_and_only_them(tmp_path):
    write(tmp_path / "out", "1", names=("a.txt", "sub/b.txt", "sub/c.txt"))
    with pytest.raises(OutputError, match="holds an earlier result"):
        write(tmp_path / "out", "2", replace=False)
    write(tmp_path / "out", "2")
    assert tree(tmp_path) == whole("2")


@pytest.mark.parametrize(
    ("foreign", "named"),
    [
        ("notes.txt", "notes.txt"),
        ("sub/notes.txt", "sub/notes.txt"),
        (".hidden", ".hidden"),
        ("masks/1.nrrd", "masks/"),
        ("out/result.json", "out/"),
    ],
)
def test_what_is_no_part_of_the_earlier_result_is_named_and_kept(tmp_path, foreign, named):
    write(tmp_path / "out", "1")
    path = tmp_path / "out" / foreign
    path.parent.mkdir(exist_ok=True)
    path.write_text("precious")
    before = tree(tmp_path)
    with pytest.raises(OutputError, match=f"no part of it: {named}") as caught:
        write(tmp_path / "out", "2")
    assert "Nothing was replaced" in str(caught.value)
    assert tree(tmp_path) == before
    assert os.listdir(tmp_path) == ["out"]


@posix
def test_links_in_an_earlier_result_are_never_followed(tmp_path):
    write(tmp_path / "out", "1")
    (tmp_path / "a.txt").write_text("elsewhere")
    (tmp_path / "out" / "a.txt").unlink()
    (tmp_path / "out" / "a.txt").symlink_to(tmp_path / "a.txt")
    with pytest.raises(OutputError, match=r"no part of it: a\.txt"):
        write(tmp_path / "out", "2")
    assert (tmp_path / "a.txt").read_text() == "elsewhere"


def test_the_second_claim_is_refused_at_once_and_names_the_first(tmp_path):
    with claim_folder(tmp_path / "out", own_files) as first:
        with (
            pytest.raises(LockHeld, match=rf"folder .*out is in use by process {os.getpid()}"),
            claim_folder(tmp_path / "out", own_files),
        ):
            raise AssertionError("must not get here")
        with claim_folder(tmp_path / "other", own_files):
            pass
        fill(first.start(), "1")
        first.commit()
    assert tree(tmp_path) == whole("1")


@posix
def test_links_to_folders_stay_links(tmp_path):
    (tmp_path / "disk").mkdir()
    (tmp_path / "link").symlink_to("disk")
    for version in ("1", "2"):
        write(tmp_path / "link", version)
        assert (tmp_path / "link").is_symlink()
        assert tree(tmp_path / "disk")["a.txt"] == version
        assert sorted(os.listdir(tmp_path)) == ["disk", "link"]


@pytest.mark.parametrize("length", [240, 255])
def test_the_longest_names_can_be_written_and_replaced(tmp_path, length):
    for version in ("1", "2"):
        write(tmp_path / ("n" * length), version)
    assert os.listdir(tmp_path) == ["n" * length]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("n" * 256, "too long"),
        ("a/" * 1950 + "out", "too long"),
        ("a\0", "NUL"),
        ("\udcff", "not text in UTF-8"),
        ("file/out", "in the way"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_work(tmp_path, name, words):
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(OutputError, match=words) as caught,
        claim_folder(f"{tmp_path}/{name}", own_files),
    ):
        raise AssertionError("must not get here")
    str(caught.value).encode()
    assert os.listdir(tmp_path) == ["file"]


def test_a_failure_leaves_nothing_not_even_folders(tmp_path):
    with pytest.raises(Cancelled), claim_folder(tmp_path / "a" / "b" / "out", own_files) as claim:
        fill(claim.start(), "half")
        raise Cancelled()
    assert os.listdir(tmp_path) == []


@posix
def test_permissions_are_the_umasks_or_the_earlier_folders(tmp_path):
    before = os.umask(0o027)
    try:
        write(tmp_path / "out", "1")
        assert os.umask(0o027) == 0o027
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o750
    (tmp_path / "out").chmod(0o700)
    write(tmp_path / "out", "2")
    assert stat.S_IMODE((tmp_path / "out").stat().st_mode) == 0o700


def test_a_place_taken_meanwhile_sends_the_result_beside_it(tmp_path):
    with (
        pytest.raises(WrittenElsewhere, match=r"was written to .*out-2 instead") as caught,
        claim_folder(tmp_path / "out", own_files) as claim,
    ):
        fill(claim.start(), "mine")
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "theirs").write_text("theirs")
        claim.commit()
    assert caught.value.data == {"output": str(tmp_path / "out-2")}
    assert tree(tmp_path / "out") == {"theirs": "theirs"}
    assert tree(tmp_path / "out-2")["a.txt"] == "mine"
    assert sorted(os.listdir(tmp_path)) == ["out", "out-2"]


def test_a_file_that_came_into_an_earlier_result_meanwhile_is_kept(tmp_path):
    write(tmp_path / "out", "1")
    with (
        pytest.raises(WrittenElsewhere, match=r"no part of it: notes\.txt"),
        claim_folder(tmp_path / "out", own_files, replace=True) as claim,
    ):
        fill(claim.start(), "2")
        (tmp_path / "out" / "notes.txt").write_text("precious")
        claim.commit()
    assert (tmp_path / "out" / "notes.txt").read_text() == "precious"
    assert tree(tmp_path / "out")["a.txt"] == "1"
    assert tree(tmp_path / "out-2")["a.txt"] == "2"


@pytest.fixture(params=[18, 16, 13], ids=["EXDEV", "EBUSY", "EACCES"])
def immovable(request, tmp_path, monkeypatch):
    """A folder that can't be renamed, and for EXDEV no file from outside moved into it."""
    out, real = tmp_path / "out", os.rename

    def rename(source, target):
        into = Path(target).is_relative_to(out) and not Path(source).is_relative_to(out)
        if out in (Path(source), Path(target)) or (request.param == 18 and into):
            raise OSError(request.param, os.strerror(request.param))
        return real(source, target)

    monkeypatch.setattr(claim_module.os, "rename", rename)
    out.mkdir()
    return out


def test_a_folder_that_cannot_be_renamed_is_filled_in_place(immovable, tmp_path):
    node = immovable.stat().st_ino
    write(immovable, "1", names=("a.txt", "sub/b.txt", "c.txt"))
    assert write(immovable, "2") == ""
    assert immovable.stat().st_ino == node
    assert tree(tmp_path) == whole("2")
    assert sorted(os.listdir(immovable)) == ["a.txt", LIST, "sub"]
    assert os.listdir(tmp_path) == ["out"]


CHANGING = ("rename", "replace", "unlink", "rmdir", "mkdir", "remove", "open", "write")


def killed_at(step, out, busy):
    """Fork a process that replaces `out` and kills itself by SIGKILL before its n-th change.

    Returns whether it got there. With `busy` the folder can't be renamed.
    """
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    done = 0

    def counted(name):
        real = getattr(os, name)

        def call(*arguments, **options):
            nonlocal done
            if busy and name == "rename" and str(out) in map(str, arguments):
                raise OSError(16, "Device or resource busy")
            if done == step:
                os.kill(os.getpid(), signal.SIGKILL)
            done += 1
            return real(*arguments, **options)

        setattr(os, name, call)

    for name in CHANGING:
        counted(name)
    write(out, "2")
    os._exit(0)


def shown(folder):
    """Return what a user sees of `out`: nothing hidden."""
    return {
        name: text
        for name, text in tree(folder).items()
        if name.startswith("out/") and "/." not in name
    }


@posix
@pytest.mark.parametrize("busy", [False, True], ids=["renamed", "in place"])
def test_a_kill_at_any_step_leaves_the_earlier_or_the_new_result(tmp_path, busy):
    """A real SIGKILL before each call that changes the disk; then the next start."""
    names = ("a.txt", "sub/b.txt", "sub/c.txt")
    earlier, new = whole("1", names), whole("2")
    seen, mixed, step, killed = set(), 0, 0, True
    while killed:
        folder = tmp_path / str(step)
        folder.mkdir()
        write(folder / "out", "1", names=names)
        killed = killed_at(step, folder / "out", busy)
        found = shown(folder)
        with claim_folder(folder / "out", own_files, replace=True) as claim:
            now = shown(folder)
            assert now in (earlier, new), step
            if found not in (earlier, new):  # it wasn't in its place, or not all of it
                mixed += 1
                assert "killed while it" in claim.notice, step
                assert "out/" + LIST not in found, step  # nobody could take it for a result
        assert tree(folder) == now and os.listdir(folder) == ["out"], step
        seen.add(now["out/a.txt"])
        step += 1
    # Python 3.10 reports fewer of its own steps, and so gives fewer places to kill at.
    assert seen == {"1", "2"} and step >= (15 if sys.version_info >= (3, 11) else 12)
    assert mixed >= 1  # the kill between two renames was among them
