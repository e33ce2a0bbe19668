"""A classifier of the user's own, with the interface of the built-in ones."""

from __future__ import annotations

from typing import Any

import torch

from ...errors import ModelError
from ...scans.grid import GridSpec
from ..classifier import Classifier
from ..faults import naming_faults
from ..targets import find_target
from .card import ClassifierCard
from .output import CardTarget
from .source import Opened

_SHAPES = "Mend axes, channels, crop, depth or divisible_by in its card."


class OwnClassifier(Classifier):
    """Scores volumes by a network that a card describes.

    Parameters
    ----------
    card : ClassifierCard
        How to feed and read it.
    opened : Opened
        The network; only one that is `differentiable` can be explained by counterfactuals.
    """

    def __init__(self, card: ClassifierCard, opened: Opened):
        self.card = card
        self.network = opened.network
        self.differentiable = opened.differentiable
        self.name = card.name
        self.description = card.description
        self.sha256 = opened.sha256
        self.grid: GridSpec = card.grid
        self.targets = card.targets

    def score(self, x: torch.Tensor, target: str | None = None) -> torch.Tensor:
        """Return the target's score of each volume (N, 1, D, H, W); see `Classifier.score`.

        Raises
        ------
        ModelError
            If the network can't take such volumes or returns something else than its card says,
            or is asked for a gradient that it hasn't.
        """
        return self._scores(x, (find_target(self.name, self.card.targets, target),))[0]

    def all_scores(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores of all targets, in their order, from one run: (targets, N)."""
        return torch.stack(self._scores(x, self.card.targets))

    def _scores(self, x: torch.Tensor, targets: tuple[CardTarget, ...]) -> list[torch.Tensor]:
        given = self.card.input(x)
        returned = self._run(given)
        litres = given[0, 0].numel() * self.grid.voxel_litres
        scores = [self.card.output.score(returned, target, litres) for target in targets]
        if scores[0].shape != (len(x),):
            raise ModelError(
                f"{self.name} returned {len(scores[0])} scores for {len(x)} volume(s); the first "
                f"dimension of its output must be the batch."
            )
        return scores

    def _run(self, given: torch.Tensor) -> Any:
        with naming_faults(self.name, f"an input of {tuple(given.shape)}", _SHAPES):
            with torch.inference_mode(False):  # weights moved in it could never give a gradient
                self.network.to(given.device)
            return self.network(given)
