"""Settings of training the findings demo; each default is written here and nowhere else."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from functools import partial

from ...checked import built, check_limits, take_types
from ...limits import ABOVE_0, COUNT, POSITIVE, SEED
from ...models.classifiers.findings_network import FindingsConfig


@dataclass(frozen=True)
class FindingsSettings:
    """What the findings demo is trained on, and how.

    Parameters
    ----------
    config : FindingsConfig
        Sizes of the network.
    generated : int
        Generated chests.
    variants : int
        Painted examples of a whole real chest; short scans, generated chests and single slices get
        a part of them.
    steps : int
        Optimiser steps.
    learning_rate, weight_decay : float
        Peak rate of AdamW (decays along a cosine), and its decay of weights.
    warmup : int
        Steps over which the rate rises from zero; 0: it doesn't.
    found_share : tuple of float
        Weight of all voxels with a finding against all without, at the start and at the end. They
        are few: with a high weight they are found soon, and then much else is taken for them.
    overlap_weight : float
        Weight of the loss of overlap (Dice) against the voxels'.
    """

    config: FindingsConfig = field(default_factory=FindingsConfig)
    generated: int = 24
    variants: int = 160
    steps: int = 18000
    learning_rate: float = 3e-3
    weight_decay: float = 1e-3
    warmup: int = 100
    found_share: tuple[float, float] = (1.0, 0.1)
    overlap_weight: float = 1.0
    seed: int = 0
    log_every: int = 50
    checkpoint_every: int = 200

    def __post_init__(self) -> None:
        take_types(self)
        check_limits(
            self,
            generated=COUNT,
            variants=POSITIVE,
            steps=POSITIVE,
            learning_rate=ABOVE_0,
            weight_decay=COUNT,
            warmup=COUNT,
            found_share=ABOVE_0,
            overlap_weight=COUNT,
            seed=SEED,
            log_every=POSITIVE,
            checkpoint_every=POSITIVE,
        )

    @classmethod
    def from_dict(cls, values: dict) -> FindingsSettings:
        """Build from a card's `training`; raise `SettingsError` naming unknown fields."""
        return built(cls, values, config=partial(built, FindingsConfig))

    def to_dict(self) -> dict:
        """Return plain JSON values for the model card."""
        return json.loads(json.dumps(asdict(self)))  # tuples as lists, as a card has them
