"""Memory for a long scan: what is returned, and little beside it. Numbers of bytes, no seconds."""

from __future__ import annotations

import re
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from CTCounterfactualLib.counterfactual.frames import cut_around
from CTCounterfactualLib.counterfactual.result import Outcome
from CTCounterfactualLib.counterfactual.write_back import change_on_scan, chunk_heatmap, write_back
from CTCounterfactualLib.outputs.views import Oriented, busiest
from CTCounterfactualLib.scans.grid import GridSpec, prepare
from CTCounterfactualLib.scans.scan import Scan

SHAPE = (96, 512, 512)
SPACING = (0.8, 0.8, 1.0)
EDGES = (10.0, 25.0, 50.0, 100.0, 200.0)
# The grid is coarse, so that what is counted is what lies on the scan's own.
COARSE = GridSpec(spacing=(6.0, 6.0, 6.0), antialias=False)
CLEAR_PEAK = Path("/proc/self/clear_refs")


@pytest.fixture(scope="module")
def scan():
    rng = np.random.default_rng(8)
    few = rng.integers(-1000, 400, (SHAPE[0], 64, 64)).astype(np.int16)
    return Scan.from_array(few.repeat(8, axis=1).repeat(8, axis=2), SPACING)


@pytest.fixture(scope="module")
def prepared(scan):
    return prepare(scan, COARSE)


@pytest.fixture(scope="module")
def change(prepared):
    rng = np.random.default_rng(9)
    return rng.normal(0, 0.02, prepared.volume.shape).astype(np.float32)


def peak_over_scan(function, scan: Scan) -> float:
    """Return the peak of what NumPy allocates in a call, in sizes of the (int16) scan."""
    tracemalloc.start()
    try:
        function()
        return tracemalloc.get_traced_memory()[1] / scan.array.nbytes
    finally:
        tracemalloc.stop()


def test_writing_back_takes_what_it_returns_and_a_few_slices(scan, prepared, change):
    # Counterfactual and difference 1 each, heatmap 1/2.
    peak = peak_over_scan(lambda: write_back(prepared, change, (), EDGES), scan)
    assert 2.5 <= peak < 3.2


def test_a_change_on_the_scan_takes_what_it_returns_and_a_few_slices(scan, prepared, change):
    assert 1 <= peak_over_scan(lambda: change_on_scan(prepared, change), scan) < 1.5


def test_a_chunks_heatmap_takes_a_part_of_the_scan(scan, prepared, change):
    # 4 of 16 slices: a quarter of the scan as int16 and, twice for a moment, as labels.
    start, stop = 4, 8
    chunk = Outcome(start, stop, prepared.slab_mm(start, stop), -1.0, 4.0, 3.5, "flat", 0.01, ())
    peak = peak_over_scan(lambda: chunk_heatmap(prepared, change[start:stop], chunk, EDGES), scan)
    assert 0.25 <= peak < 0.9


def test_the_box_of_frames_and_the_busiest_slices_need_no_copy_of_the_scan(scan):
    difference = np.zeros(SHAPE, np.int16)
    difference[40:50, 100:200, 100:200] = 30
    assert peak_over_scan(lambda: cut_around(difference, EDGES[0], 3), scan) < 0.4
    found = []

    def look():
        turned = Oriented.on_grid(scan.image, difference)
        found.append([busiest(turned, plane) for plane in ("axial", "coronal", "sagittal")])

    assert peak_over_scan(look, scan) < 0.4
    assert found == [[40, 100, 100]]


@pytest.mark.skipif(not CLEAR_PEAK.exists(), reason="only Linux tells a process's peak memory")
def test_preparing_takes_one_float_copy_of_the_scan(scan):
    spec = GridSpec(spacing=(2.4, 2.4, 3.0))  # smoothed along all three axes
    prepare(Scan.from_array(scan.array[:8], SPACING), spec)  # what libraries load on first use
    CLEAR_PEAK.write_text("5")
    before = memory("VmRSS")
    prepare(scan, spec)
    peak = (memory("VmHWM") - before) / scan.array.nbytes
    # float32 is twice the int16 scan; the prepared volume a seventh of that, a few times over.
    assert peak < 2.8


def memory(key: str) -> int:
    """Return VmRSS (now) or VmHWM (peak since it was cleared) of this process, bytes."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(rf"{key}:\s+(\d+) kB", status)[1])
