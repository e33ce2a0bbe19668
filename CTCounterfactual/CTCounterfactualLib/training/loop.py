"""The training loop of the slice VQ-GAN, resumable from its checkpoint."""

from __future__ import annotations

import copy
import logging
import math
import time
from pathlib import Path
from typing import Any

import torch

from ..errors import ModelError, SettingsError
from ..models.vqgan.network import VQGAN
from . import losses
from .augment import CropSampler
from .discriminator import PatchDiscriminator
from .files import CHECKPOINT, LOG, append_row, read_checkpoint, replace_checkpoint, restore
from .slices import SliceStack
from .start import Start
from .train_settings import TrainSettings

logger = logging.getLogger(__name__)

LOG_FIELDS = (
    "step",
    "seconds",
    "pixel",
    "edge",
    "feature",
    "adversarial",
    "commitment",
    "codebook",
    "discriminator",
    "codes_used",
)
ADAM_BETAS = (0.5, 0.9)  # as in VQ-GAN: little momentum, because the adversary moves


class Trainer:
    """Train a VQ-GAN on slice stacks; `run` continues from the folder's checkpoint if it has one.

    Parameters
    ----------
    stacks : list of SliceStack
        Training slices.
    settings : TrainSettings
        What to train and how.
    folder : path
        Gets `checkpoint.pt` (tensors and plain values only) and `losses.csv`.
    start : Start, optional
        Weights to start from, instead of random ones.
    device : str
        Where networks and batches are, as torch names it; crops are drawn on the CPU.

    Raises
    ------
    SettingsError
        If the weights to start from are of other sizes than the settings.
    ModelError
        If the folder's checkpoint is of another training.
    """

    def __init__(
        self,
        stacks: list[SliceStack],
        settings: TrainSettings,
        folder: Path,
        start: Start | None = None,
        device: str = "cpu",
    ):
        torch.manual_seed(settings.seed)
        self.settings = settings
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.net = VQGAN(settings.config)
        self.started_from = start.told.get("sha256", "") if start else ""
        if start is not None:
            if start.network.config != settings.config:
                raise SettingsError(
                    f"The weights to start from are of {start.network.config}, the settings ask "
                    f"for {settings.config}; give the same `config`, or none."
                )
            self.net.load_state_dict(start.network.state_dict(), strict=True)
        self.device = torch.device(device)
        self.net.to(self.device)
        self.judge = PatchDiscriminator().to(self.device)
        self.average = copy.deepcopy(self.net).requires_grad_(False)
        self.net_optimiser = torch.optim.Adam(
            self.net.parameters(), lr=settings.learning_rate, betas=ADAM_BETAS
        )
        self.judge_optimiser = torch.optim.Adam(
            self.judge.parameters(), lr=settings.discriminator_rate, betas=ADAM_BETAS
        )
        self.step = 0
        self._codes_used = 0
        self.code_used = torch.zeros(settings.config.n_embed, dtype=torch.bool)
        self._load_checkpoint()
        # A resumed run must not see the first run's crops again.
        self.sampler = CropSampler(
            stacks, settings.crop, settings.seed + self.step, settings.augment
        )

    def run(self, on_step=None) -> VQGAN:
        """Train to the last step; return the averaged network, in eval mode, on the CPU.

        `on_step(step, steps)` is called after each step; an exception it raises (a cancel) leaves
        the last checkpoint in place.
        """
        started = time.monotonic()
        while self.step < self.settings.steps:
            terms = self._one_step()
            self.step += 1
            if self.step % self.settings.restart_every == 0:
                self._restart_unused_codes()
            if self.step % self.settings.log_every == 0:
                self._log(terms, time.monotonic() - started)
            if self.step % self.settings.checkpoint_every == 0 or self.step == self.settings.steps:
                self._save_checkpoint()
            if on_step is not None:
                on_step(self.step, self.settings.steps)
        return self.average.eval().to("cpu")

    def _one_step(self) -> dict[str, float]:
        s, weights = self.settings, self.settings.losses
        real = self.sampler.batch(s.batch).to(self.device)
        self._set_rate()
        adversarial = self.step >= weights.adversarial_start * s.steps
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=s.bfloat16):
            decoded, commitment, codebook = self._autoencode(real)
            terms = {
                "pixel": losses.pixel_loss(decoded, real),
                "edge": losses.edge_loss(decoded, real),
                "commitment": commitment,
                "codebook": codebook,
            }
            if adversarial:
                fake, true = self.judge(decoded), self.judge(real)
                terms["feature"] = losses.feature_loss(fake, true)
                terms["adversarial"] = losses.generator_loss(fake)
            total = sum(getattr(weights, name) * term for name, term in terms.items())
        self.net_optimiser.zero_grad(set_to_none=True)
        total.backward()
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), 1.0)
        self.net_optimiser.step()
        self._update_average()
        # The judge warms up on the last pixels-only steps, so that its features mean something.
        if self.step >= (weights.adversarial_start - 0.05) * s.steps:
            terms["discriminator"] = self._train_judge(real, decoded.detach())
        return {name: float(term.detach()) for name, term in terms.items()}

    def _autoencode(self, real: torch.Tensor):
        """Encode, quantise with a straight-through gradient, and decode a batch in 0..1."""
        latents = self.net.quantize.project(self.net.encode_continuous(real * 2 - 1).float())
        indices = self.net.quantize.indices(latents.detach())
        self.code_used[indices.flatten().cpu()] = True
        codes = self.net.quantize.lookup(indices)
        self._recent_latents = latents.detach()
        commitment, codebook = losses.quantisation_losses(latents, codes)
        straight = latents + (codes - latents).detach()
        # Divided by the root of a code's dimension, so that the noise's length is `latent_noise`.
        scale = self.settings.latent_noise / self.net.quantize.embedding.embedding_dim**0.5
        straight = straight + scale * torch.randn_like(straight)
        return (self.net.decode(straight).float() + 1) / 2, commitment, codebook

    def _train_judge(self, real: torch.Tensor, decoded: torch.Tensor) -> torch.Tensor:
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.settings.bfloat16):
            loss = losses.discriminator_loss(self.judge(decoded), self.judge(real))
        self.judge_optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.judge_optimiser.step()
        return loss

    def _set_rate(self) -> None:
        s = self.settings
        warm = min(1.0, (self.step + 1) / max(s.warmup, 1))
        cosine = 0.5 * (1 + math.cos(math.pi * self.step / s.steps))
        for group in self.net_optimiser.param_groups:
            group["lr"] = s.learning_rate * warm * max(cosine, 0.02)

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.settings.average, (1 + self.step) / (10 + self.step))
        for kept, new in zip(self.average.parameters(), self.net.parameters(), strict=True):
            kept.lerp_(new, 1 - decay)

    @torch.no_grad()
    def _restart_unused_codes(self) -> None:
        """Move unused codes onto latents of the last batch; in the first half of training only."""
        unused = (~self.code_used).nonzero().flatten()
        self._codes_used = int(self.code_used.sum())
        self.code_used.zero_()
        if self.step > self.settings.steps / 2 or not len(unused):
            return
        pool = self.net.quantize.vectors(self._recent_latents)
        pick = torch.randint(len(pool), (len(unused),))
        for network in (self.net, self.average):
            network.quantize.embedding.weight[unused] = pool[pick]

    def _log(self, terms: dict[str, float], seconds: float) -> None:
        row: dict[str, Any] = {
            "step": self.step,
            "seconds": round(seconds, 1),
            "codes_used": self._codes_used,
        }
        row |= {name: f"{value:.5f}" for name, value in terms.items()}
        append_row(self.folder / LOG, LOG_FIELDS, row)
        logger.info("step %d: %s", self.step, row)

    def _save_checkpoint(self) -> None:
        state = {
            "step": self.step,
            "started_from": self.started_from,
            "net": self.net.state_dict(),
            "average": self.average.state_dict(),
            "judge": self.judge.state_dict(),
            "net_optimiser": self.net_optimiser.state_dict(),
            "judge_optimiser": self.judge_optimiser.state_dict(),
        }
        replace_checkpoint(self.folder / CHECKPOINT, state)

    def _load_checkpoint(self) -> None:
        path = self.folder / CHECKPOINT
        names = ("net", "average", "judge", "net_optimiser", "judge_optimiser")
        state = read_checkpoint(path, names)
        if state is None:
            return
        # Else the card would tell of weights that had no part in it, or be silent of some.
        if state.get("started_from", "") != self.started_from:
            raise ModelError(
                f"The training in {self.folder} began from other weights than are given now (or "
                f"none); give the same to start from, or train in another folder."
            )
        restore(path, {name: getattr(self, name) for name in names}, state)
        self.step = state["step"]
        logger.info("resumed at step %d", self.step)
