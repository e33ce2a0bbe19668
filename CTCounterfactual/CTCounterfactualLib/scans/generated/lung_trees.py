"""Pulmonary arteries, veins and airways of one patient, in patient mm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import map_coordinates

from .fields import Fields, hemithorax_distance
from .lattice import LATTICE_STEP_MM, lattice_axes
from .mediastinum import HILUM_LEFT, HILUM_RIGHT
from .patient import STREAM_VESSELS, Patient, stream
from .trees import RADIUS_EXPONENT, Tree, grow_tree, tree_tubes
from .tubes import Tubes, join

ARTERY_TIPS, VEIN_TIPS = 1900, 1500  # endings per lung
TIP_RADIUS_MM = 0.46
PLEURAL_GAP_MM = 4.0  # visible vessels end this far from the pleura
AIRWAY_MIN_LEAVES = 36  # airways are followed while their artery serves this many endings
AIRWAY_TO_ARTERY = 0.72  # lumen radius over the radius of the artery beside it
VEIN_ROOTS = {"right": (-50.0, 10.0, 138.0), "left": (52.0, 12.0, 142.0)}


@dataclass(frozen=True)
class LungTrees:
    """`vessels`: arteries and veins. `bronchi`: lumina inside the lungs. `trachea`: lumen of the
    trachea and main bronchi."""

    vessels: Tubes
    bronchi: Tubes
    trachea: Tubes


def _targets(fields: Fields, right: bool, count: int, rng: np.random.Generator) -> np.ndarray:
    """Random points of one lung, `PLEURAL_GAP_MM` inside its surface, evenly spread."""
    space = hemithorax_distance(fields.cage, fields.abdomen, fields.mediastinum)
    axes = lattice_axes()
    low, high = (np.array([a[i] for a in axes]) for i in (0, -1))
    found: list[np.ndarray] = []
    while sum(map(len, found)) < count:
        points = rng.uniform(low, high, size=(16 * count, 3))
        where = ((points - low) / LATTICE_STEP_MM).T[::-1]  # (z, y, x) lattice indices
        inside = map_coordinates(space, where, order=1) < -PLEURAL_GAP_MM
        side = (map_coordinates(fields.x, where, order=1) < 0.0) == right
        found.append(points[inside & side])
    return np.concatenate(found)[:count]


def _accompanying_airways(arteries: Tree, offset: np.ndarray) -> Tubes:
    """Bronchi beside the larger arteries: the same branching, shifted by their radii."""
    radius = TIP_RADIUS_MM * arteries.leaves ** (1.0 / RADIUS_EXPONENT)
    lumen = AIRWAY_TO_ARTERY * radius
    nodes = arteries.nodes + (1.1 * radius + 1.5 * lumen)[:, None] * offset
    child = np.flatnonzero((arteries.parent >= 0) & (arteries.leaves >= AIRWAY_MIN_LEAVES))
    up = arteries.parent[child]
    return Tubes(nodes[up], nodes[child], np.minimum(lumen[up], 1.2 * lumen[child]), lumen[child])


def grow_lung_trees(patient: Patient, fields: Fields, seed: int) -> LungTrees:
    """Grow all trees of both lungs; the same seed gives the same trees at any spacing."""
    vessels, bronchi, links = [], [], []
    for right in (True, False):
        rng = stream(seed, STREAM_VESSELS, int(right))
        hilum = HILUM_RIGHT if right else HILUM_LEFT
        vein_root = np.array(VEIN_ROOTS["right" if right else "left"])
        roots = patient.to_patient(np.stack([hilum, vein_root]))
        arteries = grow_tree(roots[0], _targets(fields, right, ARTERY_TIPS, rng), rng)
        veins = grow_tree(roots[1], _targets(fields, right, VEIN_TIPS, rng), rng)
        vessels.append(tree_tubes(arteries, TIP_RADIUS_MM, rng))
        vessels.append(tree_tubes(veins, TIP_RADIUS_MM, rng))
        # Bronchi run behind and to the medial side of their artery.
        offset = np.array([0.4 if right else -0.4, 0.85, -0.2])
        airways = _accompanying_airways(arteries, offset / np.linalg.norm(offset))
        bronchi.append(airways)
        main = fields.vessels["right bronchus" if right else "left bronchus"]
        links.append(Tubes(main.end[-1:], airways.start[:1], main.r1[-1:], 0.9 * main.r1[-1:]))
    trachea = [fields.vessels[name] for name in ("trachea", "right bronchus", "left bronchus")]
    return LungTrees(join(vessels), join(bronchi), join(trachea + links))
