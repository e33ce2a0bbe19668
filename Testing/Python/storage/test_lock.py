"""Lock files: one holder, named; free as soon as the holder ends, however it ends."""

import os
import signal
import subprocess
import sys

import pytest

from CTCounterfactualLib.errors import OutputError
from CTCounterfactualLib.storage.lock import LockHeld, locked, take_lock

HOLDER = """
import sys
from CTCounterfactualLib.storage.lock import take_lock
lock = take_lock(sys.argv[1], "It")
print("held", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def holder(tmp_path):
    """A process that holds `tmp_path / "lock"`."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path / "lock")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"held\n"
    yield process
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        pipe.close()


def test_the_second_is_told_who_holds_it(tmp_path, holder):
    with pytest.raises(LockHeld, match=f"The folder x is in use by process {holder.pid} .since 20"):
        take_lock(tmp_path / "lock", "The folder x")


def test_within_one_process_there_is_one_holder_too(tmp_path):
    with (
        locked(tmp_path / "lock", "It"),
        pytest.raises(LockHeld, match=f"process {os.getpid()} "),
    ):
        take_lock(tmp_path / "lock", "It")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="signals of POSIX")
def test_a_killed_holder_holds_nothing(tmp_path, holder):
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    assert (tmp_path / "lock").exists()
    with locked(tmp_path / "lock", "It"):
        assert str(os.getpid()) in (tmp_path / "lock").read_text()


def test_waiting_gets_it_when_the_holder_ends(tmp_path, holder):
    holder.stdin.close()  # it ends
    take_lock(tmp_path / "lock", "It", wait_s=60).release()


def test_a_file_of_rubbish_is_no_holder(tmp_path):
    (tmp_path / "lock").write_bytes(b"\xff" * 5000)
    take_lock(tmp_path / "lock", "It").release()


def test_a_lock_that_cannot_be_made_says_why(tmp_path):
    with pytest.raises(OutputError, match=r"The folder x can't be locked, as .*no.* can't be wri"):
        take_lock(tmp_path / "no" / "lock", "The folder x")


def test_counting_by_four_processes_loses_nothing(tmp_path):
    (tmp_path / "count").write_text("0")
    code = """
import sys
from pathlib import Path
from CTCounterfactualLib.storage.lock import locked
folder = Path(sys.argv[1])
for _ in range(50):
    with locked(folder / "lock", "It", wait_s=60):
        (folder / "count").write_text(str(int((folder / "count").read_text()) + 1))
"""
    running = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path)]) for _ in range(4)]
    assert [process.wait() for process in running] == [0] * 4
    assert (tmp_path / "count").read_text() == "200"
