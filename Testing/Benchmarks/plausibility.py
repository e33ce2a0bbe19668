"""Calibrate the flags on the picture: bad counterfactuals caught, true ones left alone.

    python Testing/Benchmarks/plausibility.py [SCAN ...] [--seeds N] [-o PLAUSIBILITY.md]

Into each scan (and a generated chest) each finding is planted. True: the clean scan itself, as the
counterfactual of the planted one, and for a smaller lung the scan whose lungs' border has moved in.
(A scan that has breathed out is shown, but doesn't count: where all has moved, no voxel can be
compared with itself, and flags are raised.) Bad: the clean scan with one thing done to it that no
real counterfactual has, as large as a share of the finding; see `BAD` and `SHARES`. The table says
of each kind how many were flagged, and by which flags; each is printed with its mL.
"""

from __future__ import annotations

import argparse
import sys
import zlib
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import numpy as np
from scipy import ndimage

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CTCounterfactual"))

from CTCounterfactualLib.counterfactual.aim import Aim
from CTCounterfactualLib.counterfactual.plausibility import plausibility
from CTCounterfactualLib.counterfactual.plausibility_flags import plausibility_flags
from CTCounterfactualLib.counterfactual.plausible import Plausibility
from CTCounterfactualLib.counterfactual.result import Scores
from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.planting.expiration import expire
from CTCounterfactualLib.planting.hemithorax import ready_chest
from CTCounterfactualLib.planting.plant import FINDINGS, plant
from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest
from CTCounterfactualLib.scans.grid import GridSpec, PreparedScan, prepare
from CTCounterfactualLib.scans.read import read_scan
from CTCounterfactualLib.scans.scan import Scan

SPEC = GridSpec()
# Decided: present before, absent after.
SCORES, FLIP = Scores(5.0, 5.0, -5.0), Aim("flip", -5.0, 0.0)
# How much is wrong: so much of the finding's volume, and so many mL at least.
SHARES, LEAST_ML = (0.3,), 3.0
TRUE, SMALLER, BREATHED = "the clean scan", "smaller lung", "breathed out"
BORDER_MM = 6.0
AROUND_SLICES = 10
TISSUE_HU = -200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("scans", nargs="*", metavar="SCAN", help="chests, whatever is in them")
    parser.add_argument("--no-generated", action="store_true", help="leave the generated chest out")
    parser.add_argument("--seeds", type=int, default=1, help="plantings of each finding in a scan")
    parser.add_argument("-o", "--output", help="Markdown file for the table")
    options = parser.parse_args()
    rows = defaultdict(list)
    scans = [prepare(read_scan(path), SPEC) for path in options.scans]
    for prepared in [*([] if options.no_generated else [_generated()]), *scans]:
        for kind, finding, found in judged(prepared, options.seeds):
            rows[kind, finding].append(found)
            names = flagged(kind, found)
            values = " ".join(f"{f.name} {getattr(found, f.name):.1f}" for f in fields(found))
            print(
                f"{prepared.scan.name} {finding} | {kind} | {', '.join(names) or '-'} | {values}",
                flush=True,
            )
    text = table(rows)
    print(text)
    if options.output:
        Path(options.output).write_text(text, encoding="utf-8")


def flagged(kind: str, found: Plausibility) -> list[str]:
    """Return the names of the flags; a smaller lung changes no decision."""
    aim = Aim("limit") if kind in (SMALLER, BREATHED) else FLIP
    return [flag.name for flag in plausibility_flags(found, SCORES, aim)]


def judged(prepared: PreparedScan, seeds: int) -> Iterator[tuple[str, str, Plausibility]]:
    """Yield the kind of counterfactual, the finding and the measures."""
    hu, spacing = SPEC.window.to_hu(prepared.volume), SPEC.spacing
    lungs, body = prepared.lungs, prepared.body
    chest = ready_chest(hu, lungs, spacing, prepared.scan.name)
    start = SPEC.window.to_unit(hu).clip(0, 1)
    out = expire(hu, lungs, spacing, np.random.default_rng(1)).hu
    to = SPEC.window.to_unit(out).clip(0, 1).astype(np.float32)
    yield BREATHED, "-", plausibility(start, to, SPEC, lungs, body)
    border = lungs & (ndimage.distance_transform_edt(lungs, spacing[::-1]) < BORDER_MM)
    share = ndimage.gaussian_filter(border.astype(np.float32), (0.5, 1, 1)) * lungs
    to = SPEC.window.to_unit(hu + share * np.maximum(40 - hu, 0)).clip(0, 1).astype(np.float32)
    yield SMALLER, "-", plausibility(start, to, SPEC, lungs, body)
    for finding in FINDINGS:
        for seed in range(seeds):
            rng = np.random.default_rng([seed, zlib.crc32(finding.encode())])
            try:
                planted = plant(finding, hu, chest, spacing, rng)
            except ScanError as error:
                print(f"{prepared.scan.name}: {error}")
                continue
            x = SPEC.window.to_unit(planted.hu).clip(0, 1)
            aerated = lungs & (planted.cover < 0.5)  # as the lungs of the planted scan are found
            near = _slices(planted.cover > 0.5)
            parts = (part[near] for part in (planted.hu, hu, planted.cover > 0.5, lungs, body))
            for kind, after in counterfactuals(*parts, rng):
                to = SPEC.window.to_unit(after).clip(0, 1).astype(np.float32)
                yield kind, finding, plausibility(x[near], to, SPEC, aerated[near], body[near])


def _slices(cover: np.ndarray) -> slice:
    """Return the slices of a finding and some around it: the others stay as they are."""
    (where,) = np.nonzero(cover.any((1, 2)))
    return slice(max(where[0] - AROUND_SLICES, 0), where[-1] + AROUND_SLICES + 1)


def counterfactuals(x, clean, cover, lungs, body, rng) -> Iterator[tuple[str, np.ndarray]]:
    """Yield kind and HU (K, J, I) of true and bad counterfactuals of a planted scan."""
    yield TRUE, clean
    ml = float(cover.sum()) * SPEC.voxel_litres * 1e3
    if ml < LEAST_ML:  # what is wrong with so little is less than borders and noise are
        return
    for share in SHARES:
        for name, bad in BAD.items():
            changed = bad(x, clean, cover, lungs, body, max(share * ml, LEAST_ML), rng)
            if changed is not None:
                yield f"{name}, {share:.0%}", changed


def _nearest(place: np.ndarray, to: np.ndarray, ml: float) -> np.ndarray | None:
    """Return the `ml` of a place that lie nearest to a mask; None if there isn't as much."""
    voxels = round(ml / (SPEC.voxel_litres * 1e3))
    if not 0 < voxels <= place.sum() or not to.any():
        return None
    distance = ndimage.distance_transform_edt(~to, SPEC.spacing[::-1])
    within = np.where(place, distance, np.inf)
    return within <= np.partition(within, voxels - 1, axis=None)[voxels - 1]


def _carved(x, clean, cover, lungs, body, ml, rng):
    """The wall behind the finding becomes air: what lies outside the lungs, towards the skin."""
    skin = ndimage.distance_transform_edt(body, SPEC.spacing[::-1])
    wall = body & (clean > -200) & (skin > 3) & (skin < 25)
    place = _nearest(wall, cover, ml)
    return None if place is None else np.where(place, -850.0, clean)


def _denser(x, clean, cover, lungs, body, ml, rng):
    """Part of the finding becomes denser instead of going: no fault of air or ground glass."""
    if np.median(x[cover]) < TISSUE_HU:
        return None
    place = _nearest(cover, _middle(cover), min(ml, 0.99 * cover.sum() * SPEC.voxel_litres * 1e3))
    return None if place is None else np.where(place, x + 110, clean)


def _hazy(x, clean, cover, lungs, body, ml, rng):
    """The lung around gets bright haze, deep inside."""
    deep = ndimage.distance_transform_edt(lungs, SPEC.spacing[::-1]) > 10
    place = _nearest(deep & ~cover, _middle(cover), ml)
    if place is None:
        return None
    soft = ndimage.gaussian_filter(place.astype(np.float32), (1, 2, 2))
    return clean + 280 * soft


def _bright(x, clean, cover, lungs, body, ml, rng):
    """A bone-bright rim stays around the finding."""
    rim = ndimage.binary_dilation(cover, iterations=2) & (clean > -200) & (clean < 150)
    place = _nearest(rim, cover, ml)
    return None if place is None else np.where(place, 350.0, clean)


def _half(x, clean, cover, lungs, body, ml, rng):
    """The finding stays, a little lighter: half-aerated where it was tissue."""
    return x + 0.15 * (clean - x)


def _speckled(x, clean, cover, lungs, body, ml, rng):
    """Random blobs, darker and brighter, on as much tissue and lung around."""
    place = _nearest(body & ~cover, _middle(cover), ml)
    if place is None:
        return None
    noise = ndimage.gaussian_filter(rng.normal(size=x.shape), (1.5, 3, 3))
    return np.where(place, clean + 250 * noise / noise.std(), clean)


def _at_the_couch(x, clean, cover, lungs, body, ml, rng):
    """Air outside the body becomes fat-like."""
    place = _nearest(~ndimage.binary_dilation(body, iterations=6), cover, ml)
    return None if place is None else np.where(place, clean + 150, clean)


BAD = {
    "wall carved": _carved,
    "finding denser": _denser,
    "haze in the lung": _hazy,
    "bright rim": _bright,
    "half gone": _half,
    "speckle": _speckled,
    "air outside": _at_the_couch,
}


def _middle(mask: np.ndarray) -> np.ndarray:
    """Return the mask of the voxel of a mask that is nearest to its centre."""
    places = np.argwhere(mask)
    middle = np.zeros_like(mask)
    middle[tuple(places[np.linalg.norm(places - places.mean(0), axis=1).argmin()])] = True
    return middle


def _generated() -> PreparedScan:
    chest = generate_chest(ChestSettings(spacing=(2.0, 2.0, 4.0), size=(170, 130, 70), seed=11))
    return prepare(Scan.from_array(chest.hu, chest.spacing, chest.origin, name="generated"), SPEC)


def table(rows) -> str:
    """Return the table of how many were flagged, of each kind and finding."""
    lines = ["| counterfactual | finding | flagged | by |", "|---|---|---|---|"]
    hits = Counter()
    for (kind, finding), found in sorted(rows.items(), key=lambda row: row[0]):
        names = [set(flagged(kind, one)) for one in found]
        count = Counter(name for each in names for name in each)
        caught = sum(map(bool, names))
        said = ", ".join(f"{name} {n}" for name, n in count.most_common())
        lines.append(f"| {kind} | {finding} | {caught} of {len(names)} | {said} |")
        if kind != BREATHED:
            hits[kind in (TRUE, SMALLER), True] += caught
            hits[kind in (TRUE, SMALLER), False] += len(names)
    share, false = (hits[k, True] / max(hits[k, False], 1) for k in (False, True))
    lines += [
        "",
        f"Bad ones caught: {share:.2f} of {hits[False, False]}. True ones flagged: "
        f"{false:.2f} of {hits[True, False]}.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
