"""How many slices go through a network at once: by the size of a picture, fewer if memory is short.

Slices don't depend on each other, so a batch changes speed and memory only. Large pictures fill the
processor one by one, and more of them only spill its cache; small ones gain from company.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import torch

from ..errors import as_out_of_memory
from ..events import Reporter

# Does the work on a range of slices; False if there was less to do than usual.
Work = Callable[[slice], bool | None]

_log = logging.getLogger(__name__)

# Measured on 2 CPU cores (channels last): decoding slices of 267 x 267 takes the same time per
# slice one, two or four at a time and 1.5 times as long in sixteens; slices of 64 x 64 take 1.5
# times as long one at a time as in fours. Gradients want fours at 64 x 64 and ones at 267 x 267.
CPU_PIXELS = 2**16
MOST_SLICES = 16
# Share of the free GPU memory that a batch may take (the rest is for fragmentation and libraries),
# and the most it takes on a large card, which other programs use as well.
GPU_SHARE, GPU_BYTES = 0.5, 4_000_000_000


class SliceBatches:
    """Does work on ranges of slices, a few at a time.

    The size is halved for good when memory runs out, and the part is done again: work must be
    repeatable. On a GPU slices are worked on alone until one's memory has decided the size: the
    first one for which `work` doesn't return False, "less to do than usual".

    Parameters
    ----------
    size : tuple of int
        (H, W) of a slice.
    device : torch.device
        Where the work happens.
    reporter : Reporter, optional
        Told before each batch how far the work is; raises there if the run was cancelled.
    """

    def __init__(
        self, size: tuple[int, int], device: torch.device, reporter: Reporter | None = None
    ):
        self._device = device
        self._reporter = reporter
        pixels = size[0] * size[1]
        self._measured = device.type != "cuda"
        self.slices = max(1, min(CPU_PIXELS // pixels, MOST_SLICES)) if self._measured else 1

    def run(self, start: int, stop: int, work: Work) -> None:
        """Call `work` for parts that cover slices [start, stop) in turn.

        Raises
        ------
        Cancelled
            Before the next part, if the user asked for it.
        OutOfMemory
            If not even one slice fits.
        """
        first = start
        while first < stop:
            if self._reporter is not None:
                told = f"slice {first - start + 1} of {stop - start}"
                self._reporter.advance((first - start) / (stop - start), told)
            part = slice(first, min(first + self.slices, stop))
            if self._attempt(work, part):
                first = part.stop

    def _attempt(self, work: Work, part: slice) -> bool:
        """Do one part; return False if memory ran out and a smaller one is worth a try."""
        try:
            if self._measured:
                work(part)
            else:
                self._measure(work, part)
            return True
        except Exception as error:
            shortage = as_out_of_memory(error)
            if shortage is None:
                raise
            if part.stop - part.start == 1:
                raise shortage from error
        # Outside `except`: the traceback would keep the failed part's tensors.
        self.slices = (part.stop - part.start) // 2
        _log.info("Out of memory: going on with %d slice(s) at a time", self.slices)
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        return False

    def _measure(self, work: Work, part: slice) -> None:
        """Do a part on a GPU, and set the batch by the memory that it took."""
        torch.cuda.reset_peak_memory_stats(self._device)
        before = torch.cuda.memory_allocated(self._device)
        if work(part) is False:
            return
        taken = torch.cuda.max_memory_allocated(self._device) - before
        free, _ = torch.cuda.mem_get_info(self._device)
        self.slices = batch_for(free, taken)
        self._measured = True


def batch_for(free: int, taken: int) -> int:
    """Return the slices per batch for so many free bytes and bytes taken by one slice."""
    allowed = min(GPU_SHARE * free, GPU_BYTES)
    return max(1, min(int(allowed / max(taken, 1)), MOST_SLICES))
