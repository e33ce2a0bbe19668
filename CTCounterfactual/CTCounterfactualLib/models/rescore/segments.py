"""Networks whose layers see only a few slices: which slices a change reaches, and nothing else.

A convolution or pooling with a kernel of 3 along the slices carries a change of its input one slice
further, on both sides. So of a volume in which a chunk changed, the first layers need to compute a
few slices only; around them, their output is what it was. These slices are exact: they are computed
from all that they depend on, and a layer's own padding acts at the true ends of the volume only.

Index ranges are along D of (N, C, D, H, W), as `range` objects.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch

from .gradient_checkpointing import keeping_inputs

# A range of input slices -> those slices.
ReadSlices = Callable[[range], torch.Tensor]


@dataclass(frozen=True)
class Window:
    """The input slices that an output slice o depends on: `kernel` from `stride * o - padding` on.

    Parameters
    ----------
    kernel, stride, padding : int
        Along D, as a convolution's or a pooling's; padding < kernel.
    """

    kernel: int
    stride: int = 1
    padding: int = 0

    def size_of(self, inputs: int) -> int:
        """Return the number of output slices."""
        return (inputs + 2 * self.padding - self.kernel) // self.stride + 1

    def reached(self, changed: range, inputs: int) -> range:
        """Return the output slices that see any of the changed ones of `inputs` input slices."""
        if not changed:
            return changed
        # o sees i if stride * o - padding <= i < stride * o - padding + kernel.
        first = -(-(changed.start + self.padding - self.kernel + 1) // self.stride)  # rounded up
        last = (changed.stop - 1 + self.padding) // self.stride
        return range(max(first, 0), min(last + 1, self.size_of(inputs)))

    def needed(self, wanted: range, inputs: int) -> range:
        """Return the input slices that the wanted output slices see.

        It starts at a multiple of the stride, so that output slices of the cut-out volume fall on
        those of the whole.
        """
        first = max(wanted.start * self.stride - self.padding, 0)
        stop = (wanted.stop - 1) * self.stride - self.padding + self.kernel
        return range(first // self.stride * self.stride, min(stop, inputs))


@dataclass(frozen=True)
class Layer:
    """A part of a network and its window along D; `run` pads as the window says."""

    run: Callable[[torch.Tensor], torch.Tensor]
    window: Window


@dataclass(frozen=True)
class Segment:
    """Layers in a row.

    Parameters
    ----------
    layers : tuple of Layer
        At least one.
    piece : int or None
        Output slices that a backward pass computes at a time; None for all.
    """

    layers: tuple[Layer, ...]
    piece: int | None = None

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Return the last layer's output, (N, C, D, H, W) -> (N, C', D', H', W')."""
        for layer in self.layers:
            x = layer.run(x)
        return x

    def checkpointed(self, x: torch.Tensor) -> torch.Tensor:
        """Return the same as a call, of which autograd keeps the input alone.

        The backward pass computes the rest again, piece by piece.
        """
        size = self._sizes(x.shape[2])[-1]
        if self.piece is None or size <= self.piece:
            return keeping_inputs(self, x)
        starts = range(0, size, self.piece)
        pieces = (range(size)[first : first + self.piece] for first in starts)
        return torch.cat([keeping_inputs(self._part_of, x, piece) for piece in pieces], dim=2)

    def reached(self, changed: range, inputs: int) -> range:
        """Return the output slices that the changed ones of `inputs` input slices reach."""
        for layer, size in zip(self.layers, self._sizes(inputs), strict=False):
            changed = layer.window.reached(changed, size)
        return changed

    def part(self, read: ReadSlices, inputs: int, wanted: range) -> torch.Tensor:
        """Return some output slices, computed from no more input slices than they depend on.

        Parameters
        ----------
        read : callable
            Returns a range of the `inputs` input slices, (N, C, n, H, W).
        wanted : range
            Output slices, at least one.
        """
        ranges = [wanted]  # of each layer's input and of the last one's output; built backwards
        for layer, size in zip(self.layers[::-1], self._sizes(inputs)[-2::-1], strict=True):
            ranges.insert(0, layer.window.needed(ranges[0], size))
        x = read(ranges[0])
        for layer, (given, kept) in zip(self.layers, pairwise(ranges), strict=True):
            # Where the input read ends inside the volume, outputs that saw padding are cut off.
            first = kept.start - given.start // layer.window.stride
            x = layer.run(x)[:, :, first : first + len(kept)]
        return x

    def _part_of(self, x: torch.Tensor, wanted: range) -> torch.Tensor:
        return self.part(lambda r: x[:, :, r.start : r.stop], x.shape[2], wanted)

    def _sizes(self, inputs: int) -> list[int]:
        """Return the number of slices before the first and after each layer."""
        sizes = [inputs]
        for layer in self.layers:
            sizes.append(layer.window.size_of(sizes[-1]))
        return sizes


class PartialForward:
    """Output of some segments for a volume with some slices replaced.

    Keeps what each segment gives for the unchanged volume; a call computes the slices that the
    replaced ones reach, segment by segment.

    Parameters
    ----------
    segments : sequence of Segment
        In a row.
    x : torch.Tensor
        (1, C, D, H, W), the unchanged input; not copied.
    """

    def __init__(self, segments: tuple[Segment, ...], x: torch.Tensor):
        self._segments = segments
        self._maps = [x]
        for segment in segments:
            self._maps.append(segment(self._maps[-1]))

    def __call__(self, changed: torch.Tensor, start: int) -> torch.Tensor:
        """Return the last segment's output with slices replaced.

        Parameters
        ----------
        changed : torch.Tensor
            (1, C, n, H, W): slices [start, start + n) of the input.

        Returns
        -------
        torch.Tensor
            (1, C', D', H', W'), all slices.
        """
        spliced = _Spliced(self._maps[0], changed, range(start, start + changed.shape[2]))
        for segment, kept in zip(self._segments, self._maps[1:], strict=True):
            reached = segment.reached(spliced.where, spliced.size)
            part = kept[:, :, :0]  # a stride may step over a change at the end
            if reached:
                part = segment.part(spliced.read, spliced.size, reached)
            spliced = _Spliced(kept, part, reached)
        return spliced.read(range(spliced.size))


@dataclass(frozen=True)
class _Spliced:
    """A map (1, C, D, H, W) with the slices of a range replaced by `part`."""

    whole: torch.Tensor
    part: torch.Tensor
    where: range

    @property
    def size(self) -> int:
        return self.whole.shape[2]

    def read(self, wanted: range) -> torch.Tensor:
        """Return the slices of a range that contains all replaced ones."""
        before = self.whole[:, :, wanted.start : self.where.start]
        after = self.whole[:, :, self.where.stop : wanted.stop]
        return torch.cat([before, self.part, after], dim=2)
