"""The training of the findings demo: one step of its two networks."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ...errors import SettingsError
from ...models.classifiers.findings_network import FindingsNet
from ...models.classifiers.sites_unet import SitesUNet
from ...scans.grid import GridSpec
from ..loop import Loop, set_rate
from ..machine import alone
from .batches import BatchSampler
from .calibrate import calibrate
from .examples import Example
from .findings_settings import FindingsSettings
from .losses import places_loss
from .views import COARSE_LOOKS, FINE_LOOKS

logger = logging.getLogger(__name__)

TERMS = ("voxels", "overlap")
RATE_FLOOR = 0.01
# The part for nodules is small and has one thing to learn: it learns in every second step.
FINE_EVERY = 2
# Gradients of missed findings are large, and meant; only what is far beyond is cut.
MOST_NORM = 20.0


class FindingsTrainer(Loop[FindingsNet]):
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

    terms = (*TERMS, *(f"{term} fine" for term in TERMS))

    def __init__(
        self,
        examples: list[Example],
        settings: FindingsSettings,
        folder: Path,
        start: FindingsNet | None = None,
    ):
        super().__init__(settings, folder, alone())
        self.settings = settings
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
        self._begin()
        coarse = [example.coarse for example in examples]
        self.coarse = BatchSampler(coarse, COARSE_LOOKS, self.first_seed)
        self.fine = BatchSampler(examples, FINE_LOOKS, self.first_seed)

    def parts(self) -> dict[str, Any]:
        return {"net": self.net, "optimiser": self.optimiser}

    def generators(self) -> Sequence[np.random.Generator]:
        return self.coarse.rng, self.fine.rng

    def result(self) -> FindingsNet:
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
        s = self.settings
        set_rate(self.optimiser, self._rate(s.learning_rate, s.warmup, RATE_FLOOR))
        self.net.train()
        self.optimiser.zero_grad(set_to_none=True)
        terms = self._add_gradient(self.net.coarse, self.coarse)
        if self.step % FINE_EVERY == 0:
            more = self._add_gradient(self.net.fine, self.fine)
            terms |= {f"{name} fine": value for name, value in more.items()}
        self._descend(self.optimiser, list(self.net.parameters()), MOST_NORM)
        return terms

    def _add_gradient(self, part: SitesUNet, sampler: BatchSampler) -> dict[str, float]:
        # In float32: in bfloat16, PyTorch 2.13 on a CPU gives gradients of convolutions of few
        # voxels that are wrong by as much as they are, or not finite.
        batch = sampler.batch()
        logits = part(GridSpec().window.to_unit(batch.hu))
        terms = places_loss(logits, batch, self.settings, self.done)
        terms["total"].backward()
        return {name: terms[name].item() for name in TERMS}
