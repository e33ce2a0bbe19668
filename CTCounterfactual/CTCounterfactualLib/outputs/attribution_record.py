"""`result.json` of a method's map: the record of an explanation, with what a map has instead.

Schema 1, keys as in `outputs.record`, and

    method          name, description, sign (what positive and negative values mean), options
    autoencoder     null if the method used none
    scores          original; reconstruction and counterfactual are null
    whole, chunks   null, []: nothing was searched over lambda
    heat_levels     label, name, low, high (null: unbounded) of the heatmap's labels, in the unit of
                    `attribution.nrrd`
    parts           list of {name, file}: named sets of voxels
    facts           what else the method knows: of responsibility maps the score of the occluded
                    scan, the boundary, model calls, and the explanations with their volumes in mL
    partial         whether the run was cancelled, and this is what was there
    timing          search, total in seconds
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from ..counterfactual.result import DISCLAIMER
from ..methods.attribution import Attribution
from .record import SCHEMA, input_record

ATTRIBUTION_FILE = "attribution.nrrd"
HEATMAP_FILE = "heatmap.nrrd"


def part_file(name: str) -> str:
    """Return the name, within the result folder, of a named set of voxels."""
    return f"parts/{name}.nrrd"


def attribution_record(attribution: Attribution, files: list[str]) -> dict[str, Any]:
    """Return the content of `result.json` as plain JSON values (no NaN, no infinity)."""
    return {
        "schema": SCHEMA,
        "disclaimer": DISCLAIMER,
        "method": {**asdict(attribution.method), "options": dict(attribution.method.options)},
        "input": input_record(attribution.scan),
        "prepared": {
            "slices": attribution.prepared.slices,
            "spacing": list(attribution.prepared.spacing),
        },
        "classifier": asdict(attribution.classifier),
        "target": asdict(attribution.target),
        "autoencoder": asdict(attribution.autoencoder) if attribution.autoencoder else None,
        "settings": {"seed": attribution.seed},
        "scores": {
            "original": attribution.score,
            "reconstruction": None,
            "counterfactual": None,
        },
        "whole": None,
        "chunks": [],
        "heat_levels": [
            {**asdict(level), "low": _finite(level.low), "high": _finite(level.high)}
            for level in attribution.levels
        ],
        "parts": [{"name": name, "file": part_file(name)} for name in attribution.parts],
        "facts": dict(attribution.facts),
        "partial": attribution.partial,
        "flags": [asdict(flag) for flag in attribution.flags],
        "timing": {name: round(value, 3) for name, value in attribution.seconds.items()},
        "peak_memory_mb": round(attribution.peak_memory_mb),
        "versions": dict(attribution.versions),
        "device": attribution.device,
        "seed": attribution.seed,
        "files": files,
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
