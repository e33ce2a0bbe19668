"""Training slices: scans and generated chests as stacks of 2D slices at the prepared pixel size."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk

from ..scans.generated import ChestSettings, generate_chest
from ..scans.grid import GridSpec, prepare
from ..scans.scan import Scan

logger = logging.getLogger(__name__)

# Slices of a scan overlap so that thin-slice scans give more examples than their prepared grid has.
SLICE_STEP_MM = 1.0
# Generated chests vary from axial slice to slice more slowly than they do from seed to seed.
GENERATED_SLICE_MM = 9.0
PIXEL_MM = 1.5
# Seeds from here on are for training; those below stay unseen, for the demo and for tests.
FIRST_SEED = 1000


@dataclass(frozen=True)
class SliceStack:
    """Slices of one scan or one patient with its weight in the training mix.

    Parameters
    ----------
    name : str
        Name of the scan, of the patient or of the generated seed.
    slices : numpy.ndarray or list of numpy.ndarray
        K slices (H, W), float16, 0..1, rows grow to Anterior, columns to Right; a list where they
        differ in size.
    weight : float
        Relative chance that a training example is drawn from this stack.
    source : str
        What several stacks have come from, as the card tells it; empty: the stack's name.
    """

    name: str
    slices: np.ndarray | list[np.ndarray]
    weight: float
    source: str = ""


def stack_from_scan(scan: Scan, weight: float = 1.0) -> SliceStack:
    """Cut a scan into overlapping slices, each an average over the prepared 3 mm thickness.

    The blur of the 3 mm grid is kept while the slices are taken every `SLICE_STEP_MM` (or at the
    scan's own spacing where that is coarser).
    """
    thickness = GridSpec().spacing[2]
    step = max(SLICE_STEP_MM, min(thickness, scan.spacing[2]))
    phases = max(1, round(thickness / step))
    parts = []
    for phase in range(phases):
        shifted = sitk.Image(scan.image)
        origin = np.array(scan.image.GetOrigin()) + np.array([0.0, 0.0, phase * step])
        shifted.SetOrigin(origin.tolist())
        lowest = 0 if phase == 0 else 1  # a shifted grid's first slice lies partly outside the scan
        parts.append(prepare(_on_fixed_grid(shifted, scan)).volume[lowest:])
    slices = np.concatenate(parts).astype(np.float16)
    return SliceStack(scan.name, slices, weight)


def _on_fixed_grid(shifted: sitk.Image, scan: Scan) -> Scan:
    """Resample a shifted copy onto the scan's grid, so that its prepared slices fall in between."""
    moved = sitk.Resample(
        shifted, scan.image, sitk.Transform(), sitk.sitkLinear, -1000.0, shifted.GetPixelID()
    )
    return Scan(moved, name=scan.name)


def stack_from_generated(seed: int, weight: float = 1.0) -> SliceStack:
    """Generate the chest of this seed and cut it into sparse slices; half have an effusion."""
    rng = np.random.default_rng(seed)
    settings = ChestSettings(
        spacing=(PIXEL_MM, PIXEL_MM, GENERATED_SLICE_MM),
        seed=seed,
        effusion_ml=float(rng.choice([0.0, rng.uniform(100, 1500)])),
        effusion_side=str(rng.choice(["left", "right"])),
    )
    chest = generate_chest(settings)
    # (K, J, I) with J to Posterior and I to Left -> rows to Anterior, columns to Right
    slices = GridSpec().window.to_unit(chest.hu.astype(np.float32))[:, ::-1, ::-1]
    return SliceStack(f"generated-{seed}", slices.astype(np.float16), weight, "generated chests")


def build_stacks(
    real: Iterable[SliceStack],
    generated: int,
    generated_share: float,
    planted: Iterable[SliceStack] = (),
    planted_share: float = 0.0,
) -> list[SliceStack]:
    """Return the stacks of a training mix, weighed.

    Parameters
    ----------
    real : iterable of SliceStack
        Of scans and of patients with single slices. Each weighs by the square root of its number
        of slices, so that one whole chest doesn't drown the short ones.
    generated : int
        Number of generated chests.
    generated_share : float
        Share of training examples drawn from generated chests, 0..1.
    planted : iterable of SliceStack
        Real scans' slices with planted findings (`planted.stack_with_findings`).
    planted_share : float
        Share of the other examples that is drawn from them, 0..1.
    """
    real, planted = list(real), list(planted)
    others = 1.0 - generated_share if generated and real else float(bool(real))
    found = others * planted_share if planted else 0.0
    stacks = _weighed(real, others - found) + _weighed(planted, found)
    for index in range(generated):
        stacks.append(stack_from_generated(FIRST_SEED + index, (1 - others) / generated))
    for stack in stacks:
        logger.info("%s: %d slices, weight %.3f", stack.name, len(stack.slices), stack.weight)
    return stacks


def _weighed(stacks: list[SliceStack], share: float) -> list[SliceStack]:
    """Return stacks that together weigh `share`, each by the square root of its slices."""
    weights = np.array([len(stack.slices) ** 0.5 for stack in stacks])
    return [
        replace(stack, weight=float(weight))
        for stack, weight in zip(stacks, share * weights / max(weights.sum(), 1), strict=True)
    ]


def describe_stacks(stacks: Iterable[SliceStack]) -> list[str]:
    """Say how many slices came from each source, for a card; in the order of the stacks."""
    counts: dict[str, int] = {}
    for stack in stacks:
        source = stack.source or stack.name
        counts[source] = counts.get(source, 0) + len(stack.slices)
    return [f"{source}: {count} slices" for source, count in counts.items()]
