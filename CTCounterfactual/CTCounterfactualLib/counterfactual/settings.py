"""Settings of one explanation; each default is written here and nowhere else."""

from __future__ import annotations

import math
import re
from dataclasses import asdict, dataclass, fields
from itertools import pairwise

from ..checked import SEED, check_choices, check_limits, take_types
from ..errors import SettingsError
from ..wording import say
from .direction import DIRECTIONS

MODES = ("whole", "chunks", "both")
SEARCHES = ("adaptive", "reference")
BASELINES = ("scan", "reconstruction")
CHANGE_SCOPES = ("region", "volume")
COMPOSITES = ("bounded", "residual")
DEVICES = ("auto", "cpu", "cuda")
# Beyond this a change would no longer tell which slices it belongs to.
MAX_SMOOTHING = 5.0
# Each frame costs a decoding of the whole volume; an animation looks smooth long before this.
MAX_FRAMES = 60
# Labels are bytes: 0, the levels of decreases, then those of increases.
MAX_LEVELS = 127


@dataclass(frozen=True)
class ExplainSettings:
    """How to search for a counterfactual.

    Parameters
    ----------
    mode : str
        `whole`: all slices move together, one consistent volume. `chunks`: each chunk alone, all
        others fixed, which tells where the evidence is. `both`.
    chunk : int
        Slices of the prepared grid in a chunk (3 mm each with the default grid).
    direction : str
        `decrease` or `increase` the score.
    search : str
        `adaptive`: aim at the change limit, look back, keep the best; three or four evaluations
        where the score falls all the way. `reference`: the paper's fixed ladder and stop rules.
    baseline : str
        `scan`: the change is added to the scan. `reconstruction`: the paper's D(z + lambda g).
    composite : str
        How the change is added to the scan; see `counterfactual.composite`.
    slice_smoothing : float
        Standard deviation, in prepared slices, by which the change is smoothed from slice to slice
        before it is added to the scan; 0 for none.
    max_change : float
        Greatest sum |x - x'| / sum |x| in 0..1 intensities.
    change_scope : str or None
        What `max_change` is relative to: the edited `region` (the slices that move, and of these
        what lies in the mask, if the run has one) or the whole `volume` (the paper). None takes
        the search's own: region for `adaptive`, volume for `reference`.
    target_score : float or None
        Stop as soon as the score is at or beyond this; None goes as far as `max_change` allows.
    max_evaluations : int
        Most classifier evaluations of one adaptive search.
    level_edges : tuple of float
        Heatmap levels, at most 127: |change| in HU at which each begins; see
        `counterfactual.heatmap`.
    frames : int
        Volumes of the lambda animation between scan and counterfactual; 0: none.
    device : str
        `auto` takes CUDA where there is one.
    seed : int
        Seed of everything random (a run on the CPU is deterministic anyhow).

    Raises
    ------
    SettingsError
        Naming the setting, its value and what is allowed.
    """

    mode: str = "both"
    chunk: int = 10
    direction: str = "decrease"
    search: str = "adaptive"
    baseline: str = "scan"
    composite: str = "bounded"
    slice_smoothing: float = 1.0
    max_change: float = 0.05
    change_scope: str | None = None
    target_score: float | None = None
    max_evaluations: int = 12
    level_edges: tuple[float, ...] = (10.0, 25.0, 50.0, 100.0, 200.0)
    frames: int = 3
    device: str = "auto"
    seed: int = 0

    def __post_init__(self) -> None:
        take_types(self, say)
        object.__setattr__(self, "level_edges", tuple(float(e) for e in self.level_edges))
        check_choices(
            self, say, mode=MODES, direction=DIRECTIONS, search=SEARCHES, baseline=BASELINES,
            composite=COMPOSITES, change_scope=(None, *CHANGE_SCOPES),
        )
        if self.device not in DEVICES and not re.fullmatch(r"cuda:\d+", self.device):
            raise self._refused("device", f"choose one of {', '.join(DEVICES)} or cuda:N.")
        if self.target_score is not None and not math.isfinite(self.target_score):
            raise self._refused("target_score", "give a finite score, or none.")
        if self.chunk < 1:
            raise self._refused("chunk", "it must be 1 slice or more.")
        if not 0 < self.max_change <= 1:
            raise self._refused("max_change", "it is a fraction above 0, at most 1 (0.05 is 5 %).")
        if not 0 <= self.slice_smoothing <= MAX_SMOOTHING:
            raise self._refused("slice_smoothing", f"choose 0 (none) to {MAX_SMOOTHING:g} slices.")
        if self.max_evaluations < 2:
            raise self._refused("max_evaluations", "a search needs at least 2.")
        if not 0 <= self.frames <= MAX_FRAMES:
            raise self._refused("frames", f"choose 0 (none) to {MAX_FRAMES} volumes.")
        edges = self.level_edges
        rising = all(low < high for low, high in pairwise((0.0, *edges)))
        if not edges or not rising or not math.isfinite(edges[-1]):
            raise self._refused(
                "level_edges", "give rising HU values above 0, such as 10, 25, 50, 100, 200."
            )
        if len(edges) > MAX_LEVELS:
            raise self._refused("level_edges", f"give at most {MAX_LEVELS} levels.")
        check_limits(self, say, seed=SEED)

    def _refused(self, name: str, allowed: str) -> SettingsError:
        """Return the error for a setting that isn't what is allowed."""
        return SettingsError(f"Setting {say(name)} is {getattr(self, name)!r}; {allowed}")

    @property
    def scope(self) -> str:
        """The change scope in force: `change_scope`, or the search's own."""
        return self.change_scope or ("region" if self.search == "adaptive" else "volume")

    @property
    def clipped(self) -> bool:
        """Whether the decoder's pictures are cut to 0..1 before anything is made of them.

        A change that joins the scan: yes, because what a picture shows beyond black and white
        nobody sees, and the scan has no room for it. The paper's D(z + lambda g), baseline
        `reconstruction`: no, it is scored as it is. The gradient is that of what is scored.
        """
        return self.baseline == "scan"

    def to_dict(self) -> dict:
        """Return plain JSON values, as they were set; see `scope` for a `change_scope` of None."""
        return {**asdict(self), "level_edges": list(self.level_edges)}

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of all settings."""
        return tuple(field.name for field in fields(cls))
