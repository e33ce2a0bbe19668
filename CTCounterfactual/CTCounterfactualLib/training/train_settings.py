"""Settings of a training run; each default is written here and nowhere else."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from functools import partial

from ..checked import built, check_limits, shown, take_types
from ..errors import SettingsError
from ..limits import ABOVE_0, COUNT, FRACTION, POSITIVE, SEED
from ..models.vqgan.config import VQGANConfig
from .augment import AugmentSettings
from .codebook import EMA, GRADIENT
from .losses import LossWeights
from .perceptual.perceptual import CHOICES, NONE

UPDATES = (GRADIENT, EMA)


@dataclass(frozen=True)
class TrainSettings:
    """How to train a slice VQ-GAN.

    Parameters
    ----------
    config : VQGANConfig
        Sizes of the network.
    steps, batch, crop : int
        Optimiser steps, crops a step, side of a crop in pixels.
    learning_rate, discriminator_rate : float
        Peak rates of the two Adam optimisers; the first decays to zero along a cosine.
    warmup : int
        Steps over which the rate rises from zero; 0: it doesn't.
    average : float
        Decay of the running average of the weights; the average is what is saved for use.
    latent_noise : float
        Standard deviation of noise added to unit-length latents before decoding, so that the
        decoder also knows the neighbourhood of its codes, where Latent Shift goes.
    restart_every : int
        Codes not used since the last check, that many steps ago, restart at a random latent.
    codebook_update : str
        How codes move: `gradient` of the codebook loss, or `ema`, running means of their latents.
    accumulate : int
        Parts that a step's batch is worked off in, one after the other, to save memory. (The
        adversary's spectral norms are estimated anew in each part.)
    perceptual : str
        A loss of `perceptual.CHOICES`.
    perceptual_weights : str
        Its weights, where it needs some: a file for `lpips`, a backbone's name or card for `ct`.
    panels : int
        Crops in the picture that goes with each checkpoint; 0: none.
    bfloat16 : bool
        Run forward and backward in mixed precision.
    """

    config: VQGANConfig = field(default_factory=VQGANConfig)
    steps: int = 6000
    batch: int = 8
    crop: int = 128
    learning_rate: float = 4e-4
    discriminator_rate: float = 2e-4
    warmup: int = 100
    average: float = 0.995
    latent_noise: float = 0.1
    restart_every: int = 50
    codebook_update: str = GRADIENT
    accumulate: int = 1
    perceptual: str = NONE
    perceptual_weights: str = ""
    panels: int = 4
    bfloat16: bool = True
    seed: int = 0
    log_every: int = 50
    checkpoint_every: int = 250
    losses: LossWeights = field(default_factory=LossWeights)
    augment: AugmentSettings = field(default_factory=AugmentSettings)

    def __post_init__(self) -> None:
        take_types(self)
        check_limits(
            self,
            steps=POSITIVE,
            batch=POSITIVE,
            crop=POSITIVE,
            learning_rate=ABOVE_0,
            discriminator_rate=ABOVE_0,
            warmup=COUNT,
            average=FRACTION,
            latent_noise=COUNT,
            restart_every=POSITIVE,
            accumulate=POSITIVE,
            panels=COUNT,
            seed=SEED,
            log_every=POSITIVE,
            checkpoint_every=POSITIVE,
        )
        if self.codebook_update not in UPDATES:
            raise SettingsError(
                f"Setting codebook_update is {shown(self.codebook_update)}; it must be "
                f"{' or '.join(UPDATES)}."
            )
        if self.perceptual not in CHOICES:
            raise SettingsError(
                f"Setting perceptual is {shown(self.perceptual)}; it must be one of "
                f"{', '.join(CHOICES)}."
            )
        if self.crop % self.config.factor:
            raise SettingsError(
                f"Setting crop is {self.crop}; it must be a multiple of the network's "
                f"{self.config.factor} pixels a latent."
            )

    @classmethod
    def from_dict(cls, values: dict) -> TrainSettings:
        """Build from a card's `training`; raise `SettingsError` naming unknown fields."""
        return built(
            cls,
            values,
            config=VQGANConfig.from_dict,
            losses=partial(built, LossWeights),
            augment=partial(built, AugmentSettings),
        )

    def to_dict(self) -> dict:
        """Return plain JSON values for the model card."""
        return {**asdict(self), "config": self.config.to_dict()}
