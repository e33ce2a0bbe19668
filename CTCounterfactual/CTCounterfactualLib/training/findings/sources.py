"""Scans to paint findings into: whole chests, slabs, single slices and generated chests."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch

from ...errors import ScanError
from ...models.classifiers.findings_network import CUBE_MM, POOLING, pool
from ...scans.generated import ChestSettings, generate_chest
from ...scans.grid import GridSpec, prepare
from ...scans.lungs import find_body, find_lungs
from ...scans.scan import Scan
from ..slice_file import SliceFile

REAL, SLICE, GENERATED = "real", "slice", "generated"
# Findings are painted where the network looks: into cubes of this size.
SPACING = (CUBE_MM["fine"],) * 3
# A single slice stands for a slab of this many prepared ones.
SLICE_REPEATS = 12
# Of a voxel that lies in the lungs.
HALF = 0.5
# Kept around the body, mm: the rest of a wide field of view is air.
BODY_MARGIN_MM = 24.0


@dataclass(frozen=True)
class Source:
    """A scan free of the findings, as far as they aren't `unknown`.

    Parameters
    ----------
    name, group : str
        Of the scan; `real`, `slice` or `generated`.
    hu : numpy.ndarray
        (K, J, I), float32, HU within the window, in cubes of `SPACING`, an even number along each
        axis; K to Superior, J to Anterior, I to Right.
    lungs : numpy.ndarray
        Same shape, bool; all False without lungs.
    unknown : tuple of str
        Findings that the scan may hold itself: where none is painted, nothing is said of them.
    """

    name: str
    group: str
    hu: np.ndarray
    lungs: np.ndarray
    unknown: tuple[str, ...] = ()

    @property
    def litres(self) -> float:
        """Lung volume."""
        return float(self.lungs.sum()) * float(np.prod(SPACING)) * 1e-6


def source_from_scan(
    scan: Scan, mirror_left: bool = False, unknown: tuple[str, ...] = ()
) -> Source:
    """Prepare a scan and find its lungs; without any it is a source of what isn't a finding.

    mirror_left: use the patient's left half and its mirror image, for a scan whose right side has
    a finding of its own.
    """
    volume = prepare(scan).volume
    return _source(scan.name, REAL, _mirrored_left(volume) if mirror_left else volume, unknown)


def _source(name: str, group: str, volume: np.ndarray, unknown: tuple[str, ...]) -> Source:
    spec = GridSpec()
    volume = volume[_around_body(volume)]
    try:
        lungs = find_lungs(volume, spec.spacing, spec.window)
    except ScanError:
        lungs = np.zeros(volume.shape, bool)
    hu = spec.window.to_hu(volume).astype(np.float32)
    cubes, shares = (
        pool(torch.from_numpy(v.astype(np.float32))[None, None], POOLING["fine"])[0, 0].numpy()
        for v in (hu, lungs)
    )
    return Source(name, group, _even(cubes), _even(shares >= HALF), unknown)


def sources_from_slices(file: SliceFile, which: Iterable[int]) -> Iterator[Source]:
    """Yield some slices of a file by their numbers, each repeated to a slab."""
    for number in which:
        volume = np.repeat(file.prepared(number)[None], SLICE_REPEATS, axis=0)
        yield _source(f"{file.name} {number}", SLICE, volume, ())


def source_from_generated(seed: int) -> Source:
    """Generate the chest of this seed without any finding."""
    chest = generate_chest(ChestSettings(spacing=SPACING, seed=seed))
    window = GridSpec().window
    # The generated chest's axes go to Posterior and Left.
    hu, lungs = (np.ascontiguousarray(v[:, ::-1, ::-1]) for v in (chest.hu, chest.masks["lungs"]))
    hu = hu.clip(window.low_hu, window.high_hu).astype(np.float32)
    return Source(f"generated-{seed}", GENERATED, _even(hu), _even(lungs.astype(bool)))


def _even(values: np.ndarray) -> np.ndarray:
    """Repeat the last voxels of (K, J, I) where there is an odd number of them."""
    return np.pad(values, [(0, n % 2) for n in values.shape], mode="edge")


def _mirrored_left(volume: np.ndarray) -> np.ndarray:
    """Return the left half (K, J, I to Right) up to the middle of the body, with its mirror."""
    spec = GridSpec()
    body = find_body(spec.window.to_hu(volume), spec.spacing)
    middle = round(float(np.argwhere(body.any(axis=(0, 1))).mean())) + 1
    left = volume[:, :, :middle]
    return np.concatenate([left, left[:, :, ::-1]], axis=2)


def _around_body(volume: np.ndarray) -> tuple[slice, slice, slice]:
    """Return the box in plane around the body, with some air."""
    spec = GridSpec()
    body = find_body(spec.window.to_hu(volume), spec.spacing)
    if not body.any():
        return (slice(None),) * 3
    box = [slice(None)]
    for axis, mm in ((1, spec.spacing[1]), (2, spec.spacing[0])):
        inside = np.flatnonzero(body.any(axis=tuple(a for a in range(3) if a != axis)))
        margin = round(BODY_MARGIN_MM / mm)
        box.append(slice(max(0, inside[0] - margin), inside[-1] + 1 + margin))
    return box[0], box[1], box[2]
