"""What is known of the region of a run: how it was found, and what other regions can do."""

from __future__ import annotations

from dataclasses import dataclass

import SimpleITK as sitk

from .outcome import Outcome

# Kinds of `RegionControl`.
COMPLEMENT, RANDOM = "complement", "random"


@dataclass(frozen=True)
class RegionControl:
    """Another region, searched with the same settings: an explanation should beat it.

    Parameters
    ----------
    name : str
        `complement`: the rest of the body; `random`: a ball-like place of the same volume.
    ml : float
        Its volume in mL, on the prepared grid.
    outcome : Outcome
        Of its search.
    share : float
        Its gain as a share of the region's own, on the logit for probabilities; 0 where the
        region gained nothing.
    """

    name: str
    ml: float
    outcome: Outcome
    share: float


@dataclass(frozen=True)
class RegionSearch:
    """The region of a run, in numbers.

    Parameters
    ----------
    image : SimpleITK.Image
        uint8 mask on the scan's own grid: outside it nothing changed, to the bit.
    ml : float
        Its volume in mL, on the scan's grid.
    unrestricted : Outcome or None
        The search that it was found from; None for a region of the user's.
    threshold_hu : float
        |change| of that search above which its connected parts were told apart, in HU.
    parts : tuple of float
        mL of the connected parts that were joined, largest sum of |change| first; on the prepared
        grid, before a margin was added.
    parts_found : int
        Connected parts in all.
    share_of_change : float
        Of that search's sum of |change|, the share that lies in the region.
    controls : tuple of RegionControl
        Empty unless asked for.
    """

    image: sitk.Image
    ml: float
    unrestricted: Outcome | None = None
    threshold_hu: float = 0.0
    parts: tuple[float, ...] = ()
    parts_found: int = 0
    share_of_change: float = 0.0
    controls: tuple[RegionControl, ...] = ()
