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
from collections.abc import Mapping
from copy import copy

import torch

from ...scans.grid import GridSpec, PreparedScan
from ..classifier import Classifier, Rescorer
from ..rescore.per_slice import PerSliceRescorer
from ..targets import Target
from .amounts import DEFAULT_AMOUNTS, Amount, density
from .findings_network import (
    CUBE_MM,
    FINDINGS,
    NAMES,
    POOLING,
    FindingsNet,
    gates,
    part_of,
    spread,
)

# Of a head, an abdomen or a phantom less is seen as the lungs' place (0.14 and 0.18 L of two).
LEAST_LUNG_LITRES = 0.25
NOT_A_CHEST = "not-a-chest"
PROBABILITY_SUFFIX = " probability"


class PlacesClassifier(Classifier):
    """A classifier whose scores come from the network's places; see its two kinds below."""

    grid = GridSpec()

    def __init__(self, network: FindingsNet, sha256: str = ""):
        self.network = network.eval().requires_grad_(False)
        self.sha256 = sha256
        self.lung_litres: float | None = None

    def for_scan(self, prepared: PreparedScan) -> Classifier:
        """Return the classifier that knows whether this scan shows lungs; see `warnings`."""
        return self.knowing(torch.from_numpy(prepared.volume)[None, None])  # -> (1, 1, D, H, W)

    def knowing(self, x: torch.Tensor) -> PlacesClassifier:
        """Return the classifier for one volume (1, 1, D, H, W), 0..1, as `for_scan` does."""
        ready = copy(self)
        with torch.no_grad():
            ready.keep(x)
        return ready

    def keep(self, x: torch.Tensor) -> None:
        """Keep what is found in the scan (1, 1, D, H, W), 0..1."""
        self.lung_litres = float(lung_litres(self.logits(x, "coarse")))

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

    def logits(self, x: torch.Tensor, part: str) -> torch.Tensor:
        """Return what one part of the network says of volumes; see `FindingsNet`."""
        with torch.inference_mode(False):  # weights moved in it could never give a gradient
            self.network.to(x.device)
        return self.network(x.to(self.network.coarse.place_of.weight.dtype), part)


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
        self._kept: dict[str, torch.Tensor] | None = None
        self.targets = findings_targets(self.amounts, negatives or {})

    def keep(self, x: torch.Tensor) -> None:
        """Keep where the scan's findings lie; see the module."""
        found = {part: self.logits(x, part) for part in NAMES}
        self.lung_litres = float(lung_litres(found["coarse"]))
        self._kept = {finding: spread(found[part_of(finding)], finding) for finding in FINDINGS}

    def score(self, x: torch.Tensor, target: str | None = None) -> torch.Tensor:
        """Return the target's score of each volume; see `Classifier.score`."""
        wanted = self.find_target(target)
        return self._told(self.amount_ml(x, _finding(wanted)), wanted)

    def rescorer(self, x: torch.Tensor, target: str | None = None) -> Rescorer:
        """Return a function that scores only replaced slices; see `Classifier.rescorer`.

        Places that are found in the volume move with it: then nearly all is computed again.
        """
        wanted = self.find_target(target)
        kept = self._kept_for(x, _finding(wanted))
        if kept is None:
            return super().rescorer(x, target)

        def slice_ml(slices: torch.Tensor, start: int) -> torch.Tensor:
            part = kept[:, start : start + len(slices)].transpose(0, 1)  # -> (n, 1, H, W)
            return self._ml(part, slices[:, :, None], _finding(wanted))

        ml = PerSliceRescorer(slice_ml, x)

        def rescore(changed: torch.Tensor, start: int) -> float:
            return float(self._told(torch.tensor(ml(changed, start), dtype=torch.float64), wanted))

        return rescore

    def amount_ml(self, x: torch.Tensor, finding: str) -> torch.Tensor:
        """Return the amount of a finding in each volume, mL, (N,); x as for `score`."""
        gate = self._kept_for(x, finding)
        if gate is None:
            gate = spread(self.logits(x, part_of(finding)), finding)
        return self._ml(gate, x, finding)

    def _kept_for(self, x: torch.Tensor, finding: str) -> torch.Tensor | None:
        """Return the kept gate, unless there is none or the volume is of another size."""
        if self._kept is None:
            return None
        kept = self._kept["effusion"].shape[1:]  # of the coarser blocks
        same = all(
            n == -(-m // f) * f
            for n, m, f in zip(kept, x.shape[2:], POOLING["coarse"], strict=True)
        )
        return self._kept[finding].to(x.device) if same else None

    def _ml(self, gate: torch.Tensor, x: torch.Tensor, finding: str) -> torch.Tensor:
        """Return mL (N,), float64, of gates (N or 1, D', H', W') and volumes (N, 1, D, H, W).

        Gates may reach beyond the volume, to whole blocks of the network.
        """
        depth, height, width = x.shape[2:]
        rho = density(self.grid.window.to_hu(x[:, 0]), finding)
        within = gate[:, :depth, :height, :width]
        # Summed in float64: 1e7 voxels in float32 would lose the change of a single chunk.
        litres = (within * rho).sum(dim=(1, 2, 3), dtype=torch.float64) * self.grid.voxel_litres
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

    def score(self, x: torch.Tensor, target: str | None = None) -> torch.Tensor:
        """Return litres (N,), float64; see `Classifier.score`."""
        self.find_target(target)
        return lung_litres(self.logits(x, "coarse"))


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


def _finding(target: Target) -> str:
    return target.name.removesuffix(PROBABILITY_SUFFIX)


def lung_litres(coarse: torch.Tensor) -> torch.Tensor:
    """Return the volume of the lungs' place: logits (N, C, D, H, W) -> litres (N,), float64."""
    lung = gates(coarse[:, NAMES["coarse"].index("lung")])
    return lung.sum(dim=(1, 2, 3), dtype=torch.float64) * CUBE_MM["coarse"] ** 3 * 1e-6
