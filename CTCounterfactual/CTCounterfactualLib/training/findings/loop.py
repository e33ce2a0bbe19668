"""The training loop of the findings demo, resumable from its checkpoint."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional as F

from ...errors import SettingsError
from ...models.classifiers.findings_network import FindingsNet
from ...scans.grid import GridSpec
from ..files import CHECKPOINT, LOG, append_row, read_checkpoint, replace_checkpoint, restore
from .batches import Batch, BatchSampler
from .calibrate import calibrate
from .examples import Example
from .findings_settings import FindingsSettings
from .losses import places_loss

logger = logging.getLogger(__name__)

TERMS = ("voxels", "overlap", "amount")
LOG_FIELDS = ("step", "seconds", *TERMS, *(f"{term} fooled" for term in TERMS))
# Half-widths, in voxels, over which a fooling change is smooth: noise, tissue, whole organs.
FOOLING_REACH = (0, 1, 3)
# The change is that of the gradient in units of its root mean square, cut off at this.
FOOLING_CUT = 3.0
# Share of the training over which it grows to its full size.
FOOLED_GROWING = 0.3
SETTLING_BATCHES = 80
# Gradients of missed findings are large, and meant; only what is far beyond is cut.
MOST_NORM = 20.0


class FindingsTrainer:
    """Train on examples; `run` continues from the folder's checkpoint if it has one.

    Each batch is used twice: as it is, and moved within `fooling_hu` towards where its loss rises,
    by the gradient that the first time gave. The labels stay. So the places come to depend little
    on densities, and the score's gradient is that of the amount within them.

    Source: Shafahi et al., "Adversarial Training for Free!", NeurIPS 2019; here the change is
    smooth, drawn anew for each batch, and used once.

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
        self.sampler = BatchSampler(examples, settings.seed + self.step)
        self.rng = np.random.default_rng(settings.seed + self.step + 1)

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
        self._settle()
        shifts = calibrate(self.net.eval(), self.sampler)
        logger.info("shifts of the places' logits: %s", shifts)
        return self.net

    def _settle(self) -> None:
        """Take the normalisations' statistics anew, over many batches and the last weights.

        Those gathered in training are of a few batches of few scans.
        """
        norms = [m for m in self.net.modules() if isinstance(m, torch.nn.BatchNorm3d)]
        for norm in norms:
            norm.reset_running_stats()
            norm.momentum = None  # the mean of all
        self.net.train()
        with torch.no_grad():
            for _ in range(SETTLING_BATCHES):
                self.net(GridSpec().window.to_unit(self.sampler.batch().hu))

    @property
    def done(self) -> float:
        """Share of the training that is done."""
        return self.step / self.settings.steps

    def _one_step(self) -> dict[str, float]:
        batch = self.sampler.batch()
        share = (self.done - self.settings.fooled_from) / FOOLED_GROWING
        most = self.settings.fooling_hu * min(1.0, share)
        batch.hu.requires_grad_(most > 0)
        terms = self._learn(batch)
        if most <= 0:
            return terms
        fooling = self._fooling(batch.hu, most)
        more = self._learn(Batch(fooling, batch.wanted, batch.known))
        return terms | {f"{name} fooled": value for name, value in more.items()}

    def _learn(self, batch: Batch) -> dict[str, float]:
        """Take one optimiser step; the batch's HU get their gradient if they ask for one."""
        self._set_rate()
        # In float32: in bfloat16, PyTorch 2.13 on a CPU gives gradients of convolutions of few
        # voxels that are wrong by as much as they are, or not finite.
        places = self.net(GridSpec().window.to_unit(batch.hu))
        terms = places_loss(places, batch, self.settings, self.done)
        self.optimiser.zero_grad(set_to_none=True)
        terms["total"].backward()
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), MOST_NORM)
        if norm.isfinite():  # a view of hardly anything can blow up through the normalisations
            self.optimiser.step()
        return {name: terms[name].item() for name in TERMS}

    def _fooling(self, hu: torch.Tensor, most: float) -> torch.Tensor:
        """Return volumes moved along the gradient of their loss, smoothly, within limits."""
        rng, window = self.rng, GridSpec().window
        reach = int(rng.choice(FOOLING_REACH))
        assert hu.grad is not None  # asked for in `_one_step`
        rise = hu.grad.nan_to_num(0.0, 0.0, 0.0)
        if reach:
            size = 2 * reach + 1
            rise = F.avg_pool3d(rise, size, 1, reach, count_include_pad=False)
        unit = rise / rise.square().mean((1, 2, 3, 4), keepdim=True).sqrt().clamp(min=1e-30)
        step = rng.uniform(0.0, most) / FOOLING_CUT
        moved = hu.detach() + step * unit.clamp(-FOOLING_CUT, FOOLING_CUT)
        return moved.clamp(window.low_hu, window.high_hu)

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
