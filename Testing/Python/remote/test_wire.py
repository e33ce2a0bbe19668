"""What arrives from another computer is bounded, checked by its digest, and leads nowhere else."""

import io
import json
import os

import pytest

from CTCounterfactualLib.errors import RemoteError
from CTCounterfactualLib.remote.wire import (
    MOST_LINE_BYTES,
    Budget,
    get,
    receive_file,
    relative_name,
    send_file,
)


def sent(path, name="a.bin") -> io.BytesIO:
    """Return what goes over the wire for a file."""
    stream = io.BytesIO()
    send_file(stream, path, name)
    stream.seek(0)
    return stream


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(os.urandom(600_000))
    return path


def receive(stream, folder, most=1_000_000, files=5):
    return receive_file(stream, get(stream), folder, Budget(most, files))


def test_a_file_arrives_as_it_was(file, tmp_path):
    stream = sent(file, "heatmaps/x y.nrrd")
    got = receive(stream, tmp_path / "in")
    assert got == tmp_path / "in" / "heatmaps" / "x y.nrrd"
    assert got.read_bytes() == file.read_bytes()
    assert stream.read() == b""


@pytest.mark.parametrize("at", [100, 300_000, -60])
def test_a_flipped_bit_is_noticed(file, tmp_path, at):
    data = bytearray(sent(file).getvalue())
    data[at] ^= 1
    with pytest.raises(RemoteError, match=r"arrived damaged|isn't what"):
        receive(io.BytesIO(bytes(data)), tmp_path / "in")


@pytest.mark.parametrize("length", [100, 300_000, 600_060])
def test_an_end_in_the_middle_is_an_end(file, tmp_path, length):
    with pytest.raises(EOFError):
        receive(io.BytesIO(sent(file).getvalue()[:length]), tmp_path / "in")


@pytest.mark.parametrize(
    "name",
    [
        "../x",
        "/etc/passwd",
        "a/../../x",
        "a//b",
        "",
        ".",
        "..",
        ".ssh/authorized_keys",
        "a/.b",
        "C:\\x",
        "a\\b",
        "a\0b",
        "a\nb",
        "x" * 300,
        "/".join("abcdefghij"),
        None,
        3,
        ["a"],
    ],
)
def test_no_name_leads_out_of_the_folder(name, tmp_path):
    with pytest.raises(RemoteError):
        relative_name(name)
    stream = io.BytesIO(json.dumps({"step": "file", "name": name, "size": 0}).encode() + b"\n")
    with pytest.raises(RemoteError):
        receive(stream, tmp_path / "in")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("size", [-1, 1.5, "9", None, True])
def test_a_size_is_a_number_of_bytes(size, tmp_path):
    with pytest.raises(RemoteError, match="a number is expected"):
        receive_file(io.BytesIO(), {"name": "a", "size": size}, tmp_path, Budget(9, 9))


def test_no_more_arrives_than_was_allowed(file, tmp_path):
    with pytest.raises(RemoteError, match="more than such a job can have"):
        receive(sent(file), tmp_path / "in", most=599_999)
    with pytest.raises(RemoteError, match="more than such a job can have"):
        receive(sent(file), tmp_path / "in", files=0)
    assert not (tmp_path / "in").exists()


def test_nothing_that_is_there_is_written_over(file, tmp_path):
    """Neither a file of the same name, nor what a link of that name leads to."""
    (tmp_path / "in").mkdir()
    (tmp_path / "precious").write_text("kept")
    (tmp_path / "in" / "a.bin").symlink_to(tmp_path / "precious")
    with pytest.raises(FileExistsError):
        receive(sent(file), tmp_path / "in")
    assert (tmp_path / "precious").read_text() == "kept"


@pytest.mark.parametrize(
    "line",
    [
        b"hello\n",
        b"[1]\n",
        b'{"no": "step"}\n',
        b'{"step": 3}\n',
        b'{"step": "a", "x": NaN}\n',
        b'{"step": "a", "step": "b"}\n',
        b"\xff\n",
        b"[" * 100_000 + b"\n",
        b"x" * (MOST_LINE_BYTES + 10),
    ],
)
def test_a_line_that_is_no_message(line):
    with pytest.raises(RemoteError, match="isn't what this program says"):
        get(io.BytesIO(line))
