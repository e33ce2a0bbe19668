"""What isn't an effusion but painted by the same brush: nodules, rims elsewhere, dependent lung.

Without them the network would learn the brush: any painted border would be an effusion.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...planting.fluid import draw_fluid, paint_fluid
from ...planting.pleura import PleuralSpace

# Solid lesions and thickened pleura, HU.
SOLID_HU = (15.0, 70.0)
NODULE_RADIUS_MM = (4.0, 22.0)
NODULE_EDGE_MM = 2.0
# A rim lies anterior or lateral: at most this far from straight anterior, radians.
RIM_ANGLE = 1.1
RIM_ML = (15.0, 350.0)
# Lung that lies below is denser, in everyone: up to this at the very back, over this height.
DEPENDENT_HU = (-650.0, -350.0)
DEPENDENT_MM = (8.0, 40.0)


def paint_nodules(
    hu: np.ndarray, space: PleuralSpace, rng: np.random.Generator, noise_hu: float
) -> None:
    """Paint one to five solid spheres into the lung, in place."""
    part = hu[space.box]
    inside = np.argwhere(space.lung)
    steps = np.array(space.spacing[::-1], np.float32)  # (K, J, I) mm
    for _ in range(rng.integers(1, 6)):
        centre = inside[rng.integers(len(inside))] * steps
        radius = rng.uniform(*NODULE_RADIUS_MM)
        k, j, i = (
            (np.arange(n, dtype=np.float32) * s - c) ** 2
            for n, s, c in zip(part.shape, steps, centre, strict=True)
        )
        distance = np.sqrt(k[:, None, None] + j[:, None] + i)
        cover = np.clip((radius - distance) / NODULE_EDGE_MM + 0.5, 0.0, 1.0) * space.lung
        solid = rng.uniform(*SOLID_HU) + noise_hu * rng.standard_normal(part.shape, np.float32)
        part += cover * (solid - part)


def paint_rim(
    hu: np.ndarray, space: PleuralSpace, rng: np.random.Generator, noise_hu: float
) -> None:
    """Paint a soft-tissue rim along the anterior or lateral pleura, in place."""
    angle = rng.uniform(-RIM_ANGLE, RIM_ANGLE)
    ml = float(np.exp(rng.uniform(*np.log(RIM_ML))))
    rim = replace(
        draw_fluid(rng, ml),
        hu=float(rng.uniform(*SOLID_HU)),
        direction=(rng.uniform(-0.2, 0.5), float(np.cos(angle)), float(np.sin(angle))),
    )
    paint_fluid(hu, space, rim, noise_hu)


def paint_dependent_density(
    hu: np.ndarray, space: PleuralSpace, rng: np.random.Generator, noise_hu: float
) -> None:
    """Raise the density of lung towards the back, without any fluid, in place."""
    part = hu[space.box]
    depth = space.depth((-rng.uniform(0.0, 0.3), -1.0, 0.0), rng.uniform(0.0, 25.0))
    back = float(np.quantile(depth[space.lung], 0.995))
    height = rng.uniform(*DEPENDENT_MM)
    near = np.clip(1.0 + (depth - back) / height, 0.0, 1.0) ** rng.uniform(0.7, 2.0)
    goal = rng.uniform(*DEPENDENT_HU)
    near *= space.lung & (part < goal)
    part += near * (goal - part)


DISTRACTORS = (paint_nodules, paint_rim, paint_dependent_density)


def paint_distractors(
    hu: np.ndarray, spaces: tuple[PleuralSpace, ...], rng: np.random.Generator, noise_hu: float
) -> None:
    """Paint one to three kinds of distractors, each into one of the spaces, in place."""
    kinds = rng.permutation(len(DISTRACTORS))[: rng.integers(1, len(DISTRACTORS) + 1)]
    for kind in kinds:
        DISTRACTORS[kind](hu, spaces[rng.integers(len(spaces))], rng, noise_hu)
