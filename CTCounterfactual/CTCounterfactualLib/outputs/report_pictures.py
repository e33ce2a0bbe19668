"""The report's pictures: scan, counterfactual and change in three planes, within the page."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass
from html import escape

import numpy as np
import SimpleITK as sitk

from ..counterfactual.result import Explanation
from ..scans.greys import greys_of
from .numbers import MINUS, fixed
from .pictures import change_limit, change_over, change_rgb, grey, outlined, png
from .report_evidence import ROWS_SHOWN
from .views import ACROSS, EDGE_LETTERS, PLANES, Oriented, TurnedGrid, busiest

# Widest and narrowest picture, and what all three rows may take of a printed page's height, mm.
WIDEST_MM, NARROWEST_MM, HEIGHT_MM = 47.0, 34.0, 112.0
# Where the rest of the page needs more than usual, the pictures give way: rows of slabs beyond
# those that the search chart is as high as, and lines of flags after the first.
ROW_MM, ROWS_BESIDE_CHART, FLAG_LINE_MM, FLAG_LINE_LETTERS = 3.9, 11, 4.0, 125
MM_PER_REM = 3.175  # 9 pt, the page's text size in print
# Positive and negative end of the physical axes X, Y, Z (LPS), and the axis that a plane is cut at.
AXIS_LETTERS = (("L", "R"), ("P", "A"), ("S", "I"))
LEGEND_STEPS = 21
# Bluish green of Okabe and Ito's palette: none of a change's own colours.
REGION_RGB = (0, 158, 115)


@dataclass(frozen=True)
class _Volumes:
    """The explanation's volumes, turned as radiologists look at them."""

    scan: Oriented
    counterfactual: Oriented
    change: Oriented
    grid: TurnedGrid
    region: Oriented | None
    ends: tuple[float, float]


def pictures(explanation: Explanation) -> str:
    """Return the block of pictures with column titles, as HTML."""
    volumes = _turned(explanation)
    ratios = {plane: height_over_width(volumes.scan, plane) for plane in PLANES}
    width = min(max(_height_mm(explanation) / sum(ratios.values()), NARROWEST_MM), WIDEST_MM)
    edges = explanation.settings.level_edges
    rows = "".join(_row(volumes, plane, ratios[plane], edges) for plane in PLANES)
    return block_of_figures(("Scan", "Counterfactual", "Change"), rows, width)


def _height_mm(explanation: Explanation) -> float:
    """Return the height that the pictures may take so that all fits on one page, where it can."""
    rows = min(len(explanation.chunks), ROWS_SHOWN)
    lines = sum(1 + len(flag.message) // FLAG_LINE_LETTERS for flag in explanation.flags)
    return HEIGHT_MM - ROW_MM * max(rows - ROWS_BESIDE_CHART, 0) - FLAG_LINE_MM * max(lines - 1, 0)


def _turned(explanation: Explanation) -> _Volumes:
    image = explanation.scan.image
    scan, counterfactual, change = (
        Oriented.on_grid(image, voxels)
        for voxels in (explanation.scan.array, explanation.counterfactual, explanation.difference)
    )
    search = explanation.region_search
    region = None
    if search is not None:
        region = Oriented.on_grid(image, sitk.GetArrayFromImage(search.image))
    ends = greys_of(explanation.scan)
    return _Volumes(scan, counterfactual, change, TurnedGrid(image), region, ends)


def height_over_width(volume: Oriented, plane: str) -> float:
    height, width = volume.extent_mm(plane)
    return height / width


def _row(volumes: _Volumes, plane: str, ratio: float, edges: tuple[float, ...]) -> str:
    index = busiest(volumes.change, plane)
    base = volumes.scan.plane(plane, index)
    over = change_over(base, volumes.change.plane(plane, index), edges, volumes.ends)
    if volumes.region is not None:
        over = outlined(over, volumes.region.plane(plane, index) > 0, REGION_RGB)
    columns = (
        ("scan", grey(base, volumes.ends)),
        ("counterfactual", grey(volumes.counterfactual.plane(plane, index), volumes.ends)),
        ("change", over),
    )
    return row_of_figures(columns, volumes.grid, plane, index, ratio)


def row_of_figures(
    columns: Iterable[tuple[str, np.ndarray]],
    grid: TurnedGrid,
    plane: str,
    index: int,
    ratio: float,
) -> str:
    """Return named pictures of one slice as HTML; the first says where the slice lies.

    Parameters
    ----------
    columns : iterable of (str, numpy.ndarray)
        Name and pixels, as `pictures.png` takes them.
    ratio : float
        Height over width.
    """
    place = f"{plane}, {_position(grid, plane, index)}"
    letters = "".join(
        f'<i class="{side}">{letter}</i>'
        for side, letter in zip(
            ("left", "right", "top", "bottom"), EDGE_LETTERS[plane], strict=True
        )
    )
    return "".join(
        f'<figure style="aspect-ratio:{1 / ratio:.4f}">'
        f'<img alt="{escape(name)}, {escape(place)}" src="{_inline(pixels)}">{letters}'
        + (f"<figcaption>{escape(place)}</figcaption>" if not number else "")
        + "</figure>"
        for number, (name, pixels) in enumerate(columns)
    )


def block_of_figures(heads: Iterable[str], rows: str, width_mm: float) -> str:
    """Return rows of pictures under the columns' titles, each picture so wide in print."""
    titles = [f"<h3>{escape(head)}</h3>" for head in heads]
    style = f"--width:{width_mm / MM_PER_REM:.2f}rem;--columns:{len(titles)}"
    return f'<div class="pictures" style="{style}">{"".join(titles)}{rows}</div>'


def _position(grid: TurnedGrid, plane: str, index: int) -> str:
    """Return where the middle of a slice lies, as Slicer's views say it: S 112 mm."""
    axis = ACROSS[plane]
    middle = [(n - 1) / 2 for n in grid.size]
    middle[axis] = index
    value = grid.point(middle)[axis]
    return f"{AXIS_LETTERS[axis][value < 0]} {fixed(abs(value), 0)} mm"


def _inline(pixels: np.ndarray) -> str:
    return "data:image/png;base64," + base64.b64encode(png(pixels)).decode("ascii")


def legend(explanation: Explanation) -> str:
    """Return the colour scale of the change, from the greatest fall to the greatest rise."""
    limit = change_limit(explanation.settings.level_edges)
    end, half = f"{limit:.4g}", f"{limit / 2:.4g}"
    return scale(
        (f"{MINUS}{end}", f"{MINUS}{half}", "0", f"+{half}", f"+{end} {explanation.scan.unit}")
    )


def scale(ticks: Iterable[str], sides: Iterable[str] = ()) -> str:
    """Return the colours from blue to red with texts below them, evenly spaced.

    Parameters
    ----------
    sides : iterable of str
        What the two ends mean, below the ticks; none: as the ticks say.
    """
    colours = np.rint(change_rgb(np.linspace(-1, 1, LEGEND_STEPS))).astype(int)
    stops = ", ".join(f"rgb({r} {g} {b})" for r, g, b in colours)
    texts = "".join(f"<span>{escape(text)}</span>" for text in ticks)
    meant = "".join(f"<span>{escape(side)}</span>" for side in sides)
    return (
        f'<div class="scale" style="background:linear-gradient(to right, {stops})"></div>'
        f'<div class="ticks">{texts}</div>' + (f'<div class="ticks">{meant}</div>' if meant else "")
    )
