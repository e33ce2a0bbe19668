"""How to explain the cases of a cohort, and what a result is made of."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from ..counterfactual.settings import ExplainSettings
from ..errors import SettingsError
from ..methods.registry import LATENT_SHIFT, find_method
from ..models.entry import DEFAULT_AUTOENCODER, DEFAULT_CLASSIFIER
from ..storage.sizes import BYTES_PER_GB
from ..trust.registry import QUICK, find_test

# What is kept of a case's folder: everything; pictures, tables and the record; the record alone.
ALL, FIGURES, ONLY_RECORDS = "all", "figures", "records"
KEEPS = (ALL, FIGURES, ONLY_RECORDS)
# A case that takes longer hangs, rather: the longest measured took a quarter of that.
CASE_TIMEOUT_S = 3600.0
# On each worker, of scans that were fetched from a store.
CACHE_BYTES = int(20 * BYTES_PER_GB)
QUICK_TESTS = "quick"


@dataclass(frozen=True)
class CohortSettings:
    """How to explain the cases of a cohort.

    Parameters
    ----------
    classifier, autoencoder : str
        Catalogue names, or cards; a card is a path that every worker can read.
    target : str or None
        Where the manifest names none; None: the classifier's first.
    settings : ExplainSettings
        As for `explain`; its `chunk` is the first of `chunks`.
    method, method_options
        As for `explain`.
    region : str or None
        Where the manifest names none: a mask, or `auto`.
    chunks : tuple of int
        Chunk sizes, prepared slices. The result in a case's folder has the settings' own default
        if it is among them, else the first; of the others the searches of chunks are kept.
    keep : str
        What of a case's folder: `all`, `figures` or `records`.
    scene, report : bool
        Write `scene.mrb` and `report.html` into each folder.
    metrics : bool
        Measure each result, also where neither mask nor clean scan is known.
    tests : tuple of str
        Tests of `trust`; `quick` stands for those that are.
    stress : bool
        Put into each scan what the classifier should ignore.
    assume_hu : bool
        Go on although values don't look like HU.
    trust_code : bool
        Workers may run code of own models.
    case_timeout_s : float
        Seconds after which a case is given up; 0: never.
    cache_bytes : int
        Most bytes of fetched scans that a worker keeps.
    """

    classifier: str = DEFAULT_CLASSIFIER
    target: str | None = None
    autoencoder: str = DEFAULT_AUTOENCODER
    settings: ExplainSettings = field(default_factory=ExplainSettings)
    method: str = LATENT_SHIFT
    method_options: dict[str, Any] = field(default_factory=dict)
    region: str | None = None
    chunks: tuple[int, ...] = ()
    keep: str = ALL
    scene: bool = False
    report: bool = False
    metrics: bool = False
    tests: tuple[str, ...] = ()
    stress: bool = False
    assume_hu: bool = False
    trust_code: bool = False
    case_timeout_s: float = CASE_TIMEOUT_S
    cache_bytes: int = CACHE_BYTES

    def __post_init__(self) -> None:
        if self.keep not in KEEPS:
            raise SettingsError(f"Keep is {self.keep!r}; choose one of {', '.join(KEEPS)}.")
        if not 0 <= self.case_timeout_s < float("inf"):
            raise SettingsError(
                f"The case timeout is {self.case_timeout_s} s; give seconds, or 0 for none."
            )
        chunks = tuple(dict.fromkeys(self.chunks)) or (self.settings.chunk,)
        for size in chunks:
            replace(self.settings, chunk=size)  # says what is wrong with it
        object.__setattr__(self, "chunks", chunks)
        object.__setattr__(self, "settings", replace(self.settings, chunk=self._main_chunk()))
        tests = [name for one in self.tests for name in (QUICK if one == QUICK_TESTS else (one,))]
        for name in tests:
            find_test(name)
        object.__setattr__(self, "tests", tuple(dict.fromkeys(tests)))
        find_method(self.method).with_options(self.method_options)
        self._check_method()

    def _main_chunk(self) -> int:
        usual = ExplainSettings.chunk
        return usual if usual in self.chunks else self.chunks[0]

    def _check_method(self) -> None:
        if len(self.chunks) > 1 and (not self.counterfactual or self.settings.mode == "whole"):
            raise SettingsError(
                f"{len(self.chunks)} chunk sizes are given, and there are no chunks with the "
                f"method {self.method} in mode {self.settings.mode!r}: give one size."
            )
        if not self.counterfactual and self.region:
            raise SettingsError(
                f"The method {self.method} makes no use of a region, which only {LATENT_SHIFT} "
                f"has. Leave it out."
            )

    @property
    def counterfactual(self) -> bool:
        """Whether the method makes one."""
        return self.method == LATENT_SHIFT

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        plain = {n: list(v) if isinstance(v, tuple) else v for n, v in values.items()}
        return {**plain, "settings": self.settings.to_dict()}
