"""The training loop of the findings demo, resumable from its checkpoint."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from ...errors import SettingsError
from ...models.classifiers.findings_network import FindingsNet
from ...models.classifiers.sites_unet import SitesUNet
from ...scans.grid import GridSpec
from ..files import CHECKPOINT, LOG, append_row, read_checkpoint, replace_checkpoint, restore
from .batches import BatchSampler
from .calibrate import calibrate
from .examples import Example
from .findings_settings import FindingsSettings
from .losses import places_loss
from .views import COARSE_LOOKS, FINE_LOOKS

logger = logging.getLogger(__name__)

TERMS = ("voxels", "overlap")
LOG_FIELDS = ("step", "seconds", *TERMS, *(f"{term} fine" for term in TERMS))
# The part for nodules is small and has one thing to learn: it learns in every second step.
FINE_EVERY = 2
# Gradients of missed findings are large, and meant; only what is far beyond is cut.
MOST_NORM = 20.0


class FindingsTrainer:
    """Train on examples; `run` continues from the folder's checkpoint if it has one.

    Parameters
    ----------
    examples : list of Example
        What to draw from.
    settings : FindingsSettings
        What to train and how.
    folder : path
        Gets `checkpoint.pt` (tensors and numbers only) and `losses.csv`.
    start : FindingsNet, optional
        Weights to start from, instead of random ones.
    """

    def __init__(
        self,
        examples: list[Example],
        settings: FindingsSettings,
        folder: Path,
        start: FindingsNet | None = None,
    ):
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.net = FindingsNet(settings.config)
        # Faster on a CPU by a third; the annotations of `to` leave this out.
        self.net.to(memory_format=torch.channels_last_3d)  # type: ignore[call-overload]
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
        first = settings.seed + self.step
        coarse = [example.coarse for example in examples]
        self.coarse = BatchSampler(coarse, COARSE_LOOKS, first)
        self.fine = BatchSampler(examples, FINE_LOOKS, first)

    def run(self, on_step: Callable[[int, int], None] | None = None) -> FindingsNet:
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
        self.net.eval()
        for part, sampler in ((self.net.coarse, self.coarse), (self.net.fine, self.fine)):
            shifts = calibrate(part, sampler)
            logger.info("shifts of the logits of %s: %s", ", ".join(sampler.looks.names), shifts)
        return self.net

    @property
    def done(self) -> float:
        """Share of the training that is done."""
        return self.step / self.settings.steps

    def _one_step(self) -> dict[str, float]:
        """Take one optimiser step; the part for nodules learns in some of them."""
        self._set_rate()
        self.optimiser.zero_grad(set_to_none=True)
        terms = self._add_gradient(self.net.coarse, self.coarse)
        if self.step % FINE_EVERY == 0:
            more = self._add_gradient(self.net.fine, self.fine)
            terms |= {f"{name} fine": value for name, value in more.items()}
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), MOST_NORM)
        self.optimiser.step()
        return terms

    def _add_gradient(self, part: SitesUNet, sampler: BatchSampler) -> dict[str, float]:
        # In float32: in bfloat16, PyTorch 2.13 on a CPU gives gradients of convolutions of few
        # voxels that are wrong by as much as they are, or not finite.
        batch = sampler.batch()
        logits = part(GridSpec().window.to_unit(batch.hu))
        terms = places_loss(logits, batch, self.settings, self.done)
        terms["total"].backward()
        return {name: terms[name].item() for name in TERMS}

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
