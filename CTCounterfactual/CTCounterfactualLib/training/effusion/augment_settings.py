"""Ranges of the random transforms of training volumes; each default is written here."""

from __future__ import annotations

from dataclasses import dataclass

from ...checked import check_limits, take_types
from ...errors import SettingsError
from ...limits import COUNT, FRACTION, POSITIVE, Limit

# A smooth field needs two points along each axis at least.
WARP_NODES = Limit(2)


@dataclass(frozen=True)
class AugmentSettings:
    """Ranges of the random transforms; few patients must stand for many, so they are wide.

    Parameters
    ----------
    rotation_deg, scale : float
        Rotation about each axis (+-), and zoom (1/scale..scale), partly of each axis alone.
    warp, warp_nodes : float, int
        Standard deviation of a smooth displacement as a share of the scan's width, and its control
        points along each axis.
    shift_hu, gain, lung_shift_hu : float
        Greatest offset, relative gain, and offset of lung alone.
    contrast : tuple of float
        Range of the factor by which tissue above `PLAIN_TISSUE_HU` is stretched: 0 takes contrast
        medium away, so that organs look like muscle.
    dense_chance, dense_hu : float
        Share of examples whose fluid is made denser, and by how much at most: blood, contrast, or
        more than any fluid has. It stays an effusion, so that its evidence doesn't fall with
        density: else the nearest counterfactual would turn fluid into bone, not into lung.
    noise_hu, blur_chance : float
        Greatest noise, and share of examples blurred.
    """

    rotation_deg: float = 12.0
    scale: float = 1.3
    warp: float = 0.05
    warp_nodes: int = 4
    shift_hu: float = 15.0
    gain: float = 0.03
    lung_shift_hu: float = 70.0
    contrast: tuple[float, float] = (0.0, 1.3)
    dense_chance: float = 0.8
    dense_hu: float = 300.0
    noise_hu: float = 12.0
    blur_chance: float = 0.3

    def __post_init__(self) -> None:
        take_types(self)
        check_limits(
            self,
            rotation_deg=COUNT,
            scale=POSITIVE,
            warp=COUNT,
            warp_nodes=WARP_NODES,
            shift_hu=COUNT,
            gain=FRACTION,
            lung_shift_hu=COUNT,
            contrast=COUNT,
            dense_chance=FRACTION,
            dense_hu=COUNT,
            noise_hu=COUNT,
            blur_chance=FRACTION,
        )
        if self.contrast[0] > self.contrast[1]:
            raise SettingsError(f"Setting contrast is {self.contrast}; give least and greatest.")
