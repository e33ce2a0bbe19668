"""The findings demo: logits of four findings in a chest CT, and the size of the lungs' place.

A demonstration: trained by this project on findings *painted* into scans (`training.findings`); no
clinical use follows from its scores.

Where the findings lie is found once in the scan that is explained (`for_scan`) and then fixed, as
`lung-volume`'s region is; how much of them lies there is a monotone function of density
(`amounts`). So a change of the score is a change of the finding's amount and nothing else: fluid
can't be argued away by what lies beside it, and its gradient lies on the fluid. Called on a plain
volume, `score` finds the places in it.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping
from copy import copy

import torch
from torch.nn import functional as F

from ...scans.grid import GridSpec, PreparedScan
from ..classifier import Classifier, Rescorer
from ..rescore.per_slice import PerSliceRescorer
from ..targets import Target
from .amounts import DEFAULT_AMOUNTS, Amount, density
from .findings_network import (
    CHANNELS,
    FINDINGS,
    POOLING,
    VOXEL_ML,
    FindingsNet,
    gates,
    pool,
)

# Of a head, an abdomen or a phantom less is seen as the lungs' place.
LEAST_LUNG_LITRES = 0.1
NOT_A_CHEST = "not-a-chest"
PROBABILITY_SUFFIX = " probability"


class PlacesClassifier(Classifier):
    """A classifier whose scores come from the network's places; see its two kinds below."""

    grid = GridSpec()

    def __init__(self, network: FindingsNet, sha256: str = ""):
        self.network = network.eval().requires_grad_(False)
        self.sha256 = sha256
        self.lung_litres: float | None = None

    @abstractmethod
    def score_of(self, places: torch.Tensor, x: torch.Tensor, target: Target) -> torch.Tensor:
        """Return the scores (N,) of volumes (N, 1, D, H, W), 0..1, whose places are these."""

    def for_scan(self, prepared: PreparedScan) -> Classifier:
        """Return the classifier that knows whether this scan shows lungs; see `warnings`."""
        ready = copy(self)
        x = torch.from_numpy(prepared.volume)[None, None]  # (K, J, I) -> (1, 1, D, H, W)
        with torch.no_grad():
            ready.keep(self.places(x))
        return ready

    def keep(self, places: torch.Tensor) -> None:
        """Keep what the scan's places (1, C, D, H, W) say of it."""
        self.lung_litres = float(lung_litres(places))

    def warnings(self) -> tuple[tuple[str, str], ...]:
        """Return a warning if the scan shows hardly any lung."""
        if self.lung_litres is None or self.lung_litres >= LEAST_LUNG_LITRES:
            return ()
        return (
            (
                NOT_A_CHEST,
                f"Hardly any lung is seen in this scan ({self.lung_litres * 1e3:.0f} mL; a chest "
                f"has {LEAST_LUNG_LITRES * 1e3:.0f} mL or more): the score of {self.name} says "
                f"nothing.",
            ),
        )

    def score(self, x: torch.Tensor, target: str | None = None) -> torch.Tensor:
        """Return the target's score of each volume; see `Classifier.score`."""
        wanted = self.find_target(target)
        return self.score_of(self.places(x), x, wanted)

    def places(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits of `CHANNELS` at 6 mm: (N, 1, D, H, W) in 0..1 -> (N, C, D/2, H/4, W/4)."""
        with torch.inference_mode(False):  # weights moved in it could never give a gradient
            self.network.to(x.device)
        return self.network(pool(x.to(self.network.place_of.weight.dtype)))


class FindingsDemo(PlacesClassifier):
    """Logit or probability of effusion, consolidation, nodule and pneumothorax.

    Parameters
    ----------
    network : FindingsNet
        Which says where they lie.
    amounts : mapping of str to Amount
        How the amount of each becomes a logit.
    negatives : mapping of str to float
        Median logit of scans without each finding; may be empty.
    """

    name = "findings-demo"
    description = (
        "Effusion, consolidation, nodule, pneumothorax (demonstration): small network of this "
        "project, trained on painted findings"
    )

    def __init__(
        self,
        network: FindingsNet,
        amounts: Mapping[str, Amount] = DEFAULT_AMOUNTS,
        negatives: Mapping[str, float] | None = None,
        sha256: str = "",
    ):
        super().__init__(network, sha256)
        self.amounts = dict(amounts)
        self._kept: torch.Tensor | None = None
        self.targets = findings_targets(self.amounts, negatives or {})

    def keep(self, places: torch.Tensor) -> None:
        """Keep where the scan's findings lie; see the module."""
        super().keep(places)
        self._kept = _spread(gates(places))

    def score(self, x: torch.Tensor, target: str | None = None) -> torch.Tensor:
        """Return the target's score of each volume; see `Classifier.score`."""
        kept = self._kept_for(x)
        if kept is None:
            return super().score(x, target)
        wanted = self.find_target(target)
        return self._told(self._ml(kept, x, _finding(wanted)), wanted)

    def rescorer(self, x: torch.Tensor, target: str | None = None) -> Rescorer:
        """Return a function that scores only replaced slices; see `Classifier.rescorer`.

        Places that are found in the volume move with it: then nearly all is computed again.
        """
        kept = self._kept_for(x)
        if kept is None:
            return super().rescorer(x, target)
        wanted = self.find_target(target)

        def slice_ml(slices: torch.Tensor, start: int) -> torch.Tensor:
            part = kept[:, :, start : start + len(slices)].transpose(0, 2)  # -> (n, C, 1, H, W)
            return self._ml(part, slices[:, :, None], _finding(wanted))

        ml = PerSliceRescorer(slice_ml, x)

        def rescore(changed: torch.Tensor, start: int) -> float:
            return float(self._told(torch.tensor(ml(changed, start), dtype=torch.float64), wanted))

        return rescore

    def score_of(self, places: torch.Tensor, x: torch.Tensor, target: Target) -> torch.Tensor:
        """Return logits or probabilities (N,), float64; see `PlacesClassifier.score_of`."""
        return self._told(self._ml(_spread(gates(places)), x, _finding(target)), target)

    def amount_ml(self, x: torch.Tensor, finding: str) -> torch.Tensor:
        """Return the amount of a finding in each volume, mL, (N,); x as for `score`."""
        kept = self._kept_for(x)
        return self._ml(_spread(gates(self.places(x))) if kept is None else kept, x, finding)

    def _kept_for(self, x: torch.Tensor) -> torch.Tensor | None:
        """Return the kept gates, unless there are none or the volume is of another size."""
        if self._kept is None:
            return None
        kept, wanted = self._kept.shape[2:], x.shape[2:]
        same = all(-(-n // f) == -(-m // f) for n, m, f in zip(kept, wanted, POOLING, strict=True))
        return self._kept.to(x.device) if same else None

    def _ml(self, gate: torch.Tensor, x: torch.Tensor, finding: str) -> torch.Tensor:
        """Return mL (N,), float64, of gates (N or 1, C, D', H', W') and volumes (N, 1, D, H, W).

        Gates may reach beyond the volume, to whole blocks of the network.
        """
        depth, height, width = x.shape[2:]
        gate = gate[:, CHANNELS.index(finding), :depth, :height, :width]
        rho = density(self.grid.window.to_hu(x[:, 0]), finding)
        # Summed in float64: 1e7 voxels in float32 would lose the change of a single chunk.
        litres = (gate * rho).sum(dim=(1, 2, 3), dtype=torch.float64) * self.grid.voxel_litres
        return litres * 1e3

    def _told(self, ml: torch.Tensor, target: Target) -> torch.Tensor:
        logit = self.amounts[_finding(target)].logit(ml)
        return torch.sigmoid(logit) if target.name.endswith(PROBABILITY_SUFFIX) else logit


class LungSizeDemo(PlacesClassifier):
    """Volume of the lungs' place in litres: consolidated lung is still lung, fluid is none."""

    name = "lung-size-demo"
    description = (
        "Lung size in litres (demonstration): small network of this project, for which "
        "consolidated lung is still lung"
    )
    targets = (Target("lung volume", "L"),)

    def score_of(self, places: torch.Tensor, x: torch.Tensor, target: Target) -> torch.Tensor:
        """Return litres (N,), float64; see `PlacesClassifier.score_of`."""
        return lung_litres(places)


def findings_targets(
    amounts: Mapping[str, Amount], negatives: Mapping[str, float]
) -> tuple[Target, ...]:
    """Return the targets of the findings demo: each finding's logit, then their probabilities.

    Where no median of scans without a finding was measured, it is the logit of no amount.
    """
    logits, probabilities = [], []
    for finding in FINDINGS:
        none = negatives.get(finding, float(amounts[finding].logit(torch.zeros(()))))
        logits.append(Target(finding, "logit", threshold=0.0, negatives=round(none, 2)))
        chance = 1 / (1 + math.exp(-none))
        probabilities.append(
            Target(
                finding + PROBABILITY_SUFFIX,
                "probability",
                threshold=0.5,
                negatives=round(chance, 4),
            )
        )
    return (*logits, *probabilities)


def _spread(gate: torch.Tensor) -> torch.Tensor:
    """Return gates of 6 mm on the prepared grid, to whole blocks, smoothly in between."""
    return F.interpolate(gate, scale_factor=POOLING, mode="trilinear", align_corners=False)


def _finding(target: Target) -> str:
    return target.name.removesuffix(PROBABILITY_SUFFIX)


def lung_litres(places: torch.Tensor) -> torch.Tensor:
    """Return the volume of the lungs' place: logits (N, C, D, H, W) -> litres (N,), float64."""
    lung = gates(places[:, CHANNELS.index("lung")])
    return lung.sum(dim=(1, 2, 3), dtype=torch.float64) * VOXEL_ML * 1e-3
