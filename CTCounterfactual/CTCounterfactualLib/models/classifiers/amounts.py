"""How much of a finding there is: a fixed, monotone function of density, and the score of it.

The network says where a finding lies (a gate of 0..1 for each voxel); its amount is

    V = sum over voxels of gate * rho(HU) * voxel volume,

with rho fixed: for fluid, consolidation and nodules it rises with density from aerated lung on and
never falls, so fluid that gets denser is never less; for free air it rises as density falls. Within
a gate the gradient of V lies on the finding and nowhere else. The score is

    logit = slope * log((V + c) / (V0 + c)),

0 at the amount V0 that counts as present. c keeps what the gates find in scans without the finding
from mattering: those all score about slope * log(c / (V0 + c)).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from ...checked import check_limits, take_types
from ...limits import ABOVE_0

# rho of dense findings: 0 in aerated lung, 1 in fluid; it goes on to rise over soft tissue, so that
# denser fluid is more than fluid, up to where only bone and contrast medium lie.
AERATED_HU, FLUID_HU, DENSEST_HU = -850.0, 20.0, 150.0
# rho of free air: 0 in lung, 1 in gas (a little above -1000: noise, and pleura beside it).
LUNG_HU, GAS_HU = -850.0, -980.0
# Over this share of a ramp its ends are rounded, so that the gradient is smooth.
ROUNDING = 0.03


@dataclass(frozen=True)
class Amount:
    """How an amount in mL becomes a logit; part of the card.

    Parameters
    ----------
    present_ml : float
        V0: the amount at even odds.
    ignored_ml : float
        c: amounts far below it make no difference.
    slope : float
        Of the logit over the logarithm of the amount.
    """

    present_ml: float
    ignored_ml: float
    slope: float = 3.0

    def __post_init__(self) -> None:
        take_types(self)
        check_limits(self, present_ml=ABOVE_0, ignored_ml=ABOVE_0, slope=ABOVE_0)

    def logit(self, ml: torch.Tensor) -> torch.Tensor:
        """Return the logit of an amount in mL, of any shape."""
        return self.slope * torch.log((ml + self.ignored_ml) / (self.present_ml + self.ignored_ml))


DEFAULT_AMOUNTS = {
    "effusion": Amount(40.0, 20.0),
    "consolidation": Amount(50.0, 20.0),
    "nodule": Amount(3.0, 1.5),
    "pneumothorax": Amount(50.0, 20.0),
}


def density(hu: torch.Tensor, finding: str) -> torch.Tensor:
    """Return rho: how much of the finding a voxel of this density is, if it is the finding.

    Parameters
    ----------
    hu : torch.Tensor
        HU, any shape.
    finding : str
        One of `findings_network.FINDINGS`.

    Returns
    -------
    torch.Tensor
        The same shape, 0..1.15 for dense findings, 0..1 for free air.
    """
    if finding == "pneumothorax":
        return _ramp((hu - LUNG_HU) / (GAS_HU - LUNG_HU), 1.0)
    width = FLUID_HU - AERATED_HU
    return _ramp((hu - AERATED_HU) / width, (DENSEST_HU - AERATED_HU) / width)


def _ramp(u: torch.Tensor, top: float) -> torch.Tensor:
    """Return u within 0..top, rounded at both ends: smooth and never falling."""
    return ROUNDING * (F.softplus(u / ROUNDING) - F.softplus((u - top) / ROUNDING))
