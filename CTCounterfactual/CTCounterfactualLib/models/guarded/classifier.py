"""Classifiers that others wrote: any object with the interface, held to what it promises."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import nn

from ...errors import ModelError
from ...scans.grid import GridSpec, PreparedScan
from ..classifier import Classifier, Rescorer, WholeRescorer
from ..classifiers.effusion import EffusionDemo
from ..classifiers.lung_size import LungSize
from ..classifiers.lung_volume import LungVolume
from ..classifiers.phecodes import Phecodes
from ..faults import NO_GRADIENT_TO_TAKE, NO_PROBABILITY, naming_faults
from ..targets import PROBABILITY, Target
from .calling import describe, ordinary_tensors, tensor_of, wants_gradient

# Of this project: known not to write into their input, so they need no copy. Not their subclasses.
_OURS = (LungVolume, EffusionDemo, LungSize, Phecodes)
# A sum of probabilities may be so much above 1.
ROUNDING = 1e-3
_SHAPES = "Does it take volumes (N, 1, D, H, W) of any number of slices on its own `grid`?"
_INTERFACE = (
    "expected a name of the catalogue, the path of a card, or an object with score(x, target), "
    "`grid` (a GridSpec) and `targets` (Targets), as `models.classifier.ClassifierLike` says"
)


def guarded_classifier(classifier: Any) -> Classifier:
    """Return a classifier that the engine can rely on: ours as it is, any other guarded.

    Raises
    ------
    ModelError
        If it isn't one; says what is missing.
    """
    if type(classifier) in _OURS or isinstance(classifier, GuardedClassifier):
        return classifier
    require_classifier(classifier)
    return GuardedClassifier(classifier)


def require_classifier(classifier: Any) -> Any:
    """Return an object; raise `ModelError` unless it has a classifier's interface."""
    if isinstance(classifier, type):
        raise ModelError(
            f"The class {classifier.__name__} was given as a classifier; make an object of it: "
            f"{classifier.__name__}(...)."
        )
    if not callable(getattr(classifier, "score", None)):
        hint = " Give a network of your own by a card." if isinstance(classifier, nn.Module) else ""
        raise ModelError(f"A {type(classifier).__name__} is no classifier; {_INTERFACE}.{hint}")
    name = type(classifier).__name__
    grid, targets = (getattr(classifier, field, None) for field in ("grid", "targets"))
    if not isinstance(grid, GridSpec):
        raise ModelError(f"The `grid` of classifier {name} is {describe(grid)}; {_INTERFACE}.")
    if not (
        isinstance(targets, tuple | list)
        and targets
        and all(isinstance(target, Target) for target in targets)
    ):
        raise ModelError(
            f"The `targets` of classifier {name} are {describe(targets)}, not one or more "
            f"Targets; {_INTERFACE}."
        )
    return classifier


class GuardedClassifier(Classifier):
    """Calls a classifier with a copy of its input, checks its scores, and tells its faults.

    The copy costs the memory of one prepared volume while the model runs.

    Parameters
    ----------
    inner : object
        With the interface of `ClassifierLike`.
    """

    def __init__(self, inner: Any):
        self.inner = inner
        self.name = str(getattr(inner, "name", None) or type(inner).__name__)
        self.description = str(getattr(inner, "description", None) or "")
        self.sha256 = str(getattr(inner, "sha256", None) or "")
        self.grid = inner.grid
        self.targets = tuple(inner.targets)
        self.differentiable = bool(getattr(inner, "differentiable", True))

    def __getattr__(self, name: str) -> Any:
        if name == "inner":  # before __init__, as when it is copied
            raise AttributeError(name)
        return getattr(self.inner, name)

    def score(self, x: torch.Tensor, target: str | None = None) -> torch.Tensor:
        """Return the target's score of each volume; see `Classifier.score`.

        Raises
        ------
        ModelError
            That names the classifier and what to mend in it.
        """
        gradient = wants_gradient(x)
        with ordinary_tensors(gradient), self._naming_faults(x):
            scores = self.inner.score(x.clone(), target)
        scores = self._checked(scores, x)
        if gradient:  # once a run
            if not scores.requires_grad:
                raise ModelError(f"Classifier {self.name}: {NO_GRADIENT_TO_TAKE}")
            self._check_range(scores.detach(), target)
        return scores

    def find_target(self, name: str | None) -> Target:
        """Return the target of this name, label or code; see `Classifier.find_target`."""
        own = getattr(type(self.inner), "find_target", Classifier.find_target)
        if own is Classifier.find_target:
            return super().find_target(name)
        with naming_faults(f"Classifier {self.name}", f"target {name!r}", _SHAPES):
            return self.inner.find_target(name)

    def rescorer(self, x: torch.Tensor, target: str | None = None) -> Rescorer:
        """Return a function that scores `x` with slices replaced; see `Classifier.rescorer`."""
        own = getattr(type(self.inner), "rescorer", Classifier.rescorer)
        if own is Classifier.rescorer:
            return WholeRescorer(self, x, target)
        with ordinary_tensors(False), self._naming_faults(x):
            rescore = self.inner.rescorer(x.clone(), target)

        def guarded(changed: torch.Tensor, start: int) -> float:
            with ordinary_tensors(False), self._naming_faults(changed):
                return float(rescore(changed.clone(), start))

        return guarded

    def for_scan(self, prepared: PreparedScan) -> Classifier:
        """Return the classifier ready for one scan; see `Classifier.for_scan`."""
        own = getattr(type(self.inner), "for_scan", Classifier.for_scan)
        if own is Classifier.for_scan:
            return self
        with ordinary_tensors(False), naming_faults(f"Classifier {self.name}", "for_scan", _SHAPES):
            ready = self.inner.for_scan(replace(prepared, volume=prepared.volume.copy()))
        return self if ready is self.inner else guarded_classifier(ready)

    def warnings(self) -> tuple[tuple[str, str], ...]:
        """Return (name, message) pairs; see `Classifier.warnings`."""
        if not hasattr(self.inner, "warnings"):
            return ()
        pairs = "Its warnings() must return pairs (name, message)."
        with naming_faults(f"Classifier {self.name}", "warnings()", pairs):
            return tuple((str(name), str(message)) for name, message in self.inner.warnings())

    def _check_range(self, scores: torch.Tensor, target: str | None) -> None:
        """Raise `ModelError` for a probability beyond 0..1."""
        wanted = self.find_target(target)
        beyond = (scores < -ROUNDING) | (scores > 1 + ROUNDING)  # NaN is neither
        if wanted.unit == PROBABILITY and bool(beyond.any()):
            raise ModelError(
                f"Classifier {self.name} gives {float(scores[beyond][0]):.4g} for {wanted.name}. "
                f"{NO_PROBABILITY}"
            )

    def _naming_faults(self, x: torch.Tensor):
        return naming_faults(f"Classifier {self.name}", f"an input of {tuple(x.shape)}", _SHAPES)

    def _checked(self, scores: Any, x: torch.Tensor) -> torch.Tensor:
        """Return (N,) floats on the device of `x`."""
        who = f"Classifier {self.name}"
        wanted = f"one score a volume, ({len(x)},),"
        scores = tensor_of(scores, who, wanted, x)
        if scores.shape != (len(x),):
            raise ModelError(
                f"{who} returned scores of shape {tuple(scores.shape)} for {len(x)} volume(s); "
                f"expected ({len(x)},). Return the wanted target's column only."
            )
        return scores
