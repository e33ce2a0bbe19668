"""How well the findings demo tells scans apart, where its gradient lies, and what fools it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage

from ..errors import ScanError
from ..models.classifiers.findings import PlacesClassifier
from ..planting import plant, ready_chest
from ..scans.grid import GridSpec
from ..scans.lungs import find_body

# How far beyond a finding a gradient still counts as near it: two voxels of the network.
NEAR_MM = 6.0
# What a sharp kernel adds of the difference from the mean of 3 x 3 voxels in plane.
SHARPENED = 1.5
OFFSET_HU, DENSER_HU, NOISE_HU = 30.0, 150.0, 40.0
NOISE_SEED = 3
# Averaged slices; margin left around the lungs by a narrow field of view.
THICK_SLICES, NARROW_MM = 3, 15.0


@dataclass(frozen=True)
class PlantedCase:
    """A scan on the default grid with a finding planted, and without it.

    Parameters
    ----------
    name, finding, place : str
        Of the scan; what was planted, and where in words.
    clean, planted : numpy.ndarray
        (K, J, I), float32, 0..1.
    cover : numpy.ndarray
        Same shape, 0..1: how much of each voxel is the finding.
    lungs : numpy.ndarray
        Same shape, bool.
    """

    name: str
    finding: str
    place: str
    clean: np.ndarray
    planted: np.ndarray
    cover: np.ndarray
    lungs: np.ndarray

    @property
    def ml(self) -> float:
        """Volume of the finding, mL."""
        return float(self.cover.sum(dtype=float)) * GridSpec().voxel_litres * 1e3


def plant_findings(
    name: str,
    volume: np.ndarray,
    lungs: np.ndarray,
    findings: tuple[str, ...],
    count: int,
    seed: int,
) -> Iterator[PlantedCase]:
    """Yield `count` cases of each finding in a volume (K, J, I) of the default grid, seeded.

    Where there is no room for one, it is left out.
    """
    spec = GridSpec()
    hu = spec.window.to_hu(volume).astype(np.float32)
    chest = ready_chest(hu, lungs, spec.spacing, name)
    rng = np.random.default_rng(seed)
    for finding in findings:
        for _ in range(count):
            try:
                planted = plant(finding, hu, chest, spec.spacing, rng)
            except ScanError:
                continue
            unit = spec.window.to_unit(planted.hu).astype(np.float32)
            yield PlantedCase(name, finding, planted.place, volume, unit, planted.cover, lungs)


@dataclass(frozen=True)
class GradientPlace:
    """Where the gradient of a score with respect to the voxels lies.

    Parameters
    ----------
    inside, near : float
        Share of the sum of |gradient| in voxels of the finding, and within `NEAR_MM` of it.
    downwards : float
        Of the gradient in the finding, the share that asks for less density to lower the score
        (for a pneumothorax: for more).
    chance : float
        The finding's share of the body's voxels.
    """

    inside: float
    near: float
    downwards: float
    chance: float


def gradient_place(classifier: PlacesClassifier, case: PlantedCase) -> GradientPlace:
    """Return where the gradient of the planted finding's logit lies when the scan is explained."""
    x = _tensor(case.planted)
    known = classifier.knowing(x)
    x.requires_grad_(True)
    (gradient,) = torch.autograd.grad(known.score(x, case.finding).sum(), x)
    rise = gradient[0, 0].numpy()
    inside = case.cover > 0
    spacing = GridSpec().spacing
    near = ndimage.distance_transform_edt(~inside, sampling=spacing[::-1]) <= NEAR_MM
    wanted = -rise if case.finding == "pneumothorax" else rise
    size, body = np.abs(rise), find_body(GridSpec().window.to_hu(case.planted), spacing)
    total = max(float(size.sum(dtype=float)), 1e-30)
    within = max(float(size[inside].sum(dtype=float)), 1e-30)
    return GradientPlace(
        within / total,
        float(size[near].sum(dtype=float)) / total,
        float(wanted[inside].clip(min=0).sum(dtype=float)) / within,
        float(inside.sum() / max(int(body.sum()), 1)),
    )


def scores(
    classifier: PlacesClassifier, volume: np.ndarray, targets: tuple[str, ...]
) -> list[float]:
    """Return the scores of a volume (K, J, I), one for each target; its places are found once."""
    x = _tensor(volume)
    with torch.inference_mode():
        known = classifier.knowing(x)
        return [float(known.score(x, target)) for target in targets]


def turned_prone(case: PlantedCase, volume: np.ndarray) -> np.ndarray:
    """Return the volume with front and back exchanged."""
    return np.ascontiguousarray(volume[:, ::-1])


def sharpened(case: PlantedCase, volume: np.ndarray) -> np.ndarray:
    """Return the volume as a sharp kernel would show it."""
    more = volume + SHARPENED * (volume - ndimage.uniform_filter(volume, (1, 3, 3)))
    return more.clip(0, 1).astype(np.float32)


def noisier(case: PlantedCase, volume: np.ndarray) -> np.ndarray:
    """Return the volume with white noise of `NOISE_HU`."""
    noise = np.random.default_rng(NOISE_SEED).standard_normal(volume.shape, np.float32)
    return (volume + NOISE_HU / GridSpec().window.hu_per_unit * noise).clip(0, 1)


def brighter(case: PlantedCase, volume: np.ndarray) -> np.ndarray:
    """Return the volume with all HU raised."""
    return (volume + np.float32(OFFSET_HU / GridSpec().window.hu_per_unit)).clip(0, 1)


def of_thick_slices(case: PlantedCase, volume: np.ndarray) -> np.ndarray:
    """Return the volume as slices three times as thick would show it."""
    return ndimage.uniform_filter1d(volume, THICK_SLICES, axis=0)


def cropped_to_body(case: PlantedCase, volume: np.ndarray) -> np.ndarray:
    """Return the volume without the air and the table around the body."""
    spec = GridSpec()
    body = find_body(spec.window.to_hu(volume), spec.spacing)
    return _cropped(volume, body, 0.0)


def cropped_to_lungs(case: PlantedCase, volume: np.ndarray) -> np.ndarray:
    """Return the volume in a narrow field of view around the lungs."""
    return _cropped(volume, case.lungs, NARROW_MM)


def denser(case: PlantedCase, volume: np.ndarray) -> np.ndarray:
    """Return the volume with the planted finding denser."""
    more = DENSER_HU / GridSpec().window.hu_per_unit * case.cover
    return (volume + more).clip(0, 1).astype(np.float32)


# What must hardly move a score; the first changes which side is down, the last the finding itself.
DISTURBANCES: dict[str, Callable[[PlantedCase, np.ndarray], np.ndarray]] = {
    "turned prone": turned_prone,
    "sharp kernel": sharpened,
    "noise": noisier,
    "30 HU brighter": brighter,
    "thick slices": of_thick_slices,
    "air and table cropped": cropped_to_body,
    "narrow field of view": cropped_to_lungs,
    "finding 150 HU denser": denser,
}


def _cropped(volume: np.ndarray, kept: np.ndarray, margin_mm: float) -> np.ndarray:
    box = [slice(None)]
    for axis, mm in ((1, GridSpec().spacing[1]), (2, GridSpec().spacing[0])):
        inside = np.flatnonzero(kept.any(axis=tuple(a for a in range(3) if a != axis)))
        margin = round(margin_mm / mm)
        box.append(slice(max(0, inside[0] - margin), inside[-1] + 1 + margin))
    return np.ascontiguousarray(volume[tuple(box)])


def _tensor(volume: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(volume, np.float32))[None, None]  # (1, 1, K, J, I)
