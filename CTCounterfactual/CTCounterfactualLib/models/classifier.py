"""What every classifier offers: a grid it wants, named targets, and a differentiable score."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Protocol

import torch

from ..scans.grid import GridSpec, PreparedScan
from .targets import Target as Target
from .targets import find_target as find_target

NO_GRADIENT = (
    "{name} is a black box: ONNX gives scores but no gradients, and counterfactual search needs "
    "the gradient. Use methods that need none (occlusion, responsibility maps), or give the same "
    "network as TorchScript, torch.export or a Python file."
)


class Rescorer(Protocol):
    """Score of one volume with some slices replaced."""

    def __call__(self, changed: torch.Tensor, start: int) -> float:
        """Return the score with slices [start, start + n) replaced by `changed`.

        Parameters
        ----------
        changed : torch.Tensor
            (n, 1, H, W), 0..1.
        start : int
            First replaced slice; all others are those of the volume that the rescorer was made for.
        """


class ClassifierLike(Protocol):
    """What an object needs to be explained; `Classifier`, a base class, has the rest as well.

    Its optional attributes and methods are those of `Classifier`: `name`, `description`, `sha256`,
    `differentiable`, `rescorer`, `for_scan`, `warnings`, `find_target`.
    """

    @property
    def grid(self) -> GridSpec:
        """What its volumes look like."""

    @property
    def targets(self) -> tuple[Target, ...]:
        """The first is the default."""

    def score(self, x: torch.Tensor, target: str | None = None) -> torch.Tensor:
        """Return the target's score of each volume; see `Classifier.score`."""


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
        """Return the target of this name, label or code; see `models.targets`."""
        return find_target(self.name, self.targets, name)

    @property
    def target_names(self) -> list[str]:
        """The names of all targets."""
        return [target.name for target in self.targets]


class WholeRescorer:
    """Score the whole volume each time, in a copy of its own: right for every classifier.

    Parameters
    ----------
    classifier : Classifier
        Ready for the scan.
    x : torch.Tensor
        (1, 1, D, H, W), 0..1; not changed.
    target : str or None
        As in `Classifier.score`.
    """

    def __init__(self, classifier: Classifier, x: torch.Tensor, target: str | None):
        self._classifier = classifier
        self._target = target
        self._volume = x

    def __call__(self, changed: torch.Tensor, start: int) -> float:
        """Return the score with slices replaced; see `Rescorer`."""
        # A new copy each time: whatever a classifier does to it is gone at the next call.
        volume = self._volume.clone()
        # (n, 1, H, W) -> (1, n, H, W): slices become the D axis of the one volume
        volume[0, :, start : start + len(changed)] = changed.transpose(0, 1)
        return float(self._classifier.score(volume, self._target)[0])
