"""Explain a black box on a real T1 head with a lesion whose place is known, by every map that can.

    pip download --no-deps nilearn && unzip nilearn-*.whl 'nilearn/datasets/data/*'
    python Testing/Benchmarks/other_modality.py \\
        nilearn/datasets/data/mni_icbm152_t1_tal_nlin_sym_09a_converted.nii.gz \\
        --white nilearn/datasets/data/mni_icbm152_wm_tal_nlin_sym_09a_converted.nii.gz \\
        --table Testing/Benchmarks/OTHER_MODALITY.md

The head is the MNI152 template (a person's average, 1 mm, brain only), its numbers stretched to a
range that no CT has. Bright lesions (as old blood is in T1) of 4 mL are planted into its white
matter at seeded places. The classifier knows no gradient: it counts what is brighter than white
matter over a few mm. A differentiable twin of it is explained by a counterfactual, with slices
redrawn by averages, to show that change stays in the scan's own numbers.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from time import perf_counter

import numpy as np
import torch
from scipy import ndimage
from torch.nn import functional as F

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CTCounterfactual"))

from CTCounterfactualLib import attribute, explain
from CTCounterfactualLib.metrics.pointing import pointing
from CTCounterfactualLib.models.targets import Target
from CTCounterfactualLib.scans.grid import GridSpec
from CTCounterfactualLib.scans.hounsfield import IntensityWindow
from CTCounterfactualLib.scans.modality import ZSCORE
from CTCounterfactualLib.scans.read import read_file
from CTCounterfactualLib.scans.scan import Scan

MODALITY, SPACING = "MR", (2.0, 2.0, 2.0)
# The template's 0..255 as a scanner might give them.
STRETCH = 27.0
LESION_ML, LESION_VALUE, WHITE = 4.0, 255.0 * STRETCH, 0.8
# The middle of a lesion lies so deep in white matter.
DEPTH_MM = 6.0
# Standard deviations around the mean that become 0..1; over 3 voxels white matter reaches 0.77,
# lesions 0.86.
WINDOW, BRIGHT, STEEP = (-3.0, 3.0), 0.81, 100.0
BUDGET = {"occlusion": "air", "iterations": 20, "calls": 1500}
# Name in the table -> method, options. By volume a box counts as much however large it is: as 3D
# ReX counts, a quarter of the head outweighs all that is cut out of it.
MAPS = {
    "responsibility": ("responsibility", BUDGET),
    "responsibility, by volume": ("responsibility", {**BUDGET, "weighting": "volume"}),
    "occlusion": ("occlusion", {"occlusion": "air"}),
}


class BrightSeer:
    """mL that are brighter than white matter, over 3 voxels; hard and without gradient, or soft."""

    targets = (Target("bright lesion", "mL", threshold=1.0, negatives=0.0),)

    def __init__(self, soft: bool = False):
        self.name = "bright-seer-soft" if soft else "bright-seer"
        self.differentiable = soft
        self.grid = GridSpec(SPACING, IntensityWindow(*WINDOW), modality=MODALITY, intensity=ZSCORE)

    def score(self, x, target=None):
        over = F.avg_pool3d(x, 3, 1, 1) - BRIGHT
        seen = torch.sigmoid(STEEP * over) if self.differentiable else (over > 0).float()
        return seen.flatten(1).sum(1) * float(np.prod(SPACING)) * 1e-3


class Averages:
    """An autoencoder of MR slices: averages of 2 x 2 pixels."""

    name, modality, factor = "averages", MODALITY, 2

    def encode(self, x):
        return F.avg_pool2d(x, 2, ceil_mode=True)

    def decode(self, z, size=None):
        return F.interpolate(z, scale_factor=2.0)[..., : size[0], : size[1]]


def planted(head: np.ndarray, white: np.ndarray, spacing, seed: int):
    """Return a head with a soft-edged ball in white matter, where it is, and where its middle is.

    Arrays are (K, J, I).
    """
    rng = np.random.default_rng(seed)
    radius = (LESION_ML * 1e3 * 3 / 4 / np.pi) ** (1 / 3)
    inside = ndimage.distance_transform_edt(white > WHITE * white.max(), sampling=spacing[::-1])
    places = np.argwhere(inside > DEPTH_MM)
    centre = places[rng.integers(len(places))]
    offset = [
        (np.arange(n) - c) * s for n, c, s in zip(head.shape, centre, spacing[::-1], strict=True)
    ]
    k, j, i = np.meshgrid(*offset, indexing="ij", sparse=True)
    cover = np.clip(radius - np.sqrt(k**2 + j**2 + i**2) + 0.5, 0, 1) * (head > 0)
    return head + cover * (LESION_VALUE - head), cover > 0.5, centre


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("template", help="T1, brain only")
    parser.add_argument("--white", required=True, help="its map of white matter")
    parser.add_argument("--lesions", type=int, default=3, help="places (default: %(default)s)")
    parser.add_argument("--calls", type=int, help=f"scores a search (default: {BUDGET['calls']})")
    parser.add_argument("--table", help="Markdown file to write")
    options = parser.parse_args()
    image = read_file(Path(options.template)).image
    head = Scan(image).array.astype(np.float32) * STRETCH
    mask = Scan(read_file(Path(options.white)).image)  # its array is a view of it
    white = mask.array
    lines = [
        "| lesion | method | score | mass in lesion | by chance | hit | lesion : elsewhere "
        "| sufficient part: mL (in lesion) | calls, seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for seed in range(options.lesions):
        hurt, lesion, centre = planted(head, white, image.GetSpacing(), seed)
        scan = Scan(
            Scan(image).with_array(hurt.astype(np.float32)), f"t1-{seed}", modality=MODALITY
        )
        words = f"{seed} at K, J, I = {tuple(map(int, centre))}"
        lines += _rows(scan, lesion, head > 0, words, options.calls)
        print("\n".join(lines[-len(MAPS) :]), flush=True)
        lines.append(_counterfactual(scan, head, lesion, seed))
        print(lines[-1], flush=True)
    if options.table:
        Path(options.table).write_text(_text(lines), encoding="utf-8")


def _rows(
    scan: Scan, lesion: np.ndarray, brain: np.ndarray, words: str, calls: int | None
) -> list[str]:
    rows = []
    for name, (method, usual) in MAPS.items():
        settings = {**usual, "calls": calls} if calls and "calls" in usual else usual
        begun = perf_counter()
        found = attribute(scan, method, BrightSeer(), options=settings)
        told = pointing(found.values, lesion, brain, scan.spacing)
        asked = found.facts.get("calls", "")
        size = np.abs(found.values)
        contrast = float(size[lesion].mean() / max(size[brain & ~lesion].mean(), 1e-9))
        rows.append(
            f"| {words} | {name} | {found.score:.2f} mL | {told['mass_in_mask']:.2f} | "
            f"{told['mass_in_mask_chance']:.4f} | {'yes' if told['hit'] else 'no'} | "
            f"{contrast:.1f} | {_sufficient(found, lesion)} "
            f"| {asked} {perf_counter() - begun:.0f} s |"
        )
    return rows


def _sufficient(found, lesion: np.ndarray) -> str:
    """Return the volume of the sufficient part, and how much of it lies in the lesion."""
    part = found.parts.get("sufficient")
    if part is None or not part.any():
        return ""
    ml = part.sum() * float(np.prod(found.scan.spacing)) / 1000
    return f"{ml:.1f} mL ({(part & lesion).sum() / part.sum():.0%})"


def _counterfactual(scan: Scan, head: np.ndarray, lesion: np.ndarray, seed: int) -> str:
    begun = perf_counter()
    found = explain(
        scan, BrightSeer(soft=True), autoencoder=Averages(), mode="whole", max_change=0.05
    )
    told = pointing(found.difference, lesion, head > 0, scan.spacing)
    before, after, true = (
        float(values[lesion].mean()) for values in (scan.array, found.counterfactual, head)
    )
    return (
        f"| {seed} | latent-shift: {before:.0f} to {after:.0f}, truth {true:.0f} MR units | "
        f"{found.scores.original:.2f} to {found.scores.counterfactual:.2f} mL | "
        f"{told['mass_in_mask']:.2f} | {told['mass_in_mask_chance']:.4f} | "
        f"{'yes' if told['hit'] else 'no'} | | | {perf_counter() - begun:.0f} s |"
    )


def _text(lines: list[str]) -> str:
    return (
        "# Not only CT: a T1 head with a lesion whose place is known\n\n"
        "MNI152 template (1 mm, brain only; from the wheel of nilearn 0.14.1), bright lesions of "
        f"{LESION_ML:g} mL in its\nwhite matter at seeded places; a black-box classifier, and its "
        "differentiable twin for the counterfactual.\nMade by "
        "`Testing/Benchmarks/other_modality.py`, whose text says what was done.\n\n"
        + "\n".join(lines)
        + "\n"
    )


if __name__ == "__main__":
    main()
