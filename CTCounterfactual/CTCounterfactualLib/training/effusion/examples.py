"""Training examples: scans with and without painted fluid, averaged to the network's 6 mm grid."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
import torch

from ...errors import ScanError
from ...models.classifiers.effusion import POOLING, pool
from ...planting.fluid import draw_fluid, paint_fluid
from ...planting.noise import noise_of
from ...planting.pleura import PleuralSpace, find_spaces
from ...scans.body import find_body
from ...scans.generated import ChestSettings, GeneratedChest, generate_chest
from ...scans.grid import GridSpec, prepare
from ...scans.lungs import find_lungs
from ...scans.scan import Scan
from ..slices import FIRST_SEED
from .distractors import paint_distractors
from .effusion_settings import EffusionSettings

logger = logging.getLogger(__name__)

REAL, GENERATED = "real", "generated"
GENERATED_SPACING_MM = (3.0, 3.0, 3.0)
GENERATED_VARIANTS = 2
# A scan of a few centimetres holds less to vary than a whole chest.
WHOLE_CHEST_LITRES, SHORT_SCAN_SHARE = 1.2, 0.25
BOTH_SIDES_CHANCE = 0.3
DISTRACTORS_CHANCE = 0.4
# Sites of 12 mm with this much fluid count as full: a thin layer is an effusion, too.
SITE_VOXEL_ML = 6.0**3 * 1e-3


@dataclass(frozen=True)
class Example:
    """One volume on the network's grid.

    Parameters
    ----------
    source, group : str
        Name of the scan it was made from; `real` or `generated`.
    hu : numpy.ndarray
        (K, J, I), int16, 6 mm; K grows to Superior, J to Anterior, I to Right.
    fluid : numpy.ndarray
        Same shape, float16, 0..1: how much of each voxel is pleural fluid.
    """

    source: str
    group: str
    hu: np.ndarray
    fluid: np.ndarray

    @property
    def ml(self) -> float:
        """Pleural fluid, mL."""
        return float(self.fluid.sum(dtype=float)) * SITE_VOXEL_ML


@dataclass(frozen=True)
class Source:
    """A scan to paint into: HU (K, J, I) in RAS order, its pleural spaces, and what was in it."""

    name: str
    group: str
    hu: np.ndarray
    spaces: tuple[PleuralSpace, ...]
    spacing: tuple[float, float, float]

    @property
    def litres(self) -> float:
        """Lung volume."""
        return sum(space.ml for space in self.spaces) * 1e-3


def source_from_scan(scan: Scan, mirror_left: bool = False) -> Source:
    """Prepare a scan (at the default grid) and find its pleural spaces; none without lung.

    mirror_left: use the patient's left half and its mirror image, for a scan whose right side has
    an effusion of its own.
    """
    spec = GridSpec()
    volume = prepare(scan, spec).volume
    if mirror_left:
        volume = _mirrored_left(volume)
    try:
        spaces = find_spaces(find_lungs(volume, spec.spacing, spec.window), spec.spacing)
    except ScanError:
        spaces = ()
    hu = spec.window.to_hu(volume).astype(np.float32)
    return Source(scan.name, REAL, hu, spaces, spec.spacing)


def _mirrored_left(volume: np.ndarray) -> np.ndarray:
    """Return the left half (K, J, I to Right) up to the middle of the body, with its mirror."""
    spec = GridSpec()
    body = find_body(spec.window.to_hu(volume), spec.spacing)
    middle = round(float(np.argwhere(body.any(axis=(0, 1))).mean())) + 1
    left = volume[:, :, :middle]
    return np.concatenate([left, left[:, :, ::-1]], axis=2)


def source_from_generated(seed: int) -> Source:
    """Generate the chest of this seed without fluid."""
    chest = generate_chest(ChestSettings(spacing=GENERATED_SPACING_MM, seed=seed))
    lungs = _as_ras(chest.masks["lungs"])
    spaces = find_spaces(lungs, chest.spacing)
    return Source(f"generated-{seed}", GENERATED, _generated_hu(chest), spaces, chest.spacing)


def generated_effusion(seed: int, ml: tuple[float, float]) -> Example:
    """Generate the chest of this seed with fluid of its own, on a random side."""
    chest = chest_with_effusion(seed, ml)
    fluid = _as_ras(chest.masks["effusion"]).astype(np.float32)
    return _example(f"generated-{seed}", GENERATED, _generated_hu(chest), fluid, chest.spacing)


def chest_with_effusion(seed: int, ml: tuple[float, float]) -> GeneratedChest:
    """Generate the chest of this seed; the seed also draws how much fluid, and its side."""
    rng = np.random.default_rng(seed)
    amount, side = draw_ml(rng, ml), str(rng.choice(["left", "right"]))
    return generate_chest(
        ChestSettings(
            spacing=GENERATED_SPACING_MM, seed=seed, effusion_ml=amount, effusion_side=side
        )
    )


def painted(source: Source, rng: np.random.Generator, ml: tuple[float, float]) -> Example:
    """Return the source with fluid on one or both sides, sometimes beside distractors."""
    hu, fluid = source.hu.copy(), np.zeros(source.hu.shape, np.float32)
    noise = noise_of(source.hu)
    if rng.random() < DISTRACTORS_CHANCE:
        paint_distractors(hu, source.spaces, rng, noise)
    spaces = [source.spaces[n] for n in rng.permutation(len(source.spaces))]
    for space in spaces if rng.random() < BOTH_SIDES_CHANCE else spaces[:1]:
        cover = paint_fluid(hu, space, draw_fluid(rng, draw_ml(rng, ml)), noise)
        fluid[space.box] = np.maximum(fluid[space.box], cover)
    return _example(source.name, source.group, hu, fluid, source.spacing, rng)


def unpainted(source: Source, rng: np.random.Generator, distractors: bool) -> Example:
    """Return the source as it is, or with distractors."""
    hu = source.hu
    if distractors:
        hu = hu.copy()
        paint_distractors(hu, source.spaces, rng, noise_of(source.hu))
    return _example(
        source.name, source.group, hu, np.zeros(hu.shape, np.float32), source.spacing, rng
    )


def build_examples(
    scans: Iterable[tuple[Scan, bool]],
    settings: EffusionSettings,
    check: Callable[[], None] = lambda: None,
) -> list[Example]:
    """Return all examples of a training mix.

    Parameters
    ----------
    scans : iterable of (Scan, bool)
        Scans free of effusion; True for those of which only the left half is.
    check : callable
        Called before each generated chest; raises to stop.
    """
    rng = np.random.default_rng(settings.seed)
    examples = []
    for scan, mirror_left in scans:
        source = source_from_scan(scan, mirror_left)
        examples += _variants(source, _variant_count(source, settings), settings, rng)
        logger.info("%s: %.1f L of lung", source.name, source.litres)
    for seed in range(FIRST_SEED, FIRST_SEED + settings.generated):
        check()
        source = source_from_generated(seed)
        examples += _variants(source, GENERATED_VARIANTS, settings, rng)
        examples.append(generated_effusion(seed, settings.ml))
        logger.info("%s", source.name)
    return examples


def draw_ml(rng: np.random.Generator, ml: tuple[float, float]) -> float:
    """Draw a volume of fluid evenly on a logarithmic scale."""
    return float(np.exp(rng.uniform(np.log(ml[0]), np.log(ml[1]))))


def _variant_count(source: Source, settings: EffusionSettings) -> int:
    share = 1.0 if source.litres >= WHOLE_CHEST_LITRES else SHORT_SCAN_SHARE
    return max(1, round(share * settings.variants))


def _variants(
    source: Source, count: int, settings: EffusionSettings, rng: np.random.Generator
) -> list[Example]:
    """Return `count` painted ones, half as many with distractors, and a few untouched ones."""
    untouched = [unpainted(source, rng, distractors=False) for _ in range(max(1, count // 8))]
    if not source.spaces:
        return untouched
    with_fluid = [painted(source, rng, settings.ml) for _ in range(count)]
    without = [unpainted(source, rng, distractors=True) for _ in range((count + 1) // 2)]
    return untouched + with_fluid + without


def _as_ras(values: np.ndarray) -> np.ndarray:
    """Turn a generated chest's axes (J to Posterior, I to Left) to Anterior and Right."""
    return np.ascontiguousarray(values[:, ::-1, ::-1])


def _generated_hu(chest: GeneratedChest) -> np.ndarray:
    window = GridSpec().window
    return _as_ras(chest.hu).clip(window.low_hu, window.high_hu).astype(np.float32)


def _example(
    name: str,
    group: str,
    hu: np.ndarray,
    fluid: np.ndarray,
    spacing: tuple[float, float, float],
    rng: np.random.Generator | None = None,
) -> Example:
    """Average to 6 mm; with `rng`, from a random corner, so that borders fall differently."""
    network_mm = [f * s for f, s in zip(POOLING, GridSpec().spacing[::-1], strict=True)]
    depth, height, width = (
        max(1, round(mm / s)) for mm, s in zip(network_mm, spacing[::-1], strict=True)
    )
    factors = (depth, height, width)
    corner = [0 if rng is None else int(rng.integers(f)) for f in factors]
    corner = [c if n > c else 0 for c, n in zip(corner, hu.shape, strict=True)]
    cut = tuple(slice(c, None) for c in corner)
    both = torch.from_numpy(np.stack([hu[cut], fluid[cut]]))[None]  # 2 x (K, J, I) -> (1, 2, ...)
    small_hu, small_fluid = pool(both, factors)[0].numpy()
    return Example(name, group, np.rint(small_hu).astype(np.int16), small_fluid.astype(np.float16))
