"""A fetch in a process of its own: ended by a signal, out of space, beside another one."""

import os
import signal
import subprocess
import time

import pytest

from model_server import CONTENT, NAP_S, ModelServer

if os.name == "nt":
    pytest.skip("the stand-in for Python is a shell script", allow_module_level=True)

MODEL, FILE = "from-here", "model.pth"


@pytest.fixture
def server():
    server = ModelServer()
    yield server
    server.close()


@pytest.fixture
def start(server, tmp_path):
    """Return a function that starts a fetch into the test's folder."""
    python = server.python(tmp_path, FILE, {MODEL: "MIT"})

    def begin(before: str = "") -> subprocess.Popen:
        folder = tmp_path / "models"
        command = f'{before} exec "{python}" - models --cache "{folder}" fetch {MODEL}'
        return subprocess.Popen(
            ["sh", "-c", command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    return begin


def wait_for(process, path):
    """Wait until bytes have come."""
    while not (path.is_file() and path.stat().st_size):
        assert process.poll() is None, process.communicate()
        time.sleep(NAP_S)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_it_while_nothing_comes_and_keeps_what_came(start, server, tmp_path, number):
    server.slow.set()
    process = start()
    wait_for(process, tmp_path / "models" / f"{FILE}.part")
    process.send_signal(number)
    _, err = process.communicate()
    assert process.returncode == 130 and "\nCancelled: what has arrived is kept" in err
    server.slow.clear()
    again = start()
    again.communicate()
    assert again.returncode == 0 and server.asked[1].startswith("bytes=")
    assert (tmp_path / "models" / FILE).read_bytes() == CONTENT


def test_two_processes_fetch_one_file_once(start, server, tmp_path):
    server.slow.set()
    both = [start(), start()]
    wait_for(both[0], tmp_path / "models" / f"{FILE}.part")
    server.slow.clear()
    for process in both:
        process.communicate()
    assert [process.returncode for process in both] == [0, 0] and len(server.asked) == 1
    assert sorted(path.name for path in (tmp_path / "models").iterdir()) == [FILE, "pins.json"]


def test_a_disk_that_takes_no_more_is_told_in_a_line(start, server, tmp_path):
    process = start("ulimit -f 2048;")  # blocks of 512 bytes: half of the file fits
    out, err = process.communicate()
    assert (process.returncode, out) == (2, "")
    last = err.strip().splitlines()[-1]
    assert last.startswith(f"Error: Cannot keep what arrives of {FILE}")
    assert "CT_COUNTERFACTUAL_MODELS" in last and not (tmp_path / "models" / FILE).exists()
