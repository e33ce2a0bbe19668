"""The pictures of an animation: slices of every step side by side, with lambda and score."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..counterfactual.result import DISCLAIMER, Explanation, Frame
from ..scans.greys import greys_of
from ..scans.hounsfield import in_type
from .failed import failed_tests
from .numbers import MINUS, amount
from .pictures import grey
from .views import EDGE_LETTERS, Oriented, TurnedGrid, busiest

# A plane's longer side, pixels; all planes share one scale of pixels per mm.
LONGEST_SIDE = 480
GAP, MARGIN, HEAD, FOOT, BAR = 8, 12, 64, 30, 4
TITLE_SIZE, TEXT_SIZE, SMALL_SIZE = 17, 14, 12
PAPER, INK, MUTED, FAINT = 17, 232, 160, 60  # greys


@dataclass(frozen=True)
class _Step:
    """One moment: fraction of lambda, score, and its slices (rows, columns; HU) by plane."""

    fraction: float
    score: float
    slices: dict[str, np.ndarray]


def draw_steps(explanation: Explanation, planes: tuple[str, ...]) -> list:
    """Return `PIL.Image`s (grey) of scan, frames and counterfactual, all of one even size."""
    scan = Oriented.on_grid(explanation.scan.image, explanation.scan.array)
    sizes = _sizes(scan, planes)
    ends = greys_of(explanation.scan)
    return [_draw(explanation, step, sizes, ends) for step in _steps(explanation, planes)]


def _steps(explanation: Explanation, planes: tuple[str, ...]) -> Iterator[_Step]:
    """Yield every step in order. A frame's change is laid over the scan's own slice, so that a
    frame with fewer rows and columns than the scan is no blurrier than its neighbours.
    """
    scan, scores = explanation.scan, explanation.scores
    grid = TurnedGrid(scan.image)
    first, last, change = (
        Oriented.on_grid(scan.image, voxels)
        for voxels in (scan.array, explanation.counterfactual, explanation.difference)
    )
    index = {plane: busiest(change, plane) for plane in planes}
    still = {plane: first.plane(plane, index[plane]) for plane in planes}
    yield _Step(0.0, scores.original, still)
    # The scan where the frames have voxels: a frame minus this is its change.
    below = sitk.Resample(
        scan.image, explanation.frames[0].image, sitk.Transform(), sitk.sitkNearestNeighbor
    )
    for frame in explanation.frames:
        moved = _change(frame, below)
        yield _Step(
            frame.fraction,
            frame.score,
            {plane: still[plane] + _cut(moved, grid, plane, index[plane]) for plane in planes},
        )
    ends = {plane: last.plane(plane, index[plane]) for plane in planes}
    yield _Step(1.0, scores.counterfactual, ends)


def _change(frame: Frame, below: sitk.Image) -> sitk.Image:
    """Return a frame's change in HU (float32) on the frame's grid."""
    voxels = sitk.GetArrayViewFromImage(frame.image)
    scan = in_type(sitk.GetArrayViewFromImage(below), voxels.dtype)
    moved = sitk.GetImageFromArray(voxels.astype(np.float32) - scan.astype(np.float32))
    moved.CopyInformation(frame.image)
    return moved


def _cut(moved: sitk.Image, grid: TurnedGrid, plane: str, index: int) -> np.ndarray:
    """Return a change on one slice of the turned scan, 0 where it doesn't reach."""
    found = sitk.Resample(moved, grid.slice(plane, index), sitk.Transform(), sitk.sitkLinear, 0.0)
    return Oriented(sitk.GetArrayFromImage(found), found.GetSpacing()).plane(plane, 0)


def _sizes(scan: Oriented, planes: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    """Return width and height in pixels of each plane, at one scale."""
    extents = {plane: scan.extent_mm(plane) for plane in planes}
    scale = LONGEST_SIDE / max(max(extent) for extent in extents.values())
    return {
        plane: (max(2, round(width * scale)), max(2, round(height * scale)))
        for plane, (height, width) in extents.items()
    }


def _draw(
    explanation: Explanation,
    step: _Step,
    sizes: dict[str, tuple[int, int]],
    ends: tuple[float, float],
):
    from PIL import Image, ImageDraw

    tallest = max(height for _, height in sizes.values())
    width = sum(w for w, _ in sizes.values()) + GAP * (len(sizes) - 1) + 2 * MARGIN
    height = HEAD + tallest + FOOT
    page = Image.new("L", (width + width % 2, height + height % 2), PAPER)  # video wants even sides
    pen = ImageDraw.Draw(page)
    left = MARGIN
    for plane, (w, h) in sizes.items():
        top = HEAD + (tallest - h) // 2
        picture = Image.fromarray(grey(step.slices[plane], ends))
        page.paste(picture.resize((w, h), Image.Resampling.BICUBIC), (left, top))
        _letters(pen, plane, left, top, w, h)
        left += w + GAP
    _head(pen, explanation, step, page.width)
    failed = failed_tests(explanation.flags)
    lines = [(failed, INK), (DISCLAIMER, MUTED)] if failed else [(DISCLAIMER, MUTED)]
    for number, (text, shade) in enumerate(lines):
        middle = page.height - FOOT + FOOT * (number + 0.5) / len(lines)
        pen.text((MARGIN, middle), text, shade, _font(SMALL_SIZE), anchor="lm")
    return page


def _head(pen, explanation: Explanation, step: _Step, width: int) -> None:
    """Print what is shown, lambda, the score, and a bar of how far along it is."""
    right = width - MARGIN
    title = {0.0: "Scan", 1.0: "Counterfactual"}.get(step.fraction, "On the way")
    pen.text((MARGIN, 6), title, INK, _font(TITLE_SIZE))
    pen.text(
        (right, 6), lambda_text(explanation, step.fraction), INK, _font(TITLE_SIZE), anchor="ra"
    )
    unit = f" {explanation.target.unit}" if explanation.target.unit else ""
    score = f"{amount(step.score)}{unit}   {explanation.target.name}"
    pen.text((MARGIN, 32), _shortened(pen, score, right - MARGIN), MUTED, _font(TEXT_SIZE))
    top = HEAD - 10
    pen.rectangle((MARGIN, top, right, top + BAR), FAINT)
    pen.rectangle((MARGIN, top, MARGIN + (right - MARGIN) * step.fraction, top + BAR), INK)


def lambda_text(explanation: Explanation, fraction: float) -> str:
    """Return where along lambda a step lies; each slab has its own where only slabs were moved."""
    if explanation.whole is None:
        return f"{100 * fraction:.0f} % of each slab's \N{GREEK SMALL LETTER LAMDA}"
    found = f"{explanation.whole.lam * fraction:.3g}".replace("-", MINUS)
    return f"\N{GREEK SMALL LETTER LAMDA} {found} ({100 * fraction:.0f} %)"


def _shortened(pen, text: str, room: int) -> str:
    """Return a text that fits into so many pixels, with an ellipsis where it was cut."""
    if pen.textlength(text, _font(TEXT_SIZE)) <= room:
        return text
    ends = range(len(text) - 1, 0, -1)
    cut = (text[:end].rstrip() + "\N{HORIZONTAL ELLIPSIS}" for end in ends)
    return next((t for t in cut if pen.textlength(t, _font(TEXT_SIZE)) <= room), "")


def _letters(pen, plane: str, left: int, top: int, width: int, height: int) -> None:
    places = (
        (left + 8, top + height / 2),
        (left + width - 8, top + height / 2),
        (left + width / 2, top + 9),
        (left + width / 2, top + height - 9),
    )
    for letter, place in zip(EDGE_LETTERS[plane], places, strict=True):
        pen.text(place, letter, INK, _font(SMALL_SIZE), anchor="mm", stroke_width=2, stroke_fill=0)


@cache
def _font(size: int):
    """Return matplotlib's own font: it knows Greek, minus and most names; Pillow's doesn't."""
    from matplotlib import get_data_path
    from PIL import ImageFont

    return ImageFont.truetype(str(Path(get_data_path(), "fonts", "ttf", "DejaVuSans.ttf")), size)
