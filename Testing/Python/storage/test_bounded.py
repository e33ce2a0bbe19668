"""Files without end, too long ones and pipes: said at once, and never read whole."""

import os
import sys
from pathlib import Path

import pytest

from CTCounterfactualLib.app.settings_file import read_settings
from CTCounterfactualLib.errors import OutputError, SettingsError
from CTCounterfactualLib.jobs.job import Job
from CTCounterfactualLib.outputs.earlier import own_files
from CTCounterfactualLib.outputs.reading import read_result
from CTCounterfactualLib.storage.bounded import (
    MOST_RECORD_BYTES,
    MOST_SETTINGS_BYTES,
    read_bytes,
    read_text,
)

posix = pytest.mark.skipif(sys.platform == "win32", reason="devices and pipes in the file system")


def sparse(path, size):
    """Make a file of so many zeros that takes no room."""
    with path.open("wb") as file:
        file.truncate(size)
    return path


def test_the_longest_and_one_more(tmp_path):
    assert read_bytes(sparse(tmp_path / "a", 100), 100) == bytes(100)
    with pytest.raises(OSError, match="more than the 0 MB"):
        read_bytes(sparse(tmp_path / "a", 101), 100)


def test_text_is_utf_8(tmp_path):
    (tmp_path / "a").write_bytes("Zähler".encode())
    assert read_text(tmp_path / "a", 100) == "Zähler"
    (tmp_path / "a").write_bytes("Zähler".encode("latin-1"))
    with pytest.raises(UnicodeDecodeError):
        read_text(tmp_path / "a", 100)


@posix
def test_no_more_is_read_than_allowed_of_what_has_no_end():
    with pytest.raises(OSError, match="more than"):
        read_bytes(Path("/dev/zero"), 1000, pipes=True)
    with pytest.raises(OSError, match="no ordinary file"):
        read_bytes(Path("/dev/zero"), 1000)


@posix
def test_a_pipe_that_nobody_writes_to_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "result.json")
    with pytest.raises(OSError, match="no ordinary file"):
        read_bytes(tmp_path / "result.json", 1000)
    with pytest.raises(OutputError, match=r"result.json: it is no ordinary file"):
        read_result(tmp_path)
    with pytest.raises(OutputError, match="no result of this program"):
        own_files(tmp_path)


@posix
@pytest.mark.parametrize("read", [Job.read, read_settings])
def test_jobs_and_settings_without_end(read):
    with pytest.raises(SettingsError, match="it has more than the 2 MB"):
        read("/dev/zero")


@posix
def test_a_job_from_a_pipe(tmp_path):
    reading, writing = os.pipe()
    os.write(writing, b'{"schema": 1, "input": {"path": "/a.nrrd"}, "output": "/b"}')
    os.close(writing)
    try:
        assert Job.read(f"/dev/fd/{reading}").output == "/b"
    finally:
        os.close(reading)


@pytest.mark.parametrize("read", [Job.read, read_settings])
def test_jobs_and_settings_that_are_too_long(tmp_path, read):
    path = sparse(tmp_path / "job.json", MOST_SETTINGS_BYTES + 1)
    with pytest.raises(SettingsError, match="it has more than the 2 MB"):
        read(str(path))


def test_a_record_that_is_too_long(tmp_path):
    sparse(tmp_path / "result.json", MOST_RECORD_BYTES + 1)
    with pytest.raises(OutputError, match="it has more than the 268 MB"):
        read_result(tmp_path)


@pytest.mark.parametrize("text", ["[" * 100_000, "[1, 2]", "5", "nonsense", ""])
def test_settings_that_are_none(tmp_path, text):
    path = tmp_path / "settings.json"
    path.write_text(text)
    with pytest.raises(SettingsError, match=r"settings\.json"):
        read_settings(str(path))


def test_a_record_nested_without_end(tmp_path):
    (tmp_path / "result.json").write_text("[" * 100_000)
    with pytest.raises(OutputError, match="is damaged"):
        read_result(tmp_path)
