"""What of a result becomes DICOM, the same for counterfactuals and other methods' maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import SimpleITK as sitk

from ... import __version__
from ...counterfactual.result import ChunkHeatmap, Explanation, Flag, ModelInfo, Outcome
from ...methods.attribution import Attribution
from ...methods.levels import strongest
from ...methods.registry import LATENT_SHIFT
from ...scans.scan import Scan
from ..pictures import change_limit
from .images import Band

# Colours of the weakest and of the strongest label, as `pictures.change_rgb` takes them.
WEAKEST, STRONGEST = 0.35, 0.85


@dataclass(frozen=True)
class Number:
    """A measurement: code, name, value and unit."""

    code: str
    name: str
    value: float
    unit: str


@dataclass(frozen=True)
class Group:
    """Measurements that belong together, such as those of a slab."""

    name: str
    numbers: tuple[Number, ...]


@dataclass(frozen=True)
class Layer:
    """A label map of its own, (K, J, I) uint8 on the scan's grid, made when it is asked for."""

    name: str
    bands: tuple[Band, ...]
    scan: Scan
    chunk: ChunkHeatmap | None = None
    mask: np.ndarray | None = None

    @property
    def labels(self) -> np.ndarray:
        """The labels."""
        if self.chunk is None:
            assert self.mask is not None
            return self.mask.astype(np.uint8)
        image = self.chunk.image
        whole = np.zeros(self.scan.array.shape, np.uint8)
        first = self.scan.image.TransformPhysicalPointToIndex(image.GetOrigin())
        ends = zip(first, image.GetSize(), strict=True)
        i, j, k = (slice(start, start + size) for start, size in ends)
        whole[k, j, i] = sitk.GetArrayViewFromImage(image)
        return whole


@dataclass(frozen=True)
class Content:
    """What is written, on the scan's own grid.

    Parameters
    ----------
    scan : Scan
    counterfactual : numpy.ndarray or None
        (K, J, I), HU; None of a method that makes none.
    values, values_name, values_unit, limit
        The change in HU, or a method's values: (K, J, I), what they are, their unit, and the size
        that is shown as strongest.
    labels, bands
        The heatmap, (K, J, I) uint8, and its labels.
    layers : tuple of Layer
        Each chunk's heatmap, or a method's parts.
    groups : tuple of Group
        What is measured: the scores first.
    texts : tuple of (code, name, text)
        Target, models with their digests, flags.
    parameters : tuple of str
        Every setting, as `name=value`.
    """

    scan: Scan
    counterfactual: np.ndarray | None
    values: np.ndarray
    values_name: str
    values_unit: str
    limit: float
    labels: np.ndarray
    bands: tuple[Band, ...]
    layers: tuple[Layer, ...]
    groups: tuple[Group, ...]
    texts: tuple[tuple[str, str, str], ...] = field(default=())
    parameters: tuple[str, ...] = field(default=())


def content_of(result: Explanation | Attribution) -> Content:
    """Return what of a result becomes DICOM."""
    if isinstance(result, Attribution):
        return _of_map(result)
    return _of_counterfactual(result)


def _of_counterfactual(found: Explanation) -> Content:
    bands = _bands([(level.label, level.name, level.high_hu > 0) for level in found.levels])
    unit, scores = found.target.unit, found.scores
    groups = [
        Group(
            f"Scores of {found.target.name}",
            (
                Number("SCORE_SCAN", "Score of the scan", scores.original, unit),
                Number(
                    "SCORE_REDRAWN",
                    "Score of the autoencoder's reconstruction",
                    scores.reconstruction,
                    unit,
                ),
                Number("SCORE_CHANGED", "Score of the counterfactual", scores.counterfactual, unit),
            ),
        )
    ]
    if found.whole is not None:
        groups.append(Group("All slices together", _search(found.whole, unit)))
    groups += [Group(slab_name(outcome), _search(outcome, unit)) for outcome in found.chunks]
    layers = tuple(
        Layer(slab_name(outcome), bands, found.scan, chunk=heatmap)
        for outcome, heatmap in zip(found.chunks, found.chunk_heatmaps, strict=False)
    )
    models = {"classifier": found.classifier, "autoencoder": found.autoencoder}
    return Content(
        scan=found.scan,
        counterfactual=found.counterfactual,
        values=found.difference,
        values_name="Change in HU, counterfactual minus scan",
        values_unit="HU",
        limit=change_limit(found.settings.level_edges),
        labels=found.heatmap,
        bands=bands,
        layers=layers,
        groups=tuple(groups),
        texts=_texts(LATENT_SHIFT, found.target.name, models, found.flags, found.versions),
        parameters=_parameters(
            {**found.settings.to_dict(), "region": found.region_name, "device": found.device}
        ),
    )


def _of_map(found: Attribution) -> Content:
    bands = _bands([(level.label, level.name, level.high > 0) for level in found.levels])
    score = Number("SCORE_SCAN", "Score of the scan", found.score, found.target.unit)
    models = {"classifier": found.classifier}
    if found.autoencoder is not None:
        models["autoencoder"] = found.autoencoder
    return Content(
        scan=found.scan,
        counterfactual=None,
        values=found.values,
        values_name=f"Map of the method {found.method.name}",
        values_unit="",
        limit=strongest(found.values) or 1.0,
        labels=found.heatmap,
        bands=bands,
        layers=tuple(
            Layer(name, (Band(1, name, STRONGEST),), found.scan, mask=mask)
            for name, mask in found.parts.items()
        ),
        groups=(Group(f"Score of {found.target.name}", (score,)),),
        texts=(
            *_texts(found.method.name, found.target.name, models, found.flags, found.versions),
            ("SIGN", "What the map's sign means", found.method.sign),
        ),
        parameters=_parameters(
            {**found.method.options, "seed": found.seed, "device": found.device}
        ),
    )


def slab_name(outcome: Outcome) -> str:
    """Return what a chunk is called: where its slab lies."""
    low, high = outcome.slab_mm
    return f"Slab S {low:.0f} to {high:.0f} mm alone"


def _bands(levels: list[tuple[int, str, bool]]) -> tuple[Band, ...]:
    """Return bands of levels (label, name, rises), the weakest of each sign first."""
    bands = []
    for rises in (False, True):
        side = [level for level in levels if level[2] == rises]
        shades = np.linspace(WEAKEST, STRONGEST, max(len(side), 1))
        bands += [
            Band(label, name, float(shade) if rises else -float(shade))
            for (label, name, _), shade in zip(side, shades, strict=False)
        ]
    return tuple(sorted(bands, key=lambda band: band.label))


def _search(outcome: Outcome, unit: str) -> tuple[Number, ...]:
    return (
        Number("SCORE_BEFORE", "Score before the change", outcome.score_before, unit),
        Number("SCORE_AFTER", "Score after the change", outcome.score_after, unit),
        Number("LAMBDA", "Lambda, the step along the gradient", outcome.lam, ""),
        Number("CHANGED_SHARE", "Share of the image that was changed", 100 * outcome.change, "%"),
    )


def _texts(
    method: str,
    target: str,
    models: Mapping[str, ModelInfo],
    flags: tuple[Flag, ...],
    versions: Mapping[str, str],
) -> tuple[tuple[str, str, str], ...]:
    found = [
        ("METHOD", "Method of explanation", method),
        ("TARGET", "Output of the classifier that is explained", target),
    ]
    for role, model in models.items():
        digest = model.sha256 or "it has no weights"
        found.append((role, f"The {role}", f"{model.name}. {model.description}".strip()))
        found.append((f"{role[:9]}_SHA256", f"SHA-256 of the {role}'s weights", digest))
    told = {"ct-counterfactual": __version__, **versions}
    found.append(("VERSIONS", "Versions", ", ".join(f"{n} {v}" for n, v in told.items())))
    found += [("FLAG", f"Flag {flag.name}", flag.message) for flag in flags]
    return tuple(found)


def _parameters(values: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(_parameter(values))


def _parameter(values: Mapping[str, Any]) -> Iterator[str]:
    for name, value in values.items():
        if value not in (None, ""):
            yield f"{name}={value}"
