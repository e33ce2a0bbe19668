"""What a backbone is: a network whose last maps, pooled, are features of a volume."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import nn

from ...errors import ModelError
from ...scans.grid import GridSpec
from .pooling import MAXIMUM, MEAN, POOLINGS

# The last maps (1, C, D', H', W') of one volume with slices [start, start + n) replaced by
# (n, 1, H, W); see `Rescorer`.
MapsAgain = Callable[[torch.Tensor, int], torch.Tensor]


class Backbone(ABC):
    """A network as a source of features; what it was trained for doesn't matter here.

    Attributes
    ----------
    name, description, sha256 : str
        For cards and provenance.
    grid : GridSpec
        What its volumes look like.
    network : nn.Module
        In eval mode and frozen.
    differentiable : bool
        Whether the maps have a gradient with respect to the volume.
    """

    name: str
    description: str = ""
    sha256: str = ""
    grid: GridSpec
    network: nn.Module
    differentiable: bool = True

    @abstractmethod
    def maps(self, x: torch.Tensor) -> torch.Tensor:
        """Return the last maps (N, C, ...) of volumes (N, 1, D, H, W), 0..1; differentiable."""

    def stages(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return maps of several depths, the last ones last; see `metrics.feature_distance`."""
        return (self.maps(x),)

    def maps_again(self, x: torch.Tensor) -> MapsAgain:
        """Return a function for the maps of `x`, (1, 1, D, H, W), with some slices replaced.

        The default computes the whole volume each time.
        """

        def again(changed: torch.Tensor, start: int) -> torch.Tensor:
            volume = x.clone()
            # (n, 1, H, W) -> (1, n, H, W): slices become the D axis of the one volume
            volume[0, :, start : start + len(changed)] = changed.transpose(0, 1)
            return self.maps(volume)

        return again

    def features(self, x: torch.Tensor, pooling: str = MEAN) -> torch.Tensor:
        """Return the features (N, F) of volumes (N, 1, D, H, W), 0..1; see `pooled`."""
        return pooled(self.maps(x), pooling)


def pooled(maps: torch.Tensor, pooling: str = MEAN) -> torch.Tensor:
    """Pool maps over all places, (N, C, ...) -> (N, F).

    Parameters
    ----------
    maps : torch.Tensor
        (N, C, ...); what has no places, (N, C), stays as it is.
    pooling : str
        One of `POOLINGS`; `mean-max` gives twice as many features, the means first.

    Raises
    ------
    ModelError
        If there is no such pooling.
    """
    if pooling not in POOLINGS:
        raise ModelError(f"There is no pooling {pooling!r}; expected {', '.join(POOLINGS)}.")
    places = maps.flatten(2) if maps.ndim > 2 else maps[..., None]  # (N, C, ...) -> (N, C, P)
    parts = []
    if pooling != MAXIMUM:
        parts.append(places.mean(2))
    if pooling != MEAN:
        parts.append(places.amax(2))
    return torch.cat(parts, dim=1)
