"""What a case is made of: planted into a subject, or breathed out, and not written yet."""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import ScanError
from ..planting import Planted, expire, plant
from .layout import EXPIRATION
from .subject import Subject

# A voxel belongs to a mask if more than half of it is the finding; of a finding so thin that no
# voxel is, if it is more than half of the greatest.
HALF = 0.5
# Two findings of one scan keep so far apart, that the change of one is no change of the other; the
# distance is measured on voxels about so far apart.
APART_MM, COARSE_MM = 12.0, 4.0
PAIR_TRIES = 8


@dataclass(frozen=True)
class Wanted:
    """A case to be made.

    Parameters
    ----------
    kind : str
        A finding, `PAIR` or `EXPIRATION`.
    number : int
        Counted from 1 among those of a scan and a kind.
    """

    kind: str
    number: int

    def name(self, subject: str) -> str:
        """Return the case's name."""
        return f"{subject}-{self.kind}-{self.number}"

    def seed(self, seed: int, digest: str) -> int:
        """Return the case's own seed: of the run's, of the scan's content and of what it is."""
        key = zlib.crc32(f"{digest} {self.kind} {self.number}".encode())
        return int(np.random.SeedSequence([seed, key]).generate_state(1)[0])


PAIR = "pair"


@dataclass(frozen=True)
class Draft:
    """A case's volumes, (K, J, I) turned, and what its row says; see `layout`."""

    scan: np.ndarray
    clean: np.ndarray
    mask: np.ndarray
    finding: str
    ml: float
    place: str
    other: str = ""
    other_mask: np.ndarray | None = None


def draft(subject: Subject, wanted: Wanted, findings: tuple[str, ...], seed: int) -> Draft:
    """Make a case.

    Raises
    ------
    ScanError
        If there is no room for it.
    """
    rng = np.random.default_rng(seed)
    if wanted.kind == EXPIRATION:
        return _expired(subject, rng)
    if wanted.kind == PAIR:
        return _pair(subject, findings, rng)
    planted = _plant(subject, wanted.kind, subject.hu, rng)
    return Draft(
        planted.hu, subject.hu, mask_of(planted.cover), wanted.kind, planted.ml, planted.place
    )


def mask_of(cover: np.ndarray) -> np.ndarray:
    """Return where a finding is, bool, by how much of each voxel it covers, 0..1."""
    return cover > min(HALF, HALF * float(cover.max()))


def _plant(
    subject: Subject,
    finding: str,
    hu: np.ndarray,
    rng: np.random.Generator,
    side: str | None = None,
) -> Planted:
    return plant(finding, hu, subject.chest, subject.spacing, rng, side=side, name=subject.name)


def _expired(subject: Subject, rng: np.random.Generator) -> Draft:
    smaller = expire(subject.hu, subject.lungs, subject.spacing, rng, name=subject.name)
    sides = [side.side for side in subject.chest.sides]
    return Draft(
        subject.hu,
        smaller.hu,
        smaller.lungs ^ subject.lungs,
        EXPIRATION,
        smaller.ml_before - smaller.ml,
        "both lungs" if len(sides) > 1 else f"{sides[0]} lung",
    )


def _pair(subject: Subject, findings: tuple[str, ...], rng: np.random.Generator) -> Draft:
    """Plant two findings, on both sides if there are two; only the first is to be explained."""
    if len(findings) < 2:
        raise ScanError("A pair takes two kinds of findings, and only one was asked for.")
    sides = [side.side for side in subject.chest.sides]
    reason = "the two would lie too near to each other"
    for _ in range(PAIR_TRIES):
        one, other = (findings[n] for n in rng.permutation(len(findings))[:2])
        where = [sides[n] for n in rng.permutation(len(sides))]
        try:
            left_alone = _plant(subject, other, subject.hu, rng, where[-1])
            explained = _plant(subject, one, left_alone.hu, rng, where[0])
        except ScanError as error:  # a side too small for this finding may take another one
            reason = error.text
            continue
        first, second = mask_of(explained.cover), mask_of(left_alone.cover)
        if len(sides) > 1 or apart_mm(first, second, subject.spacing) >= APART_MM:
            return Draft(
                explained.hu,
                left_alone.hu,
                first,
                one,
                explained.ml,
                explained.place,
                other,
                second,
            )
    raise ScanError(f"No room in {subject.name} for a pair of findings: {reason}")


def apart_mm(first: np.ndarray, second: np.ndarray, spacing: tuple[float, float, float]) -> float:
    """Return about how far two masks (K, J, I) are from each other, mm; 0 if they touch."""
    steps = [max(1, int(COARSE_MM / s)) for s in spacing[::-1]]
    few = tuple(slice(None, None, n) for n in steps)
    sampling = [n * s for n, s in zip(steps, spacing[::-1], strict=True)]
    one, other = first[few], second[few]
    if not one.any() or not other.any():
        return 0.0  # too small to be seen that coarsely: nothing is known
    distance = ndimage.distance_transform_edt(~one, sampling=sampling)
    return float(distance[other].min())
