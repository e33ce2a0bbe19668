"""How to train a linear probe."""

from __future__ import annotations

from dataclasses import dataclass

from ..checked import check_settings, take_types
from ..limits import ABOVE_0, SEED, Limit
from ..models.backbones.pooling import BOTH, MAXIMUM, MEAN
from ..setting import setting

POOLING_WORDS = {
    MEAN: "the mean over all places: how much there is",
    MAXIMUM: "the maximum: that it is anywhere",
    BOTH: "both",
}


@dataclass(frozen=True)
class ProbeSettings:
    """How features are pooled, and how the probe is fitted and tried.

    Raises
    ------
    SettingsError
        Naming the setting, its value and what is allowed.
    """

    pooling: str = setting(
        MEAN, "how the backbone's maps become features", "Pooling", choices=POOLING_WORDS
    )
    strength: float | None = setting(
        None,
        "how strongly large weights are punished; none: chosen by validation within the training",
        "Strength",
        limit=ABOVE_0,
    )
    folds: int = setting(
        5, "parts in which patients take turns to be tested on", "Folds", limit=Limit(2)
    )
    seed: int = setting(0, "of the parts and of the interval", "Seed", limit=SEED)

    def __post_init__(self) -> None:
        take_types(self)
        check_settings(self)
