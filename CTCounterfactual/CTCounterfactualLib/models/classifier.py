"""What every classifier offers: a grid it wants, named targets, and a differentiable score."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch

from ..errors import SettingsError
from ..scans.grid import GridSpec, PreparedScan
from .rescoring import Rescorer, WholeRescorer

NO_GRADIENT = (
    "{name} is a black box: ONNX gives scores but no gradients, and counterfactual search needs "
    "the gradient. Use methods that need none (occlusion, responsibility maps), or give the same "
    "network as TorchScript, torch.export or a Python file."
)


@dataclass(frozen=True)
class Target:
    """One output of a classifier.

    Parameters
    ----------
    name : str
        For people and for `--target`.
    unit : str
        Unit of its score: `L`, `probability`, `logit` ...
    code : str
        Its code in a classification (a phecode); `--target` takes it too.
    """

    name: str
    unit: str = ""
    code: str = ""

    @property
    def label(self) -> str:
        """The name with the code, as lists show it: "Pleurisy; pleural effusion [507]"."""
        return f"{self.name} [{self.code}]" if self.code else self.name


class Classifier(ABC):
    """A model that gives a scalar score per target of a prepared volume.

    Attributes
    ----------
    name, description, sha256 : str
        For lists and provenance; `sha256` is empty for a model without weights.
    grid : GridSpec
        What its volumes look like.
    targets : tuple of Target
        The first is the default.
    differentiable : bool
        Whether `score` has a gradient; a black box (ONNX) has none, and no counterfactuals.
    """

    name: str
    description: str
    sha256: str = ""
    grid: GridSpec
    targets: tuple[Target, ...]
    differentiable: bool = True

    @abstractmethod
    def score(self, x: torch.Tensor, target: str | None = None) -> torch.Tensor:
        """Return the target's score of each volume, differentiable in `x`.

        Parameters
        ----------
        x : torch.Tensor
            (N, 1, D, H, W), 0..1, on this classifier's prepared grid; D grows to Superior.
        target : str, optional
            Name of a target; default: the first.

        Returns
        -------
        torch.Tensor
            (N,), in the target's unit.
        """

    def rescorer(self, x: torch.Tensor, target: str | None = None) -> Rescorer:
        """Return a function that scores `x` with some slices replaced.

        The same numbers as `score`, up to rounding. The default scores the whole volume each time;
        a classifier that can keep what the other slices gave returns something faster.

        Parameters
        ----------
        x : torch.Tensor
            (1, 1, D, H, W), 0..1: the unchanged volume.
        target : str, optional
            As in `score`.
        """
        return WholeRescorer(self, x, target)

    def for_scan(self, prepared: PreparedScan) -> Classifier:
        """Return the classifier ready for one scan; most need nothing and return themselves.

        Raises
        ------
        ScanError
            If this classifier has nothing to say about such a scan.
        """
        return self

    def warnings(self) -> tuple[tuple[str, str], ...]:
        """Return (name, message) pairs on why the score of this scan deserves less trust."""
        return ()

    def find_target(self, name: str | None) -> Target:
        """Return the target of this name, code or label (any case), or the first for None.

        Raises
        ------
        SettingsError
            With the closest names if there is no such target.
        """
        if name is None:
            return self.targets[0]
        for target in self.targets:
            known = (target.name, target.label, target.code or target.name)
            if name.casefold() in (text.casefold() for text in known):
                return target
        raise SettingsError(
            f"Classifier {self.name} has no target {name!r}. {suggest(name, self.target_names)}"
        )

    @property
    def target_names(self) -> list[str]:
        """The names of all targets."""
        return [target.name for target in self.targets]


def suggest(name: str, known: list[str]) -> str:
    """Return a sentence that names the known names, closest first, at most five."""
    import difflib

    close = difflib.get_close_matches(name, known, n=5, cutoff=0.4) or known[:5]
    more = "" if len(close) == len(known) else f" ({len(known)} in all)"
    return f"Choose one of: {', '.join(close)}{more}."
