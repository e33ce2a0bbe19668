"""Temporary folders of jobs: private, removed, and cleared after a session that died."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import CTCounterfactualLib
from CTCounterfactualLib.errors import OutputError
from CTCounterfactualLib.jobs.workplace import Workplace, cache_root, clear_root, root_size

LIBRARY = Path(CTCounterfactualLib.__file__).parents[1]
LONG_AGO = 1_000_000_000
# What another session does: it makes a workplace with 1000 bytes in it, says where, and waits.
OTHER_SESSION = textwrap.dedent("""
    import sys
    from CTCounterfactualLib.jobs.workplace import Workplace
    workplace = Workplace.create(sys.argv[1])
    workplace.input.write_bytes(bytes(1000))
    print(workplace.folder, flush=True)
    sys.stdin.read()
""")


@pytest.fixture
def session(tmp_path):
    """Start a session that holds a workplace; return (process, its folder)."""
    started = []

    def start():
        process = subprocess.Popen(
            [sys.executable, "-c", OTHER_SESSION, str(tmp_path)],
            text=True,
            env=os.environ | {"PYTHONPATH": str(LIBRARY)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        started.append(process)
        folder = Path(process.stdout.readline().strip())
        os.utime(folder, (LONG_AGO, LONG_AGO))  # only older ones are ever looked at
        return process, folder

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_create_and_remove(tmp_path):
    workplace = Workplace.create(tmp_path / "root")
    assert workplace.folder.parent == tmp_path / "root"
    assert workplace.stream.is_dir()
    assert not workplace.result.exists()
    if os.name == "posix":
        assert workplace.folder.stat().st_mode & 0o077 == 0
        assert (tmp_path / "root").stat().st_mode & 0o077 == 0
    workplace.remove()
    workplace.remove()
    assert list((tmp_path / "root").iterdir()) == []


def test_the_root_is_the_users_own(tmp_path):
    root = cache_root(tmp_path)
    assert root.parent == tmp_path
    assert root.name.startswith("ct-counterfactual-")
    assert cache_root() != root


@pytest.mark.skipif(os.name != "posix", reason="owners are POSIX")
def test_a_root_that_somebody_else_prepared_is_refused(tmp_path):
    (tmp_path / "theirs").mkdir()
    (tmp_path / "root").symlink_to(tmp_path / "theirs")
    with pytest.raises(OutputError, match="belongs to another user"):
        Workplace.create(tmp_path / "root")
    assert list((tmp_path / "theirs").iterdir()) == []


def test_a_root_that_cant_be_made_is_said(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"Cannot make a temporary folder in .*file"):
        Workplace.create(tmp_path / "file")


def test_folders_of_a_dead_session_go_and_those_of_a_living_one_stay(tmp_path, session):
    (_, living), (dying, dead) = session(), session()
    dying.kill()
    dying.wait()
    assert dead.is_dir()
    mine = Workplace.create(tmp_path)
    assert not dead.exists()
    assert (living / "input.nrrd").stat().st_size == 1000
    mine.remove()


def test_a_folder_being_made_is_left_alone_and_an_abandoned_one_is_not(tmp_path):
    young, old = tmp_path / "job-young", tmp_path / "job-old"
    young.mkdir()
    old.mkdir()
    os.utime(old, (LONG_AGO, LONG_AGO))
    Workplace.create(tmp_path).remove()
    assert young.is_dir()
    assert not old.exists()


def test_leaving_the_program_removes_its_folders(session):
    process, folder = session()
    assert folder.is_dir()
    process.communicate("")
    assert process.returncode == 0
    assert not folder.exists()


def test_size_and_clearing_of_the_root(tmp_path, session):
    assert root_size(tmp_path / "nowhere") == 0
    _, living = session()
    kept, gone = Workplace.create(tmp_path), Workplace.create(tmp_path)
    kept.input.write_bytes(bytes(300))
    gone.input.write_bytes(bytes(5000))
    before = root_size(tmp_path)
    assert before >= 6300
    assert clear_root([kept], tmp_path) == 5000
    assert kept.input.is_file()
    assert living.is_dir()
    assert not gone.folder.exists()
    assert clear_root([kept.folder], tmp_path) == 0
    assert clear_root(root=tmp_path) == 300
    assert [folder for folder in tmp_path.iterdir()] == [living]
