"""Progress in text: a passing line on a terminal, lines that stay in a file."""

import io
import sys

import pytest

from CTCounterfactualLib.app.progress import progress_printer
from CTCounterfactualLib.app.streams import StandardError
from CTCounterfactualLib.events import WORKING, Event

EVENTS = (
    Event(WORKING, "Encoding", 0.1),
    Event(WORKING, "Encoding: slice 5 of 10, which is a long thing to say", 0.15),
    Event("encoded", "Encoded", 0.2),
    Event(WORKING, "Searching", 0.3),
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def told(stream, monkeypatch) -> str:
    monkeypatch.setenv("COLUMNS", "50")
    monkeypatch.setattr(sys, "stderr", StandardError(stream))
    show = progress_printer("text")
    for event in EVENTS:
        show(event)
    sys.stderr.write("Error: the disk is full.\n")
    return stream.getvalue()


def screen(text: str) -> list[str]:
    """Return the lines that a terminal shows after a text with carriage returns."""
    lines = []
    for line in text.split("\n"):
        cells: list[str] = []
        for part in line.split("\r"):
            cells[: len(part)] = part
        lines.append("".join(cells).rstrip())
    return lines


def test_a_file_gets_what_is_done_line_by_line(monkeypatch):
    lines = told(io.StringIO(), monkeypatch).splitlines()
    assert [line.partition("] ")[2] for line in lines[:-1]] == ["Encoded"]
    assert lines[-1] == "Error: the disk is full."


def test_a_terminal_shows_what_is_being_done_in_one_line_that_goes(monkeypatch):
    text = told(Terminal(), monkeypatch)
    assert "Encoding: slice 5 of 10" in text
    assert max(len(part) for line in text.split("\n") for part in line.split("\r")) < 50
    shown = screen(text)
    assert [line.partition("] ")[2] for line in shown[:1]] == ["Encoded"]
    assert shown[1:] == ["Error: the disk is full.", ""]


@pytest.mark.parametrize("stream", [None, io.StringIO()])
def test_a_closed_stream_ends_nothing(stream):
    if stream is not None:
        stream.close()
    error = StandardError(stream)
    error.show("Encoding")
    error.write("Encoded\n")
