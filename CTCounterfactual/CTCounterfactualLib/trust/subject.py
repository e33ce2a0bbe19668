"""The explanation under test, and a way to explain again with one thing changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from time import perf_counter
from typing import Any

import numpy as np

from ..counterfactual.direction import gain
from ..counterfactual.engine import explain
from ..counterfactual.region import Region
from ..counterfactual.result import Explanation
from ..counterfactual.settings import ExplainSettings
from ..evaluation.by_model import on_prepared
from ..events import Reporter
from ..methods.attribute import attribute
from ..methods.attribution import Attribution
from ..methods.registry import LATENT_SHIFT
from ..metrics.likeness import likeness
from ..models.autoencoder import AutoencoderLike
from ..models.classifier import ClassifierLike
from ..models.entry import DEFAULT_AUTOENCODER
from ..scans.grid import PreparedScan, prepare
from ..scans.scan import Scan


@dataclass(frozen=True)
class Again:
    """An explanation made anew.

    Parameters
    ----------
    values : numpy.ndarray
        (K, J, I) of the first one's prepared grid: change in HU, or the map.
    result : Explanation or Attribution
        All of it.
    """

    values: np.ndarray
    result: Explanation | Attribution

    @property
    def gain(self) -> float | None:
        """How far the score moved the wanted way; None of a map."""
        return self.result.gain if isinstance(self.result, Explanation) else None


@dataclass
class Subject:
    """What is tested, with the very models that made it.

    Parameters
    ----------
    result : Explanation or Attribution
        The explanation under test.
    classifier, autoencoder : ClassifierLike, AutoencoderLike or None
        Loaded; the same objects serve each run. None: a map that used no autoencoder.
    settings : ExplainSettings
        As it was made.
    reporter : Reporter
        Its `check` ends the work on a cancel.
    cancel : CancelToken
        The same, for the explanations within.
    region : Region, optional
        That the explanation was restricted to.
    truth : numpy.ndarray, optional
        (K, J, I) of the prepared grid, bool: the finding, if it is known.
    second : tuple of (ClassifierLike, str or None)
        Further classifiers to be asked, with their targets.
    run_seconds : list of float
        What each explanation took that was made anew.
    """

    result: Explanation | Attribution
    classifier: ClassifierLike
    autoencoder: AutoencoderLike | None
    settings: ExplainSettings
    reporter: Reporter
    cancel: Any
    region: Region | None = None
    truth: np.ndarray | None = None
    second: tuple[tuple[Any, str | None], ...] = ()
    run_seconds: list[float] = field(default_factory=list)
    _kept: dict[Any, Again] = field(default_factory=dict)

    @cached_property
    def prepared(self) -> PreparedScan:
        """The scan on the classifier's grid."""
        return prepare(self.result.scan, self.classifier.grid, self.reporter.check)

    @cached_property
    def values(self) -> np.ndarray:
        """The explanation on the prepared grid: (K, J, I), HU or the map's own unit."""
        return on_prepared(self.prepared, self.result)

    @property
    def spacing(self) -> tuple[float, float, float]:
        """(I, J, K) mm of the prepared grid."""
        return self.prepared.spec.spacing

    @property
    def counterfactual(self) -> bool:
        """Whether it is a counterfactual, not a map."""
        return isinstance(self.result, Explanation)

    @property
    def seconds(self) -> float:
        """What the explanation itself took."""
        if isinstance(self.result, Explanation):
            return self.result.timing.total
        return self.result.seconds["total"]

    @property
    def original(self) -> float:
        """The score of the scan."""
        return (
            self.result.scores.original
            if isinstance(self.result, Explanation)
            else self.result.score
        )

    @property
    def gain(self) -> float:
        """How far the counterfactual's score lies the wanted way."""
        assert isinstance(self.result, Explanation)
        scores = self.result.scores
        return gain(self.settings.direction, scores.original, scores.counterfactual)

    def like(self, values: np.ndarray) -> dict[str, float]:
        """Return how alike a map on the prepared grid is to the explanation; see `likeness`."""
        return likeness(self.values, values, self.prepared.body, self.spacing)

    def again(
        self,
        scan: Scan | None = None,
        key: Any = None,
        region: Region | None = None,
        method: str | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> Again:
        """Explain once more, with what is given in place of what was.

        Parameters
        ----------
        scan : Scan, optional
            Another scan in the same place.
        key : optional
            Under which the run is kept, so that two tests share it; None: it isn't.
        region : Region, optional
            Instead of the explanation's own.
        method : str, optional
            Another method, with its own defaults.
        settings : mapping, optional
            Those of `ExplainSettings` that differ.
        """
        if key is not None and key in self._kept:
            return self._kept[key]
        self.reporter.check()
        mode = "chunks" if self.settings.mode == "chunks" else "whole"
        plain = {"mode": mode, "frames": 0, "region_controls": False}
        changed = replace(self.settings, **{**plain, **(settings or {})})
        started = perf_counter()
        made = self._explain(scan or self.result.scan, changed, region, method)
        self.run_seconds.append(perf_counter() - started)
        found = Again(on_prepared(self.prepared, made), made)
        if key is not None:
            self._kept[key] = found
        return found

    def _explain(
        self, scan: Scan, settings: ExplainSettings, region: Region | None, method: str | None
    ) -> Explanation | Attribution:
        name = self.result.target.name
        options: Mapping[str, Any] = {}
        if method is None and isinstance(self.result, Attribution):
            method, options = self.result.method.name, self.result.method.options
        autoencoder = DEFAULT_AUTOENCODER if self.autoencoder is None else self.autoencoder
        if method is None or method == LATENT_SHIFT:
            return explain(
                scan,
                self.classifier,
                name,
                autoencoder,
                settings,
                cancel=self.cancel,
                region=region or self.region,
            )
        made = attribute(
            scan,
            method,
            self.classifier,
            name,
            options,
            autoencoder,
            settings,
            cancel=self.cancel,
        )
        self.reporter.check()  # half a map would be compared as a whole one
        return made
