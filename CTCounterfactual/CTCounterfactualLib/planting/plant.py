"""The verb `plant`: put one finding into a scan whose unplanted state is then its true answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import ScanError, SettingsError
from ..suggest import suggest
from .consolidation import draw_consolidation, paint_consolidation
from .effusion import draw_effusion, paint_effusion
from .fields import Spacing
from .hemithorax import Chest, Hemithorax, ready_chest
from .nodule import draw_nodule, paint_nodule
from .paint import Paint
from .place import place_of
from .pneumothorax import draw_pneumothorax, paint_pneumothorax


@dataclass(frozen=True)
class Kind:
    """A finding that can be planted.

    Parameters
    ----------
    ml : tuple of float
        Volumes that are drawn, evenly on a logarithmic scale.
    share : float
        At most this share of one lung.
    least_lung_ml : float
        A side with less lung has no room.
    """

    ml: tuple[float, float]
    share: float
    least_lung_ml: float
    draw: Callable[[np.random.Generator, Hemithorax, float], Any]
    paint: Callable[..., Paint]


KINDS = {
    "effusion": Kind((100.0, 600.0), 0.55, 150.0, draw_effusion, paint_effusion),
    "consolidation": Kind((15.0, 300.0), 0.6, 100.0, draw_consolidation, paint_consolidation),
    "nodule": Kind((0.12, 30.0), 0.1, 60.0, draw_nodule, paint_nodule),
    "pneumothorax": Kind((60.0, 600.0), 0.45, 200.0, draw_pneumothorax, paint_pneumothorax),
}
FINDINGS = tuple(KINDS)


@dataclass(frozen=True)
class Planted:
    """A scan with a finding in it.

    Parameters
    ----------
    hu : numpy.ndarray
        (K, J, I), float32, HU. The scan plus t times the difference is the finding t developed.
    cover : numpy.ndarray
        (K, J, I), float32, 0..1: how much of each voxel is the finding.
    finding, place : str
        What, and where in words: "right, lower, posterior".
    ml : float
        Volume of the cover.
    look : object
        All that was drawn: `Effusion`, `Consolidation`, `Nodule` or `Pneumothorax`.
    """

    hu: np.ndarray
    cover: np.ndarray
    finding: str
    place: str
    ml: float
    look: Any


def plant(
    finding: str,
    hu: np.ndarray,
    lungs: np.ndarray | Chest,
    spacing: Spacing,
    rng: np.random.Generator,
    ml: float | None = None,
    side: str | None = None,
    name: str = "the scan",
) -> Planted:
    """Plant a finding of random look and place into a scan; the input stays as it is.

    Parameters
    ----------
    finding : str
        One of `FINDINGS`.
    hu : numpy.ndarray
        (K, J, I), HU; K grows to Superior, J to Anterior, I to Right.
    lungs : numpy.ndarray or Chest
        The lung mask, (K, J, I), bool; or the scan made ready by `ready_chest`, which spares most
        of the time where many findings are planted into one scan.
    spacing : tuple of float
        (I, J, K) mm.
    rng : numpy.random.Generator
        Draws everything; the same state, the same voxels.
    ml : float, optional
        Volume; drawn if left out, and then no more than there is room for.
    side : str, optional
        "right" or "left"; drawn if left out.
    name : str
        Of the scan, for messages.

    Raises
    ------
    SettingsError
        For a finding that there isn't, or a volume that is none.
    ScanError
        If there is no room.
    """
    kind = _kind(finding)
    if ml is not None and not 0 < ml < np.inf:
        raise SettingsError(f"A {finding} of {ml} mL can't be planted; give a volume above 0.")
    hu = np.asarray(hu, np.float32)
    chest = lungs if isinstance(lungs, Chest) else ready_chest(hu, lungs, spacing, name)
    if chest.shape != hu.shape:
        raise ScanError(
            f"The chest made ready has {chest.shape} voxels (K, J, I), {name} {hu.shape}: make "
            f"{name} ready itself."
        )
    where = _draw_side(kind, finding, chest, rng, ml, side, name)
    room = kind.share * where.space.ml
    amount = ml if ml is not None else min(_draw_ml(rng, kind.ml), room)
    look = kind.draw(rng, where, amount)
    part = hu[where.space.box]
    try:
        paint = kind.paint(part, where, look, chest.noise)
    except ScanError as error:
        raise ScanError(f"No room in {name}: {error.text}.") from error
    planted, cover = hu.copy(), np.zeros(hu.shape, np.float32)
    planted[where.space.box] = part + paint.change
    cover[where.space.box] = paint.cover
    volume = float(paint.cover.sum(dtype=float)) * where.space.voxel_ml
    return Planted(planted, cover, finding, place_of(where, paint.cover), volume, look)


def _kind(finding: str) -> Kind:
    if finding not in KINDS:
        raise SettingsError(f"There is no finding '{finding}'. {suggest(finding, FINDINGS)}")
    return KINDS[finding]


def _draw_side(
    kind: Kind,
    finding: str,
    chest: Chest,
    rng: np.random.Generator,
    ml: float | None,
    side: str | None,
    name: str,
) -> Hemithorax:
    """Draw a side with room, by the volume of its lung."""
    sides = [s for s in chest.sides if side in (None, s.side)]
    needed = max(kind.least_lung_ml, (ml or 0.0) / kind.share)
    roomy = [s for s in sides if s.space.ml >= needed]
    if not roomy:
        found = ", ".join(f"{s.side} {s.space.ml:.0f} mL" for s in sides) or "none"
        asked = finding if ml is None else f"{ml:g} mL of {finding}"
        raise ScanError(
            f"No room in {name} for {asked}: it needs {needed:.0f} mL of lung on one side, and "
            f"there is: {found}."
        )
    volumes = np.array([s.space.ml for s in roomy])
    return roomy[int(rng.choice(len(roomy), p=volumes / volumes.sum()))]


def _draw_ml(rng: np.random.Generator, ml: tuple[float, float]) -> float:
    return float(np.exp(rng.uniform(np.log(ml[0]), np.log(ml[1]))))
