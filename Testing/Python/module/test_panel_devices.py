"""The graphics cards that the driver's tool lists."""

import os
import time

import pytest

from CTCounterfactualSlicer.panels import devices
from CTCounterfactualSlicer.panels.devices import Gpu, GpuQuery, parse

PATIENCE_S = 600.0  # for what hangs; a busy machine must never reach it


def test_cards_are_read_with_memory_in_gb():
    cards = parse("0, NVIDIA RTX A4000, 15360, 16376\n1, NVIDIA T4, 0, 15360\n")
    assert [card.name for card in cards] == ["NVIDIA RTX A4000", "NVIDIA T4"]
    # 15360 MiB = 15360 * 2**20 bytes = 16.1 GB
    assert cards[0].free_gb == pytest.approx(16.106, abs=1e-3)
    assert (cards[1].index, cards[1].free_gb) == (1, 0.0)


@pytest.mark.parametrize(
    "line", ["", "No devices were found", "0, GPU, [N/A], [N/A]", "0, one, two, 3, 4"]
)
def test_lines_that_are_no_card_are_left_out(line):
    assert parse(line) == ()


def test_without_a_driver_there_are_no_cards(monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert GpuQuery().poll() == ()


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for the driver's tool is a shell script")
def test_the_driver_is_asked_without_waiting(tmp_path, monkeypatch):
    tool = tmp_path / devices.DRIVER_TOOL
    tool.write_text("#!/bin/sh\nsleep 0.3\necho '0, Card, 1000, 2000'\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    query = GpuQuery()
    assert query.poll() is None
    cards = None
    end = time.monotonic() + PATIENCE_S
    while cards is None and time.monotonic() < end:
        time.sleep(0.05)
        cards = query.poll()
    assert [type(card) for card in cards] == [Gpu]
    assert query.poll() == ()


@pytest.mark.skipif(os.name == "nt", reason="the stand-in for the driver's tool is a shell script")
def test_a_driver_that_hangs_can_be_left(tmp_path, monkeypatch):
    tool = tmp_path / devices.DRIVER_TOOL
    tool.write_text("#!/bin/sh\nexec sleep 60\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    query = GpuQuery()
    assert query.poll() is None
    query.close()
    assert query.poll() == ()
