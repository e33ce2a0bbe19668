"""Settings of training the effusion demo; each default is written here and nowhere else."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from functools import partial

from ...checked import built, check_limits, take_types
from ...errors import SettingsError
from ...limits import ABOVE_0, COUNT, FRACTION, POSITIVE, SEED
from ...models.classifiers.effusion import EffusionConfig
from .augment_settings import AugmentSettings


@dataclass(frozen=True)
class EffusionSettings:
    """What the effusion demo is trained on, and how.

    Parameters
    ----------
    config : EffusionConfig
        Sizes of the network.
    generated : int
        Generated chests (each with and without its own effusion).
    variants : int
        Painted and distractor variants of a whole real chest; short ones get a quarter of them,
        generated chests two each.
    generated_share : float
        Share of examples drawn from generated chests.
    ml : tuple of float
        Least and greatest fluid of one side; drawn evenly on a logarithmic scale.
    steps, batch : int
        Optimiser steps, volumes a step.
    learning_rate, weight_decay : float
        Peak rate of AdamW (decays along a cosine), and its decay of weights.
    warmup : int
        Steps over which the rate rises from zero; 0: it doesn't.
    site_weight : float
        Weight of the loss at the sites, where the painted fluid is known, against the scan's.
    """

    config: EffusionConfig = field(default_factory=EffusionConfig)
    generated: int = 32
    variants: int = 48
    generated_share: float = 0.4
    ml: tuple[float, float] = (20.0, 1500.0)
    steps: int = 1800
    batch: int = 8
    learning_rate: float = 3e-3
    weight_decay: float = 1e-3
    warmup: int = 50
    site_weight: float = 2.0
    augment: AugmentSettings = field(default_factory=AugmentSettings)
    seed: int = 0
    log_every: int = 25
    checkpoint_every: int = 100

    def __post_init__(self) -> None:
        take_types(self)
        check_limits(
            self,
            generated=COUNT,
            variants=COUNT,
            generated_share=FRACTION,
            ml=ABOVE_0,
            steps=POSITIVE,
            batch=POSITIVE,
            learning_rate=ABOVE_0,
            weight_decay=COUNT,
            warmup=COUNT,
            site_weight=COUNT,
            seed=SEED,
            log_every=POSITIVE,
            checkpoint_every=POSITIVE,
        )
        if self.ml[0] > self.ml[1]:
            raise SettingsError(f"Setting ml is {self.ml}; give least and greatest mL, above 0.")

    @classmethod
    def from_dict(cls, values: dict) -> EffusionSettings:
        """Build from a card's `training`; raise `SettingsError` naming unknown fields."""
        return built(
            cls,
            values,
            config=partial(built, EffusionConfig),
            augment=partial(built, AugmentSettings),
        )

    def to_dict(self) -> dict:
        """Return plain JSON values for the model card."""
        return json.loads(json.dumps(asdict(self)))  # tuples as lists, as a card has them
