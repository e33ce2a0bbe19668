"""The change at one lambda, drawn slice by slice as slices are asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch

from ..counterfactual.encoded import Encoded
from ..counterfactual.workspace import Workspace
from ..storage.sizes import BYTES_PER_MB


class Drawn:
    """What one lambda changes, as far as anybody has asked; its memory is that of two volumes.

    Moved to another lambda it forgets the one before, and takes the same memory again.

    Parameters
    ----------
    like : torch.Tensor
        (D, 1, H, W): the prepared scan.

    Attributes
    ----------
    change : numpy.ndarray
        (D, H, W), float32, 0..1 intensities: what was added to the scan; 0 in slices that aren't
        `ready`.
    ready : numpy.ndarray
        (D,), bool.
    """

    def __init__(self, like: torch.Tensor):
        depth, _, height, width = like.shape
        self.change = np.zeros((depth, height, width), np.float32)
        self.ready = np.zeros(depth, bool)
        self._moved = torch.zeros_like(like)
        self._decoded = np.zeros(depth, bool)
        self._space: Workspace | None = None
        self._lam = 0.0

    @property
    def bytes(self) -> int:
        """Memory that it holds, whatever lambda is."""
        return self.change.nbytes + self._moved.element_size() * self._moved.nelement()

    def move(self, space: Workspace, lam: float) -> None:
        """Go to a lambda of a workspace; nothing is decoded yet. The same place is kept."""
        if space is self._space and lam == self._lam:
            return
        self._space, self._lam = space, lam
        self.ready[:] = False
        self._decoded[:] = False
        self.change[:] = 0

    def draw(self, numbers: Iterable[int]) -> None:
        """Make slices ready: decode them and the neighbours that their pictures are made of.

        What was decoded stays, should this be interrupted.
        """
        space = self._space
        assert space is not None  # `move` comes first
        wanted = np.zeros(len(self.ready), bool)
        wanted[list(numbers)] = True
        wanted &= ~self.ready
        for start, stop in _runs(wanted):
            first, last = max(0, start - space.margin), min(len(wanted), stop + space.margin)
            if self._lam == 0:
                changed = space.start_volume[start:stop]
            else:
                self._decode(space, first, last)
                changed = space.join(self._moved[first:last], first, start, stop)
            scan = space.encoded.x[start:stop]
            self.change[start:stop] = (changed - scan)[:, 0].cpu().numpy()
            self.ready[start:stop] = True

    def _decode(self, space: Workspace, first: int, last: int) -> None:
        missing = np.zeros(len(self._decoded), bool)
        missing[first:last] = ~self._decoded[first:last]
        for begun, end in _runs(missing):
            for start in range(begun, end, space.batch):  # an interruption loses one batch
                stop = min(start + space.batch, end)
                self._moved[start:stop] = space.decode(self._lam, range(start, stop))
                self._decoded[start:stop] = True

    def missing(self, near: Iterable[int] = ()) -> list[int]:
        """Return the slices that aren't ready, the nearest to some others first."""
        left = np.flatnonzero(~self.ready)
        centres = np.array(list(near) or [0])
        distance = np.abs(left[:, None] - centres[None]).min(axis=1)
        return left[np.argsort(distance, kind="stable")].tolist()


def memory_mb(encoded: Iterable[Encoded], drawn: Drawn) -> float:
    """Return what scans that are encoded, and what is drawn of one, hold in memory: MB."""
    tensors = {
        id(value): value
        for each in encoded
        for value in vars(each).values()
        if isinstance(value, torch.Tensor)
    }
    held = sum(each.element_size() * each.nelement() for each in tensors.values())
    return (held + drawn.bytes) / BYTES_PER_MB


def _runs(wanted: np.ndarray) -> Iterator[tuple[int, int]]:
    """Yield [start, stop) of each run of True."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], wanted, [False])).astype(np.int8)))
    yield from zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)
