"""From the prepared volume of this project to the tensor that a user's network was trained on."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from ...errors import ModelError
from ..files.fields import Table

# Spatial dimensions of a prepared volume (N, 1, D, H, W): towards which side their index grows.
PREPARED_AXES = "SAR"
_OPPOSITE = {"R": "L", "A": "P", "S": "I", "L": "R", "P": "A", "I": "S"}
# Of those, the dimension of a tensor: (N, 1) come before.
_FIRST_SPATIAL = 2


@dataclass(frozen=True)
class InputSpec:
    """How a network wants its input; every step is differentiable.

    Parameters
    ----------
    axes : str
        Towards which side the index of each spatial dimension grows, in the order of the tensor.
        `SAR` is this project's own (slices, rows, columns); MONAI's `Orientationd("RAS")` gives
        `RAS`; an array read by SimpleITK from an axial scan is `SPL`.
    intensity : tuple of float
        What the lower and the upper end of the HU window become: `(0, 1)`, `(-1, 1)`, or the
        window's own ends for a network that takes HU.
    channels : int
        The one channel is repeated this often.
    depth : int or None
        Slices that the network takes: more are cut off at both ends, fewer padded. None: any.
    divisible_by : tuple of int
        (I, J, K): padded at both ends until each side divides.
    """

    axes: str = PREPARED_AXES
    intensity: tuple[float, float] = (0.0, 1.0)
    channels: int = 1
    depth: int | None = None
    divisible_by: tuple[int, int, int] = (1, 1, 1)

    @classmethod
    def from_table(cls, values: dict, where: str) -> InputSpec:
        """Return the spec of a card's table `input`; raise `ModelError` naming what is wrong."""
        table = Table(values, where, cls.__dataclass_fields__)
        axes = table.text("axes", cls.axes).upper()
        if sorted(_family(letter) for letter in axes) != sorted(PREPARED_AXES):
            raise table.refuse(
                "axes", "three letters, one of R/L, A/P and S/I each, such as SAR, RAS or SPL"
            )
        if isinstance(values.get("divisible_by"), int):
            each = table.integer("divisible_by")
            divisible_by = (each, each, each)
        else:
            divisible_by = table.integers("divisible_by", 3, cls.divisible_by)
        depth = None if values.get("depth", "any") == "any" else table.integer("depth")
        return cls(
            axes,
            table.numbers("intensity", 2, cls.intensity),
            table.integer("channels", cls.channels),
            depth,
            divisible_by,
        )

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """Return the network's input from (N, 1, D, H, W) in 0..1 on the prepared grid."""
        if x.ndim != 5 or x.shape[1] != 1:
            raise ModelError(
                f"A classifier's volumes are (N, 1, D, H, W), got {tuple(x.shape)}; add the axes."
            )
        if self.depth is not None:
            x = _fit(x, self.depth)
        width, height, depth = self.divisible_by
        x = _pad(
            x,
            [
                (-size) % divisor
                for size, divisor in zip(x.shape[2:], (depth, height, width), strict=True)
            ],
        )
        low, high = self.intensity
        x = low + (high - low) * x
        order = [PREPARED_AXES.index(_family(letter)) + _FIRST_SPATIAL for letter in self.axes]
        # (N, 1, D, H, W) -> (N, 1, *axes)
        x = x.permute(0, 1, *order)
        x = x.flip(
            [
                number
                for number, letter in enumerate(self.axes, start=_FIRST_SPATIAL)
                if letter not in PREPARED_AXES
            ]
        )
        # In memory as it reads, and each channel of its own: a network may take a `view` of it, or
        # normalise channels in place.
        return x.contiguous() if self.channels == 1 else x.repeat(1, self.channels, 1, 1, 1)


def _family(letter: str) -> str:
    """Return the letter of `PREPARED_AXES` that names the same line through the body."""
    return letter if letter in PREPARED_AXES else _OPPOSITE.get(letter, letter)


def _fit(x: torch.Tensor, depth: int) -> torch.Tensor:
    """Cut or pad the slices of (N, 1, D, H, W) at both ends to `depth`."""
    excess = max(x.shape[2] - depth, 0)
    x = x[:, :, excess // 2 : x.shape[2] - (excess - excess // 2)]
    return _pad(x, [depth - x.shape[2], 0, 0])


def _pad(x: torch.Tensor, missing: list[int]) -> torch.Tensor:
    """Add `missing` (D, H, W) voxels of 0, the window's lower end (air), half at each end."""
    if not any(missing):
        return x
    d, h, w = missing
    return F.pad(x, (w // 2, w - w // 2, h // 2, h - h // 2, d // 2, d - d // 2))
