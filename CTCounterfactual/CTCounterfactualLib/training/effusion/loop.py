"""The training loop of the effusion demo, resumable from its checkpoint."""

from __future__ import annotations

import logging
import math
import time
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional as F

from ...errors import SettingsError
from ...models.classifiers.effusion import EffusionNet
from ..files import CHECKPOINT, LOG, append_row, read_checkpoint, replace_checkpoint, restore
from .augment import Batch, BatchSampler
from .effusion_settings import EffusionSettings
from .examples import Example

logger = logging.getLogger(__name__)

LOG_FIELDS = ("step", "seconds", "scan", "site", "accuracy")
# A 12 mm site with this share of fluid is a full one: thin layers count.
FULL_SITE = 1 / 3
# Sites with fluid are few; they weigh this much more.
FLUID_SITE_WEIGHT = 8.0


class EffusionTrainer:
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

    def __init__(
        self,
        examples: list[Example],
        settings: EffusionSettings,
        folder: Path,
        start: EffusionNet | None = None,
    ):
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
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
        self.step = 0
        self._load_checkpoint()
        # A resumed run must not see the first run's examples again.
        self.sampler = BatchSampler(
            examples, settings.generated_share, settings.seed + self.step, settings.augment
        )

    def run(self, on_step=None) -> EffusionNet:
        """Train to the last step and return the network in eval mode.

        `on_step(step, steps)` is called after each step; an exception it raises (a cancel) leaves
        the last checkpoint in place.
        """
        s = self.settings
        started = time.monotonic()
        self.net.train()
        while self.step < s.steps:
            terms = self._one_step()
            self.step += 1
            if self.step % s.log_every == 0:
                self._log(terms, time.monotonic() - started)
            if self.step % s.checkpoint_every == 0 or self.step == s.steps:
                self._save_checkpoint()
            if on_step is not None:
                on_step(self.step, s.steps)
        return self.net.eval()

    def _one_step(self) -> dict[str, float]:
        s = self.settings
        self._set_rate()
        batch = self.sampler.batch(s.batch)
        evidence = self.net.evidence(batch.x)
        logit = self.net.logit(evidence)
        scan, site = scan_loss(logit, batch), site_loss(evidence, batch)
        self.optimiser.zero_grad(set_to_none=True)
        (scan + s.site_weight * site).backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.optimiser.step()
        known = ~batch.label.isnan()
        right = ((logit > 0) == (batch.label > 0.5))[known].float().mean()
        return {"scan": scan.item(), "site": site.item(), "accuracy": right.item()}

    def _set_rate(self) -> None:
        s = self.settings
        warm = min(1.0, (self.step + 1) / max(s.warmup, 1))
        cosine = 0.5 * (1 + math.cos(math.pi * self.step / s.steps))
        for group in self.optimiser.param_groups:
            group["lr"] = s.learning_rate * warm * max(cosine, 0.01)

    def _log(self, terms: dict[str, float], seconds: float) -> None:
        row: dict[str, Any] = {"step": self.step, "seconds": round(seconds, 1)}
        row |= {name: f"{value:.5f}" for name, value in terms.items()}
        append_row(self.folder / LOG, LOG_FIELDS, row)
        logger.info("step %d: %s", self.step, row)

    def _save_checkpoint(self) -> None:
        state = {
            "step": self.step,
            "net": self.net.state_dict(),
            "optimiser": self.optimiser.state_dict(),
        }
        replace_checkpoint(self.folder / CHECKPOINT, state)

    def _load_checkpoint(self) -> None:
        path = self.folder / CHECKPOINT
        parts = {"net": self.net, "optimiser": self.optimiser}
        state = read_checkpoint(path, tuple(parts))
        if state is None:
            return
        restore(path, parts, state)
        self.step = state["step"]
        logger.info("resumed at step %d", self.step)


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
