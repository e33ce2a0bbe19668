"""Scans that are nearly the same: another reconstruction, a part, a copy under another name."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise

import numpy as np

# A slice as a picture of so many blocks a side: anatomy stays, noise, kernel and pixel size don't.
SIDE = 16
# Of a scan's slices, 3 mm apart, each so-manieth counts.
EVERY = 2
# Two slices are alike from this correlation on; two scans if this share of the shorter one's
# slices have one alike in the other. Of 17 public scans (136 pairs) the three pairs that are one
# scan (coarser, cut, a part) have all slices alike; the median likeness of all others is below
# 0.93.
ALIKE, SHARE = 0.985, 0.5


def signature(slices: np.ndarray) -> np.ndarray:
    """Return slices (K, H, W), 0..1, as normalised rows (N, SIDE * SIDE), float32.

    Not all of them: those of `stack_from_scan` lie 3 mm apart, in each of its phases. Uniform
    slices (air) are left out: they would be alike everywhere.
    """
    rows = []
    for one in slices[::EVERY]:
        small = _blocks(np.asarray(one, np.float32))
        small = small - small.mean()
        length = float(np.linalg.norm(small))
        if length > 1e-2 * SIDE:
            rows.append(small.ravel() / length)
    return np.asarray(rows, np.float32).reshape(-1, SIDE * SIDE)


def find_duplicates(signatures: Mapping[str, np.ndarray]) -> list[list[str]]:
    """Return groups of names of nearly equal scans, each sorted; scans without a twin are left out.

    Every slice is compared with every other: a second for a hundred scans, hours for ten thousand.
    """
    names = [name for name, rows in signatures.items() if len(rows)]
    group = {name: name for name in names}

    def head(name: str) -> str:
        while group[name] != name:
            name = group[name]
        return name

    starts = np.cumsum([0, *(len(signatures[name]) for name in names)])
    rows = np.concatenate([signatures[name] for name in names]) if names else np.zeros((0, 1))
    for first, name in enumerate(names):
        own = signatures[name]
        alike = own @ rows[starts[first] :].T > ALIKE  # (slices of this one, of it and the later)
        for other in range(first + 1, len(names)):
            start, stop = starts[other] - starts[first], starts[other + 1] - starts[first]
            part = alike[:, start:stop]
            share = max(part.any(1).mean(), part.any(0).mean())  # of the shorter one's slices
            if share >= SHARE:
                group[head(names[other])] = head(name)
    found: dict[str, list[str]] = {}
    for name in names:
        found.setdefault(head(name), []).append(name)
    return [sorted(members) for members in found.values() if len(members) > 1]


def _blocks(image: np.ndarray) -> np.ndarray:
    """Return the means of SIDE x SIDE blocks of an image (H, W)."""
    rows, columns = (np.linspace(0, size, SIDE + 1).astype(int) for size in image.shape)
    return np.array(
        [
            [image[a : max(b, a + 1), c : max(d, c + 1)].mean() for c, d in pairwise(columns)]
            for a, b in pairwise(rows)
        ]
    )
