"""Batches cover every slice once, whatever the picture's size and however short memory is."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from CTCounterfactualLib.counterfactual.batches import SliceBatches, batch_for
from CTCounterfactualLib.errors import Cancelled, OutOfMemory
from CTCounterfactualLib.events import CancelToken, Reporter

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("size", "slices"),
    [
        ((267, 267), 1),  # 71 289 pixels, more than 2^16
        ((256, 256), 1),
        ((181, 181), 2),
        ((64, 64), 16),
        ((10, 10), 16),
    ],
)
def test_a_batch_holds_about_as_many_pixels_whatever_the_picture(size, slices):
    assert SliceBatches(size, CPU).slices == slices


@hypothesis_settings(deadline=None, derandomize=True)
@given(start=st.integers(0, 30), count=st.integers(0, 70), fits=st.integers(1, 20))
def test_every_slice_is_done_once_whatever_fits(start, count, fits):
    """Parts that don't fit raise what torch raises, and are done again in smaller ones."""
    done: list[int] = []

    def work(part: slice) -> None:
        if part.stop - part.start > fits:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        done.extend(range(part.start, part.stop))

    batches = SliceBatches((32, 32), CPU)
    batches.run(start, start + count, work)
    assert done == list(range(start, start + count))
    if count >= 16:
        assert fits / 2 < batches.slices <= max(fits, 1)


def test_the_smaller_size_stays():
    """16, 8 and 4 slices fail once each; after that nothing is tried in vain."""
    sizes = []

    def work(part: slice) -> None:
        sizes.append(part.stop - part.start)
        if sizes[-1] > 2:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried 4 GB")

    SliceBatches((32, 32), CPU).run(0, 20, work)
    assert sizes == [16, 8, 4] + 10 * [2]


def test_a_single_slice_that_does_not_fit_is_said_so():
    def work(part: slice) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(OutOfMemory, match="the GPU has too little free memory"):
        SliceBatches((32, 32), CPU).run(0, 20, work)


def test_other_errors_come_through_at_once():
    calls = []

    def work(part: slice) -> None:
        calls.append(part)
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="cannot be multiplied"):
        SliceBatches((32, 32), CPU).run(0, 20, work)
    assert len(calls) == 1


def test_a_cancel_stops_before_the_next_batch():
    token = CancelToken()
    done = []

    def work(part: slice) -> None:
        done.append(part)
        token.cancel()

    with pytest.raises(Cancelled):
        SliceBatches((256, 256), CPU, Reporter(cancel=token)).run(0, 20, work)
    assert done == [slice(0, 1)]


@pytest.mark.parametrize(
    ("free", "taken", "slices"),
    [
        (6_000_000_000, 2_000_000_000, 1),  # half of 6 GB holds one slice of 2 GB
        (8_000_000_000, 2_000_000_000, 2),
        (100_000_000_000, 1_000_000_000, 4),  # no more than 4 GB of a large card
        (100_000_000_000, 100_000_000, 16),  # no more than 16 slices
        (1_000_000_000, 2_000_000_000, 1),  # at least one, it has just worked
        (1_000_000_000, 0, 16),
    ],
)
def test_the_first_slice_on_a_gpu_sets_the_batch(free, taken, slices):
    assert batch_for(free, taken) == slices
