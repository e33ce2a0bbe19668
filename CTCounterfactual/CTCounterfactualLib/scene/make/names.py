"""Names of nodes: the same each time, and a number when the scene has a set of that name."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

COUNTERFACTUAL = "counterfactual"
CHANGE = "change ({unit})"  # the scan's: HU, or MR units
HEATMAP = "heatmap"
REGION = "region"
MAP = "map"


@dataclass(frozen=True)
class Names:
    """How the nodes of one explanation are called.

    Parameters
    ----------
    scan : str
        The scan's name.
    suffix : str
        Empty for the first set of a scene, " (2)" for the second, and so on.
    """

    scan: str
    suffix: str = ""

    @classmethod
    def unused(cls, scene, scan: str, main: str = COUNTERFACTUAL) -> Names:
        """Return names of which the scene has none yet, by what a set's main node is called."""
        every = (cls(scan, "" if n == 1 else f" ({n})") for n in itertools.count(1))
        return next(names for names in every if scene.GetFirstNodeByName(names.of(main)) is None)

    @classmethod
    def of_set(cls, scan: str, counterfactual: str) -> Names:
        """Return the names of the set whose counterfactual is called so."""
        prefix = f"{scan} {COUNTERFACTUAL}"
        return cls(scan, counterfactual[len(prefix) :] if counterfactual.startswith(prefix) else "")

    def of(self, what: str) -> str:
        """Return the name of a node of this set: "CHEST-1 heatmap (2)"."""
        return f"{self.scan} {what}{self.suffix}"

    def of_scan(self) -> str:
        """Return the name of the scan's own node."""
        return f"{self.scan}{self.suffix}"

    def of_series(self, what: str) -> str:
        """Return the name of a plot series; short, because a chart's legend shows it."""
        return f"{what}{self.suffix}"


def slices_name(start: int, stop: int) -> str:
    """Name the prepared slices [start, stop) so that names sort: "slices 030-040"."""
    return f"slices {start:03d}-{stop:03d}"
