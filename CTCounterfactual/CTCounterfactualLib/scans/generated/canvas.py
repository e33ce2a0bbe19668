"""A block of HU being painted, with the lattice fields sampled on it."""

from __future__ import annotations

import numpy as np

from .fields import Fields
from .lattice import Block
from .patient import Patient
from .shapes import coverage
from .tubes import Tubes, draw_tubes

AIR_HU = -1000.0


class Canvas:
    """HU and truth masks of one block; tissues are painted over each other by coverage."""

    def __init__(self, block: Block, patient: Patient, fields: Fields):
        self.block, self.patient, self.fields = block, patient, fields
        self.hu = np.full(block.shape, AIR_HU, np.float32)
        self.masks: dict[str, np.ndarray] = {}
        self._sampled: dict[str, np.ndarray] = {}

    def field(self, name: str) -> np.ndarray:
        """A lattice field (see `Fields`) on this block, (z, y, x)."""
        if name not in self._sampled:
            self._sampled[name] = self.block.sample(getattr(self.fields, name))
        return self._sampled[name]

    def cover(self, distance: np.ndarray) -> np.ndarray:
        """Coverage of a signed distance at this block's edge width."""
        return coverage(distance, self.block.edge_mm)

    def sheet(self, distance: np.ndarray, thickness: float) -> np.ndarray:
        """Coverage of a sheet centred on `distance` = 0, faded when thinner than a voxel."""
        drawn = max(thickness, self.block.edge_mm)
        return coverage(np.abs(distance) - 0.5 * drawn, self.block.edge_mm) * (thickness / drawn)

    def paint(self, cover: np.ndarray, hu, window=None) -> None:
        """Blend `hu` (number or array) over what is there, by coverage 0..1."""
        target = self.hu if window is None else self.hu[window]
        target += cover * (hu - target)

    def paint_tubes(self, tubes: Tubes, hu) -> np.ndarray:
        """Paint tubes and return their coverage."""
        cover = draw_tubes(self.block, tubes)
        self.paint(cover, hu)
        return cover

    def mark(self, name: str, cover: np.ndarray, window=None) -> None:
        """Add coverage to a truth mask (the larger value wins)."""
        mask = self.masks.setdefault(name, np.zeros(self.block.shape, np.float32))
        target = mask if window is None else mask[window]
        np.maximum(target, cover, out=target)
