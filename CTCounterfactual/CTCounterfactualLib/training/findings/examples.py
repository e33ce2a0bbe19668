"""Painted examples in cubes of 3 mm: a clean scan and what each finding adds to it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from ...errors import ScanError
from ...models.classifiers.findings_network import FINDINGS
from ...planting import Chest, plant, ready_chest
from .findings_settings import FindingsSettings
from .sources import GENERATED, REAL, SLICE, SPACING, Source

logger = logging.getLogger(__name__)

# Share of all draws that each group gets, and its part of a whole chest's variants.
GROUP_SHARE = {REAL: 0.55, SLICE: 0.2, GENERATED: 0.25}
GROUP_VARIANTS = {REAL: 1.0, SLICE: 0.25, GENERATED: 0.35}
WHOLE_CHEST_LITRES, SHORT_SCAN_SHARE = 1.2, 0.35
# Of a voxel, in per cent.
WHOLE = 100
# How many findings an example holds, and how often each is drawn.
COUNT_CHANCE = (0.12, 0.33, 0.35, 0.2)
FINDING_CHANCE = {"effusion": 0.34, "consolidation": 0.22, "nodule": 0.26, "pneumothorax": 0.18}
# A second finding that overlaps another by more is left out: it would be both.
MOST_OVERLAP = 0.02
# Volumes, mL, drawn evenly on a logarithmic scale; wider than what the bench plants.
ML = {
    "effusion": (15.0, 1500.0),
    "consolidation": (8.0, 600.0),
    "nodule": (0.15, 30.0),
    "pneumothorax": (20.0, 1200.0),
}
# At most this share of the lungs.
MOST_SHARE = {"effusion": 0.3, "consolidation": 0.3, "nodule": 0.05, "pneumothorax": 0.25}


@dataclass(frozen=True)
class Small:
    """A source: HU (K, J, I) int16, lungs in per cent uint8, and where they lie."""

    hu: np.ndarray
    lung: np.ndarray
    unknown: tuple[str, ...]
    name: str
    group: str

    @cached_property
    def lung_box(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """First and last voxel (K, J, I) of the lungs; of the whole without any."""
        inside = np.argwhere(self.lung > 0)
        if not len(inside):
            return (0.0,) * 3, tuple(n - 1.0 for n in self.hu.shape)
        return tuple(inside.min(0).astype(float)), tuple(inside.max(0).astype(float))

    @cached_property
    def coarse(self) -> Small:
        """The same in cubes of twice the size."""
        return replace(self, hu=_halved(self.hu), lung=_halved(self.lung))


@dataclass(frozen=True)
class Patch:
    """What a finding adds to a scan: HU int16 and cover in per cent uint8, in a box of it.

    The box begins and ends at even voxels.
    """

    finding: str
    box: tuple[slice, slice, slice]
    change: np.ndarray
    cover: np.ndarray

    @property
    def limits(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """First and last voxel (K, J, I) of its box."""
        return tuple(float(s.start) for s in self.box), tuple(s.stop - 1.0 for s in self.box)

    @property
    def coarse(self) -> Patch:
        """The same in cubes of twice the size."""
        k, j, i = (slice(s.start // 2, s.stop // 2) for s in self.box)
        return Patch(self.finding, (k, j, i), _halved(self.change), _halved(self.cover))

    def within(self, box: tuple[slice, ...]) -> tuple[np.ndarray, np.ndarray]:
        """Return change (HU) and cover (0..1) in another box of the scan, float32."""
        shape = tuple(s.stop - s.start for s in box)
        change, cover = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        into, of = [], []
        for own, wanted in zip(self.box, box, strict=True):
            start, stop = max(own.start, wanted.start), min(own.stop, wanted.stop)
            if start >= stop:
                return change, cover
            into.append(slice(start - wanted.start, stop - wanted.start))
            of.append(slice(start - own.start, stop - own.start))
        change[tuple(into)] = self.change[tuple(of)]
        cover[tuple(into)] = self.cover[tuple(of)] / np.float32(100)
        return change, cover


@dataclass(frozen=True)
class Example:
    """A scan with the findings painted into it; `weight` is its chance to be drawn."""

    source: Small
    patches: tuple[Patch, ...]
    weight: float

    @property
    def coarse(self) -> Example:
        """The same in cubes of twice the size."""
        patches = tuple(patch.coarse for patch in self.patches)
        return Example(self.source.coarse, patches, self.weight)


def build_examples(
    sources: Iterable[Source], settings: FindingsSettings, check: Callable[[], None] = lambda: None
) -> list[Example]:
    """Paint all examples of a training mix; `check` is called before each and raises to stop."""
    rng = np.random.default_rng(settings.seed)
    drawn: list[tuple[Small, tuple[Patch, ...], float]] = []
    for source in sources:
        small = Small(
            np.rint(source.hu).astype(np.int16),
            source.lungs.astype(np.uint8) * WHOLE,
            source.unknown,
            source.name,
            source.group,
        )
        variants = _variants(source, settings, rng, check)
        weight = source.hu.shape[0] ** 0.5 / len(variants)
        drawn += [(small, patches, weight) for patches in variants]
        logger.info("%s: %.1f L of lung, %d examples", source.name, source.litres, len(variants))
    totals = {group: sum(w for s, _, w in drawn if s.group == group) for group in GROUP_SHARE}
    return [Example(s, p, w * GROUP_SHARE[s.group] / totals[s.group]) for s, p, w in drawn]


def _variants(
    source: Source,
    settings: FindingsSettings,
    rng: np.random.Generator,
    check: Callable[[], None],
) -> list[tuple[Patch, ...]]:
    if not source.lungs.any():
        return [()]
    try:
        chest = ready_chest(source.hu, source.lungs, SPACING, source.name)
    except ScanError:
        return [()]
    part = 1.0 if source.litres >= WHOLE_CHEST_LITRES else SHORT_SCAN_SHARE
    part = GROUP_VARIANTS[source.group] * (part if source.group == REAL else 1.0)
    found = []
    for _ in range(max(2, round(part * settings.variants))):
        check()
        found.append(_painted(source, chest, rng))
    return found


def _painted(source: Source, chest: Chest, rng: np.random.Generator) -> tuple[Patch, ...]:
    """Return the patches of none to three findings, planted one after the other."""
    count = rng.choice(len(COUNT_CHANCE), p=COUNT_CHANCE)
    wanted = rng.choice(list(FINDING_CHANCE), count, p=list(FINDING_CHANCE.values()))
    hu, taken = source.hu, np.zeros(source.hu.shape, np.float32)
    patches = []
    for finding in wanted:
        room = MOST_SHARE[finding] * source.litres * 1e3
        low, high = ML[finding]
        ml = float(np.exp(rng.uniform(np.log(low), np.log(max(min(high, room), low * 1.1)))))
        try:
            planted = plant(str(finding), hu, chest, SPACING, rng, ml)
        except ScanError:
            continue  # no room for so much: the scan goes without
        if (planted.cover * taken).sum() > MOST_OVERLAP * planted.cover.sum():
            continue
        patch = _patch(str(finding), planted.hu - hu, planted.cover)
        if patch is not None:
            patches.append(patch)
            hu, taken = planted.hu, np.maximum(taken, planted.cover)
    return tuple(patches)


def _patch(finding: str, change: np.ndarray, cover: np.ndarray) -> Patch | None:
    added = np.rint(change).astype(np.int16)
    percent = np.rint(cover * WHOLE).astype(np.uint8)
    where = np.argwhere((added != 0) | (percent > 0))
    if not percent.any():
        return None
    first, last = where.min(0) // 2 * 2, -(-(where.max(0) + 1) // 2) * 2
    k, j, i = (slice(int(a), int(b)) for a, b in zip(first, last, strict=True))
    box = (k, j, i)
    return Patch(finding, box, added[box].copy(), percent[box].copy())


def _halved(values: np.ndarray) -> np.ndarray:
    """Average cubes of 2 x 2 x 2 voxels (K, J, I), whole numbers of an even count each."""
    k, j, i = (n // 2 for n in values.shape)
    means = values.reshape(k, 2, j, 2, i, 2).mean((1, 3, 5), dtype=np.float32)
    return np.rint(means).astype(values.dtype)


def describe_data(examples: list[Example]) -> list[str]:
    """Say how many examples, and with which findings, came from each scan; slices together."""
    lines: dict[str, dict[str, int]] = {}
    for example in examples:
        name = example.source.name
        if example.source.group != REAL:
            name = name.rstrip("0123456789").rstrip(" -") + " (" + example.source.group + ")"
        counts = lines.setdefault(name, dict.fromkeys(("examples", *FINDINGS), 0))
        counts["examples"] += 1
        for patch in example.patches:
            counts[patch.finding] += 1
    return [
        f"{name}: " + ", ".join(f"{number} {what}" for what, number in counts.items())
        for name, counts in lines.items()
    ]
