"""The training of the effusion demo: one step, and its losses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from ...errors import SettingsError
from ...models.classifiers.effusion import EffusionNet
from ..loop import Loop, set_rate
from ..machine import alone
from .augment import Batch, BatchSampler
from .effusion_settings import EffusionSettings
from .examples import Example

TERMS = ("scan", "site", "accuracy")
RATE_FLOOR, MOST_NORM = 0.01, 1.0
# A 12 mm site with this share of fluid is a full one: thin layers count.
FULL_SITE = 1 / 3
# Sites with fluid are few; they weigh this much more.
FLUID_SITE_WEIGHT = 8.0


class EffusionTrainer(Loop[EffusionNet]):
    """Train on examples; `run` continues from the folder's checkpoint if it has one.

    Parameters
    ----------
    examples : list of Example
        What to draw from.
    settings : EffusionSettings
        What to train and how.
    folder : path
        Gets `checkpoint.pt` (tensors and numbers only) and `losses.csv`.
    start : EffusionNet, optional
        Weights to start from, instead of random ones.
    """

    terms = TERMS

    def __init__(
        self,
        examples: list[Example],
        settings: EffusionSettings,
        folder: Path,
        start: EffusionNet | None = None,
    ):
        super().__init__(settings, folder, alone())
        self.settings = settings
        self.net = EffusionNet(settings.config)
        if start is not None:
            if start.config != settings.config:
                raise SettingsError(
                    f"The weights to start from are of {start.config}, the settings ask for "
                    f"{settings.config}; give the same `config`."
                )
            self.net.load_state_dict(start.state_dict())
        self.optimiser = torch.optim.AdamW(
            self.net.parameters(), lr=settings.learning_rate, weight_decay=settings.weight_decay
        )
        self._begin()
        self.sampler = BatchSampler(
            examples, settings.generated_share, self.first_seed, settings.augment
        )

    def parts(self) -> dict[str, Any]:
        return {"net": self.net, "optimiser": self.optimiser}

    def generators(self) -> Sequence[np.random.Generator]:
        return (self.sampler.rng,)

    def result(self) -> EffusionNet:
        return self.net.eval()

    def _one_step(self) -> dict[str, float]:
        s = self.settings
        set_rate(self.optimiser, self._rate(s.learning_rate, s.warmup, RATE_FLOOR))
        self.net.train()
        batch = self.sampler.batch(s.batch)
        evidence = self.net.evidence(batch.x)
        logit = self.net.logit(evidence)
        scan, site = scan_loss(logit, batch), site_loss(evidence, batch)
        self.optimiser.zero_grad(set_to_none=True)
        (scan + s.site_weight * site).backward()
        self._descend(self.optimiser, list(self.net.parameters()), MOST_NORM)
        known = ~batch.label.isnan()
        right = ((logit > 0) == (batch.label > 0.5))[known].float().mean()
        return {"scan": scan.item(), "site": site.item(), "accuracy": right.item()}


def scan_loss(logit: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Return the cross entropy of the scans' logits (N,); scans without a label don't count."""
    known = ~batch.label.isnan()
    if not known.any():
        return logit.sum() * 0.0
    return F.binary_cross_entropy_with_logits(logit[known], batch.label[known])


def site_loss(evidence: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Return the cross entropy of the evidence (N, 1, D', H', W') with the fluid at its sites."""
    depth, height, width = evidence.shape[-3:]
    covered = F.adaptive_avg_pool3d(batch.fluid, (depth, height, width))
    wanted = (covered / FULL_SITE).clamp(max=1.0)
    weight = 1.0 + FLUID_SITE_WEIGHT * wanted
    losses = F.binary_cross_entropy_with_logits(evidence, wanted, weight, reduction="none")
    return losses.sum() / weight.sum()
