"""What an explanation consists of: scores, searches, volumes on the scan's grid, warnings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..scans.scan import Scan
from ..wording import worded
from .aim import Aim
from .direction import gain
from .outcome import Outcome as Outcome
from .plausible import Plausibility
from .region_search import RegionSearch
from .search.found import SearchPoint as SearchPoint  # scripts look for it here
from .settings import ExplainSettings

# Shown on everything that leaves the program.
DISCLAIMER = "Model behaviour, not a diagnosis"


@dataclass(frozen=True)
class ModelInfo:
    """Which model was used.

    Parameters
    ----------
    name : str
        Name in the catalogue, or the card's own.
    sha256 : str
        Digest of its weights; empty for a model without weights.
    description : str
        One line for a person.
    """

    name: str
    sha256: str = ""
    description: str = ""


@dataclass(frozen=True)
class TargetInfo:
    """Which of a classifier's outputs is explained.

    Parameters
    ----------
    name, unit : str
        Of its score: `L`, `probability`, ...
    threshold, negatives : float or None
        Where its decision lies; see `models.targets.Target`.
    """

    name: str
    unit: str = ""
    threshold: float | None = None
    negatives: float | None = None


@dataclass(frozen=True)
class Scores:
    """The three scores that belong together.

    Parameters
    ----------
    original : float
        f(x): of the scan.
    reconstruction : float
        f(D(E(x))): of the autoencoder's picture of it, with nothing changed.
    counterfactual : float
        Of the counterfactual volume as it is written, prepared and scored again like a new scan.
    """

    original: float
    reconstruction: float
    counterfactual: float


@dataclass(frozen=True)
class Flag:
    """A named warning: why this explanation deserves less trust, in plain words."""

    name: str
    message: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", worded(self.message))


@dataclass(frozen=True)
class HeatLevel:
    """One label of a heatmap.

    Parameters
    ----------
    label : int
        Voxel value in the label map.
    name : str
        For people: "decrease 10-25 HU".
    low_hu, high_hu : float
        The level's range of signed change in HU (infinite at the outermost levels). The edge
        nearer to 0 belongs to the level: 10 <= change < 25, and -25 < change <= -10.
    """

    label: int
    name: str
    low_hu: float
    high_hu: float


@dataclass(frozen=True)
class ChunkHeatmap:
    """The label map of one chunk, cropped to its slab.

    Parameters
    ----------
    start, stop : int
        Slices [start, stop) of the prepared grid.
    image : SimpleITK.Image
        uint8 labels on a cut-out of the scan's own grid (its geometry says where it lies).
    """

    start: int
    stop: int
    image: sitk.Image


@dataclass(frozen=True)
class PreparedInfo:
    """The grid that the models saw: its number of slices, and its spacing (I, J, K) in mm."""

    slices: int
    spacing: tuple[float, float, float]


@dataclass(frozen=True)
class Frame:
    """One volume on the way from the scan to the counterfactual.

    Parameters
    ----------
    fraction : float
        Share of each found lambda, between 0 (the scan) and 1 (the counterfactual), both excluded.
    score : float
        Score there, on the prepared grid as in a search.
    image : SimpleITK.Image
        HU, of the scan's own type: a cut-out of the scan's own grid around what changed, perhaps
        with every n-th row and column only; its geometry says where it lies. All frames share one
        grid.
    """

    fraction: float
    score: float
    image: sitk.Image


@dataclass(frozen=True)
class Timing:
    """Seconds spent encoding; decoding, scoring and on gradients; on searches; and in total."""

    encode: float
    gradient: float
    search: float
    total: float


@dataclass(frozen=True)
class Explanation:
    """A finished explanation of one scan; volumes lie on the scan's own grid.

    Parameters
    ----------
    scan, prepared : Scan, PreparedInfo
        The input, and the grid on which the models saw it.
    counterfactual : numpy.ndarray
        (K, J, I), HU, of the scan's own type, and to the bit the scan where nothing changed.
    difference : numpy.ndarray
        (K, J, I), HU: counterfactual minus scan; int16, or of the scan's type where that has
        fractions.
    heatmap : numpy.ndarray
        (K, J, I), uint8: labels of `levels`; of the chunks together where chunks were searched,
        else of the whole counterfactual.
    chunk_heatmaps : tuple of ChunkHeatmap
        One per chunk; empty in mode `whole`.
    levels : tuple of HeatLevel
        What each label means (0 is "no change").
    whole : Outcome or None
        The search over all slices together; None in mode `chunks`.
    chunks : tuple of Outcome
        The search over each chunk; empty in mode `whole`.
    flags : tuple of Flag
        Named warnings, empty if there are none.
    frames : tuple of Frame
        Volumes between scan and counterfactual, in that order; empty if none were asked for, or
        nothing changed.
    lungs : SimpleITK.Image or None
        uint8 mask of both lungs on the prepared grid; None if the scan shows none.
    region_name : str
        Name of the region that the changes were restricted to; empty without one.
    aim : Aim or None
        What the searches aimed at; None of a result of a version that didn't say.
    plausibility : Plausibility or None
        What the change made of the scan, in mL; None of a result of a version that didn't say.
    region_search : RegionSearch or None
        Of a region that the run found for itself, or that has controls.
    """

    scan: Scan
    prepared: PreparedInfo
    settings: ExplainSettings
    classifier: ModelInfo
    target: TargetInfo
    autoencoder: ModelInfo
    scores: Scores
    whole: Outcome | None
    chunks: tuple[Outcome, ...]
    counterfactual: np.ndarray
    difference: np.ndarray
    heatmap: np.ndarray
    chunk_heatmaps: tuple[ChunkHeatmap, ...]
    levels: tuple[HeatLevel, ...]
    flags: tuple[Flag, ...]
    timing: Timing
    peak_memory_mb: float
    versions: dict[str, str]
    device: str
    frames: tuple[Frame, ...] = ()
    lungs: sitk.Image | None = None
    region_name: str = ""
    aim: Aim | None = None
    plausibility: Plausibility | None = None
    region_search: RegionSearch | None = None

    @property
    def gain(self) -> float:
        """How far the written counterfactual's score lies the wanted way from the scan's."""
        return gain(self.settings.direction, self.scores.original, self.scores.counterfactual)
