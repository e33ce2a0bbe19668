"""A classifier's score as a PyTorch module, for what looks for layers in it."""

from __future__ import annotations

import torch
from torch import nn

from ...models.guarded.borrowed import networks_of
from ..method import Request
from .tools import scorer


class ScoreModule(nn.Module):
    """Volumes (N, 1, K, J, I) -> scores (N,); its layers are those of the classifier's networks."""

    def __init__(self, request: Request):
        super().__init__()
        inner = getattr(request.classifier, "inner", request.classifier)
        self.networks = nn.ModuleList(networks_of(inner))
        self._score = scorer(request)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the scores."""
        return self._score(x)
