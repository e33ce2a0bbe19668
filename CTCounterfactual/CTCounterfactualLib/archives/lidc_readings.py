"""What the four radiologists of LIDC-IDRI marked, from the XML file beside a scan.

A nodule of 3 mm or more is outlined, one contour a slice; a smaller one, and what is no nodule, is
a single point, and doesn't count here. The same nodule has another name with each reader, so marks
are taken for one nodule where their centres are nearer than the larger one's radius, or 3 mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import numpy as np

NAMESPACE = "{http://www.nih.gov}"
# A nodule of 3 mm and more has an outline; one of less has a single point.
FEWEST_POINTS = 2
# A small nodule may be outlined in one slice by one reader and in the next one by another.
NEAR_MM = 3.0


@dataclass(frozen=True)
class Nodule:
    """One reader's outline of a nodule.

    Parameters
    ----------
    reader : int
        Which of the readers, from 0.
    points : numpy.ndarray
        (N, 3): column and row in pixels, z in mm.
    """

    reader: int
    points: np.ndarray


@dataclass(frozen=True)
class Readings:
    """The readings of one series.

    Parameters
    ----------
    series : str
        UID of the series that was read.
    readers : int
        How many readers there were.
    nodules : tuple of Nodule
        Their outlines of nodules of 3 mm and more.
    """

    series: str
    readers: int
    nodules: tuple[Nodule, ...]


def read_readings(path: Path) -> Readings | None:
    """Return what an XML file tells; None if it isn't of a CT (LIDC has some of radiographs).

    Raises
    ------
    ValueError
        If it is no XML, or lacks what it must have.
    """
    try:
        root = ElementTree.parse(path).getroot()
    except ElementTree.ParseError as error:
        raise ValueError(f"is damaged ({error})") from error
    if root.tag != f"{NAMESPACE}LidcReadMessage":
        return None
    series = (
        root.findtext(f"{NAMESPACE}ResponseHeader/{NAMESPACE}SeriesInstanceUid") or ""
    ).strip()
    if not series:
        raise ValueError("names no series")
    sessions = root.findall(f"{NAMESPACE}readingSession")
    nodules = tuple(
        Nodule(reader, points)
        for reader, session in enumerate(sessions)
        for mark in session.findall(f"{NAMESPACE}unblindedReadNodule")
        if len(points := _points(mark)) >= FEWEST_POINTS
    )
    return Readings(series, len(sessions), nodules)


def most_agreeing(readings: Readings, spacing: tuple[float, float]) -> int:
    """Return how many readers outlined the nodule that most of them did; 0 without nodules.

    Parameters
    ----------
    readings : Readings
        Of one series.
    spacing : tuple of float
        Column and row spacing in mm.
    """
    scale = np.array([*spacing, 1.0])
    groups: list[list[tuple[int, np.ndarray, float]]] = []
    for nodule in readings.nodules:
        points = nodule.points * scale
        low, high = points.min(axis=0), points.max(axis=0)
        one = (nodule.reader, (low + high) / 2, float((high - low).max()) / 2)
        apart, joined = [], [one]
        for group in groups:
            if any(_same(one, other) for other in group):
                joined += group
            else:
                apart.append(group)
        groups = [*apart, joined]
    return max((len({mark[0] for mark in group}) for group in groups), default=0)


def _same(one: tuple[int, np.ndarray, float], other: tuple[int, np.ndarray, float]) -> bool:
    return bool(np.linalg.norm(one[1] - other[1]) < max(one[2], other[2], NEAR_MM))


def _points(mark: ElementTree.Element) -> np.ndarray:
    """Return the outline of a mark, all slices: (N, 3); holes are left out."""
    found = []
    for roi in mark.findall(f"{NAMESPACE}roi"):
        if (roi.findtext(f"{NAMESPACE}inclusion") or "TRUE").strip().upper() != "TRUE":
            continue
        z = _number(roi, "imageZposition")
        found += [
            (_number(edge, "xCoord"), _number(edge, "yCoord"), z)
            for edge in roi.findall(f"{NAMESPACE}edgeMap")
        ]
    return np.array(found, np.float64).reshape(-1, 3)


def _number(element: ElementTree.Element, name: str) -> float:
    try:
        return float(element.findtext(f"{NAMESPACE}{name}") or "")
    except ValueError:
        raise ValueError(f"has a mark without {name}") from None
