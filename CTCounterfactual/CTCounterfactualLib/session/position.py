"""One place on lambda: pictures and score of it, made when they are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..counterfactual.search.found import SearchPoint


class Shows(Protocol):
    """What a position asks of its session."""

    def plane(self, lam: float, name: str, number: int) -> np.ndarray:
        """Return a plane of the scan at lambda, HU, by its name and number."""
        ...

    def point(self, lam: float) -> SearchPoint:
        """Return score and change at lambda."""
        ...


@dataclass(frozen=True)
class Position:
    """What a session shows at one lambda; nothing is computed before it is asked for.

    Pictures have the scan's own voxel type and grid, and are those that `Session.keep` writes. Of
    an oblique scan "axial" is the scan's own planes that come nearest to it.

    Parameters
    ----------
    session : Session
        That this is a position of.
    lam : float
        Lambda: negative lowers the score, positive raises it.
    """

    session: Shows
    lam: float

    def axial(self, k: int) -> np.ndarray:
        """Return an axial plane, HU: of a scan of axial slices `(J, I)`; decodes its slices only.

        Raises
        ------
        SettingsError
            If there is no such plane.
        """
        return self.plane("axial", k)

    def coronal(self, j: int) -> np.ndarray:
        """Return a coronal plane, HU: of a scan of axial slices `(K, I)`; decodes all slices."""
        return self.plane("coronal", j)

    def sagittal(self, i: int) -> np.ndarray:
        """Return a sagittal plane, HU: of a scan of axial slices `(K, J)`; decodes all slices."""
        return self.plane("sagittal", i)

    def plane(self, name: str, number: int) -> np.ndarray:
        """Return a plane by its name: `axial`, `coronal` or `sagittal`; HU, two array axes."""
        return self.session.plane(self.lam, name, number)

    @property
    def point(self) -> SearchPoint:
        """Lambda, score and share of the image changed, as a search has them; decodes all."""
        return self.session.point(self.lam)

    @property
    def score(self) -> float:
        """Score on the prepared grid, as in a search; decodes all slices."""
        return self.point.score

    @property
    def change(self) -> float:
        """Share of the image that has changed, as the change limit counts it; decodes all."""
        return self.point.change

    @property
    def change_percent(self) -> float:
        """The same in percent."""
        return 100 * self.change
