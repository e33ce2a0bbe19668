"""Grow space-filling vessel and airway trees in the lungs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .tubes import Tubes

# Radius exponent: r_parent^n = sum r_child^n. Murray's law says 3; measured pulmonary arteries
# lie between 2.5 and 3.
RADIUS_EXPONENT = 2.65
# A branch goes this far of the way to the centroid of the region it supplies (Tawhai et al.,
# Ann Biomed Eng 28:793, 2000, who use 0.4; drawn per branch here for irregularity).
REACH = (0.34, 0.5)


@dataclass(frozen=True)
class Tree:
    """Nodes (N, 3) mm; `parent` (N,) index, -1 at the root; `leaves` (N,) endings served."""

    nodes: np.ndarray
    parent: np.ndarray
    leaves: np.ndarray


def grow_tree(root: np.ndarray, targets: np.ndarray, rng: np.random.Generator) -> Tree:
    """Connect `root` to all `targets` (M, 3) by recursive bisection of the targets.

    Each branch splits its targets across their widest direction and sends one child part of the
    way to the centroid of each half, until single targets remain.
    """
    nodes, parent, leaves = [np.asarray(root, float)], [-1], [len(targets)]
    pending = [(0, targets)]
    while pending:
        node, points = pending.pop()
        if len(points) == 1:
            nodes.append(points[0])
            parent.append(node)
            leaves.append(1)
            continue
        for half in _split(nodes[node], points, rng):
            reach = rng.uniform(*REACH)
            step = reach * (half.mean(axis=0) - nodes[node])
            nodes.append(nodes[node] + step)
            parent.append(node)
            leaves.append(len(half))
            pending.append((len(nodes) - 1, half))
    return Tree(np.array(nodes), np.array(parent), np.array(leaves))


def _split(node: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> list[np.ndarray]:
    """Two unequal halves of the targets, cut across their widest direction."""
    centred = points - points.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    # Bifurcations open sideways: ignore the spread along the way the branch is heading.
    heading = points.mean(axis=0) - node
    heading /= np.linalg.norm(heading) + 1e-9
    wide = axes[:, 2] if abs(axes[:, 2] @ heading) < 0.9 else axes[:, 1]
    order = np.argsort(centred @ wide)
    cut = int(np.clip(round(len(points) * rng.uniform(0.2, 0.8)), 1, len(points) - 1))
    return [points[order[:cut]], points[order[cut:]]]


def tree_tubes(tree: Tree, tip_radius: float, rng: np.random.Generator) -> Tubes:
    """Tapered, slightly bent tubes along a tree whose endings have `tip_radius` mm."""
    radius = tip_radius * tree.leaves ** (1.0 / RADIUS_EXPONENT)
    child = np.flatnonzero(tree.parent >= 0)
    start, end = tree.nodes[tree.parent[child]], tree.nodes[child]
    r1 = radius[child]
    r0 = np.minimum(radius[tree.parent[child]], 1.2 * r1)
    length = np.linalg.norm(end - start, axis=1, keepdims=True)
    middle = 0.5 * (start + end) + 0.025 * length * rng.normal(size=start.shape)
    r_mid = 0.5 * (r0 + r1)
    return Tubes(
        np.concatenate([start, middle]),
        np.concatenate([middle, end]),
        np.concatenate([r0, r_mid]),
        np.concatenate([r_mid, r1]),
    )
