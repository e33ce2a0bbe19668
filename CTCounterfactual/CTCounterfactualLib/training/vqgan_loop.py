"""The training of the slice VQ-GAN: one step of network and adversary, averages, codes, panels."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ..errors import ModelError, SettingsError
from ..models.vqgan.network import VQGAN
from .augment import AugmentSettings, CropSampler
from .codebook import CodebookKeeper
from .discriminator import PatchDiscriminator
from .loop import Loop, set_rate
from .machine import Machine
from .panels import panel, write_panel
from .slices import SliceStack
from .start import Start
from .train_settings import TrainSettings
from .vqgan_losses import VQGANLosses

TERMS = (
    "pixel",
    "edge",
    "perceptual",
    "feature",
    "adversarial",
    "commitment",
    "codebook",
    "discriminator",
)
LOG_FIELDS = ("step", "seconds", *TERMS, "balance", "codes_used", "perplexity", "skipped")
ADAM_BETAS = (0.5, 0.9)  # as in VQ-GAN: little momentum, because the adversary moves
MOST_NORM = 1.0
RATE_FLOOR = 0.02
# The adversary warms up on the last steps without it, so that its features mean something.
JUDGE_WARMUP = 0.05
# Codes restart in this first share of the training only: later ones must settle.
REVIVAL_SHARE = 0.5

PANELS = "panels"
# Crops for pictures are neither turned nor disturbed.
STILL = AugmentSettings(
    rotation_deg=0,
    scale=1,
    stretch=1,
    warp_px=0,
    noise_hu=0,
    shift_hu=0,
    gain=0,
    blur_probability=0,
    mirror_probability=0,
)


class Trainer(Loop[VQGAN]):
    """Train a VQ-GAN on slice stacks; `run` continues from the folder's checkpoint if it has one.

    Parameters
    ----------
    stacks : list of SliceStack
        Training slices.
    settings : TrainSettings
        What to train and how.
    folder : path
        Gets `checkpoint.pt` (tensors and plain values only), `losses.csv`, and with each checkpoint
        a picture in `panels`.
    start : Start, optional
        Weights to start from, instead of random ones.
    device : str
        Where networks and batches are, as torch names it; crops are drawn on the CPU.

    Raises
    ------
    SettingsError
        If the weights to start from are of other sizes than the settings, or the batch can't be
        divided among processes and parts.
    ModelError
        If the folder's checkpoint is of another training.
    """

    terms = TERMS

    def __init__(
        self,
        stacks: list[SliceStack],
        settings: TrainSettings,
        folder: Path,
        start: Start | None = None,
        device: str = "cpu",
    ):
        super().__init__(settings, folder, Machine(device, settings.bfloat16))
        self.settings = settings
        self._own_batch()
        self.net = VQGAN(settings.config)
        self.started_from = start.told.get("sha256", "") if start else ""
        if start is not None:
            if start.network.config != settings.config:
                raise SettingsError(
                    f"The weights to start from are of {start.network.config}, the settings ask "
                    f"for {settings.config}; give the same `config`, or none."
                )
            self.net.load_state_dict(start.network.state_dict(), strict=True)
        self.device = self.machine.device
        self.net.to(self.device)
        self.judge = PatchDiscriminator().to(self.device)
        self.codebook = CodebookKeeper(self.net.quantize, settings.codebook_update, self.machine)
        self.average = copy.deepcopy(self.net).requires_grad_(False)
        self._learning = [p for p in self.net.parameters() if p.requires_grad]
        self.net_optimiser = torch.optim.Adam(
            self._learning, lr=settings.learning_rate, betas=ADAM_BETAS
        )
        self.judge_optimiser = torch.optim.Adam(
            self.judge.parameters(), lr=settings.discriminator_rate, betas=ADAM_BETAS
        )
        self.losses = VQGANLosses(self.net, self.judge, self.codebook, settings, self.machine)
        self._begin()
        self.sampler = CropSampler(stacks, settings.crop, settings.seed, settings.augment)
        # The same crops in all pictures; another sampler, so that the training's draws stay.
        shown = CropSampler(stacks, settings.crop, settings.seed, STILL)
        self._shown = shown.batch(settings.panels) if settings.panels else None

    def parts(self) -> dict[str, Any]:
        names = ("net", "average", "judge", "net_optimiser", "judge_optimiser")
        return {name: getattr(self, name) for name in names}

    def generators(self) -> Sequence[np.random.Generator]:
        return ()  # crops are functions of the step

    def told(self) -> dict[str, Any]:
        # Not among the parts, so that checkpoints of earlier versions can be gone on from.
        return {"started_from": self.started_from, "codes": self.codebook.state_dict()}

    def accept(self, state: dict[str, Any]) -> None:
        # Else the card would tell of weights that had no part in it, or be silent of some.
        if state.get("started_from", "") != self.started_from:
            raise ModelError(
                f"The training in {self.folder} began from other weights than are given now (or "
                f"none); give the same to start from, or train in another folder."
            )
        if "codes" in state:
            self._restore_codes(state["codes"])

    def logged(self) -> dict[str, Any]:
        return {
            "balance": f"{self.losses.balance:.4g}",
            "codes_used": self.codebook.used,
            "perplexity": f"{self.codebook.perplexity:.1f}",
        }

    @property
    def fields(self) -> tuple[str, ...]:
        return LOG_FIELDS

    def result(self) -> VQGAN:
        return copy.deepcopy(self.average).eval().to("cpu")

    def _restore_codes(self, state: dict[str, Any]) -> None:
        try:
            self.codebook.load_state_dict(state)
        except (RuntimeError, TypeError, AttributeError) as error:
            raise ModelError(
                f"The checkpoint in {self.folder} doesn't fit these settings (codebook_update, or "
                f"n_embed). Give those that it was written with, or train in another folder."
            ) from error

    def _own_batch(self) -> int:
        """Return how many crops a part of a step has in this process."""
        s, parts = self.settings, self.settings.accumulate * self.machine.processes
        if s.batch % parts:
            raise SettingsError(
                f"Setting batch is {s.batch}; it must be a multiple of {parts}: "
                f"{self.machine.processes} process(es), {s.accumulate} part(s) a step."
            )
        return s.batch // parts

    def _one_step(self) -> dict[str, float]:
        s = self.settings
        share = s.batch // self.machine.processes
        first = self.step * s.batch + self.machine.number * share
        real = self.sampler.crops(range(first, first + share)).to(self.device)
        noise = self.machine.share(self._noise())
        set_rate(self.net_optimiser, self._rate(s.learning_rate, s.warmup, RATE_FLOOR))
        adversarial = self.step >= s.losses.adversarial_start * s.steps
        own = self._own_batch()
        parts = real.split(own)
        self.net_optimiser.zero_grad(set_to_none=True)
        sums: dict[str, torch.Tensor] = {}
        found = []
        for part, its_noise in zip(parts, noise.split(own), strict=True):
            drawn = self.losses.drawn(part, its_noise, adversarial)
            (self.losses.total(drawn.terms) / len(parts)).backward()
            _add(sums, drawn.terms, len(parts))
            found.append((drawn.decoded.detach(), drawn.latents))
        self._recent_latents = torch.cat([latents for _, latents in found])
        if self._descend(self.net_optimiser, self._learning, MOST_NORM):
            self._update_average()
        if self.step >= (s.losses.adversarial_start - JUDGE_WARMUP) * s.steps:
            sums["discriminator"] = self._train_judge(parts, [decoded for decoded, _ in found])
        return {name: float(self.machine.mean(term.detach())) for name, term in sums.items()}

    def _noise(self) -> torch.Tensor:
        """Return unit noise for the latents of all processes, drawn alike in each."""
        config, side = self.settings.config, self.settings.crop // self.settings.config.factor
        return torch.randn(self.settings.batch, config.embed_dim, side, side)

    def _train_judge(
        self, real: Sequence[torch.Tensor], decoded: Sequence[torch.Tensor]
    ) -> torch.Tensor:
        self.judge_optimiser.zero_grad(set_to_none=True)
        total = torch.zeros((), device=self.device)
        for true, fake in zip(real, decoded, strict=True):
            loss = self.losses.judged(true, fake) / len(real)
            loss.backward()
            total += loss.detach()
        self._descend(self.judge_optimiser, list(self.judge.parameters()), float("inf"))
        return total

    @torch.no_grad()
    def _update_average(self) -> None:
        decay = min(self.settings.average, (1 + self.step) / (10 + self.step))
        for kept, new in zip(self.average.parameters(), self.net.parameters(), strict=True):
            kept.lerp_(new, 1 - decay)

    def _after_step(self) -> None:
        """Move unused codes onto latents of the last batch; in the first half of training only."""
        if self.step % self.settings.restart_every:
            return
        unused = self.codebook.look()
        if self.step <= REVIVAL_SHARE * self.settings.steps and len(unused):
            latents = self.machine.joined(self._recent_latents)
            self.codebook.revive(unused, latents, self.average.quantize)

    @torch.no_grad()
    def _saved(self) -> None:
        """Draw how the averaged network draws now."""
        if self._shown is None or not self.machine.writes:
            return
        real = self._shown.to(self.device)
        drawn = self.average.decode(self.average.encode(real * 2 - 1))
        picture = panel(real, (drawn + 1) / 2)
        write_panel(self.folder / PANELS / f"step_{self.step:07d}.png", picture)


def _add(sums: dict[str, torch.Tensor], terms: dict[str, torch.Tensor], parts: int) -> None:
    """Add a part's terms to their means over the parts."""
    for name, term in terms.items():
        mean = term.detach() / parts
        sums[name] = sums[name] + mean if name in sums else mean
