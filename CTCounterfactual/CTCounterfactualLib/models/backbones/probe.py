"""A linear probe: logits of a user's own labels from a backbone's features.

Alain and Bengio, "Understanding intermediate layers using linear classifier probes" (2016).
"""

from __future__ import annotations

import torch
from torch import nn

from ..classifier import Classifier, Rescorer
from ..targets import PROBABILITY, Target
from .backbone import Backbone, pooled
from .pooling import MEAN

PROBABILITY_SUFFIX = " probability"


class ProbeClassifier(Classifier):
    """Logit or probability of each label.

    Parameters
    ----------
    backbone : Backbone
        Where the features come from.
    head : nn.Linear
        From features to one logit a label; frozen by this class.
    targets : tuple of Target
        One logit a label, in the head's order, then one probability a label.
    pooling : str
        See `backbone.pooled`.
    name, description, sha256 : str
        See `Classifier`; the digest is the head's.
    """

    def __init__(
        self,
        backbone: Backbone,
        head: nn.Linear,
        targets: tuple[Target, ...],
        pooling: str = MEAN,
        name: str = "probe",
        description: str = "",
        sha256: str = "",
    ):
        self.backbone, self.pooling = backbone, pooling
        self.network = backbone.network
        self.head = head.eval().requires_grad_(False)
        self.targets = targets
        self.grid, self.differentiable = backbone.grid, backbone.differentiable
        self.name, self.description, self.sha256 = name, description, sha256

    def score(self, x: torch.Tensor, target: str | None = None) -> torch.Tensor:
        """Return the target's score of each volume (N, 1, D, H, W); see `Classifier.score`."""
        return self._told(self.backbone.maps(x), self.find_target(target))

    def rescorer(self, x: torch.Tensor, target: str | None = None) -> Rescorer:
        """Return a function that scores `x` with slices replaced; see `Classifier.rescorer`."""
        wanted = self.find_target(target)
        again = self.backbone.maps_again(x)
        return lambda changed, start: float(self._told(again(changed, start), wanted)[0])

    def _told(self, maps: torch.Tensor, target: Target) -> torch.Tensor:
        """Return scores (N,) from last maps, float64 where they are probabilities."""
        with torch.inference_mode(False):  # weights moved in it could never give a gradient
            self.head.to(maps.device)
        features = pooled(maps, self.pooling)
        logits = self.head(features.to(self.head.weight.dtype))
        logit = logits[:, self.targets.index(target) % self.head.out_features]
        return torch.sigmoid(logit.double()) if target.unit == PROBABILITY else logit


def probe_targets(labels: tuple[Target, ...]) -> tuple[Target, ...]:
    """Return the targets of a probe: the labels' logits, then their probabilities.

    Raises
    ------
    ModelError
        If a label's numbers can't be those of a decision.
    """
    return (
        *labels,
        *(
            Target(
                label.name + PROBABILITY_SUFFIX,
                PROBABILITY,
                threshold=_chance(label.threshold),
                negatives=_chance(label.negatives),
            )
            for label in labels
        ),
    )


def _chance(logit: float | None) -> float | None:
    """Return the probability of a logit, with enough digits to stay below a threshold."""
    return None if logit is None else float(torch.sigmoid(torch.tensor(logit).double()))
