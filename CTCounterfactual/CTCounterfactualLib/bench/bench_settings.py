"""How to explain the cases of a bench."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..counterfactual.settings import ExplainSettings
from ..errors import SettingsError
from ..methods.registry import LATENT_SHIFT
from ..models.entry import DEFAULT_AUTOENCODER


@dataclass(frozen=True)
class BenchRun:
    """How to explain the cases of a bench.

    Parameters
    ----------
    classifier : str or None
        A catalogue name, a card, or `ideal`; None: the finding's own, see `models.OF_FINDING`.
    target : str or None
        None: that of the finding's name if the classifier has one, else its first.
    autoencoder : str
        Catalogue name or card.
    settings : ExplainSettings
        As for `explain`.
    method : str
        A name of `methods.registry`; others than Latent Shift give a map and no counterfactual.
    method_options : dict
        Its own.
    region : str or None
        Mask outside which nothing changes: a path, or a file's name within each case's folder, such
        as `lungs.nrrd`.
    reversal : bool
        Explain each counterfactual the other way, too.
    only : tuple of str
        Patterns (`*`, `?`) of cases or findings; empty: all.
    scene : bool
        Write a scene for Slicer into each result.
    """

    classifier: str | None = None
    target: str | None = None
    autoencoder: str = DEFAULT_AUTOENCODER
    settings: ExplainSettings = field(default_factory=ExplainSettings)
    method: str = LATENT_SHIFT
    method_options: dict[str, Any] = field(default_factory=dict)
    region: str | None = None
    reversal: bool = False
    only: tuple[str, ...] = ()
    scene: bool = False

    def __post_init__(self) -> None:
        if self.counterfactual:
            return
        for name in ("region", "reversal", "scene"):
            if getattr(self, name):
                raise SettingsError(
                    f"The method {self.method} makes no counterfactual: leave {name} out."
                )

    @property
    def counterfactual(self) -> bool:
        """Whether the method makes one."""
        return self.method == LATENT_SHIFT

    def decisive(self) -> dict[str, Any]:
        """Return plain JSON values of all that a result depends on."""
        return {
            "classifier": self.classifier,
            "target": self.target,
            "autoencoder": self.autoencoder,
            "region": self.region,
            "method": self.method,
            "method_options": self.method_options,
            **self.settings.to_dict(),
        }
