"""`result.json`: everything a reader or a program needs to know of a run, with a schema version.

Schema 1. Scores are in the target's unit, slices count from foot to head on the prepared grid,
`slab_mm` are S coordinates (RAS, mm), lambda is negative where the score is to decrease.

    schema          1
    disclaimer      what this is not
    method          name: latent-shift; records before 0.2 lack it, those of other methods hold
                    more, see `outputs.attribution_record`
    input           path (absolute), series (DICOM UID, or empty), sha256, name, size [I, J, K],
                    spacing [I, J, K] mm, origin (LPS mm), direction (3 x 3, row by row, LPS)
    prepared        slices, spacing [I, J, K] mm: the grid that the models saw
    classifier      name, sha256, description
    target          name, unit; threshold (score at or above which the finding is called present)
                    and negatives (median score of scans without it), each a number or null
    autoencoder     name, sha256, description
    settings        every setting of the run, as it was set
    change_scope    what the change limit was relative to
    goal            what the searches aimed at: goal (flip, limit or score), score to reach or null,
                    threshold or null, direction
    scores          original, reconstruction, counterfactual (of the volume as written)
    logits          the same on the logit; null unless the scores are probabilities
    whole           one search or null; see below
    chunks          list of searches, foot to head; empty in mode `whole`
    heat_levels     label, name, low_hu, high_hu (null: unbounded) of the heatmaps' labels
    region          name of the region that changes were restricted to, or null
    region_search   how it was found, and what control regions do; see `outputs.region_record`; or
                    null
    frames          list of {file, fraction (of lambda), score} between scan and counterfactual
    plausibility    what became of how many mL; see counterfactual/plausible.py; or null
    flags           list of {name, message}; empty if nothing speaks against the result
    timing          encode, gradient, search, total in seconds
    peak_memory_mb  of this process
    versions        of this package, Python and libraries
    device, seed
    host            name of the host it was computed on; absent: on this computer
    files           list of the files beside this one

A search: start, stop, slab_mm, lambda, score_before, score_after, stop_reason, change (fraction in
`change_scope`), evaluations, path [[lambda, score, change], ...] in order. Of a probability also
logit_before and logit_after, and each point of the path has its logit as a fourth number.
"""

from __future__ import annotations

import math
import os
from dataclasses import asdict
from typing import Any

from ..counterfactual.result import DISCLAIMER, Explanation, Outcome
from ..counterfactual.scale import has_logit
from ..counterfactual.search.logit import logit
from ..methods.registry import LATENT_SHIFT
from ..scans.scan import Scan
from .region_record import region_record

SCHEMA = 1


def result_record(explanation: Explanation, files: list[str]) -> dict[str, Any]:
    """Return the content of `result.json` as plain JSON values (no NaN, no infinity)."""
    unit = explanation.target.unit
    return {
        "schema": SCHEMA,
        "disclaimer": DISCLAIMER,
        "method": {"name": LATENT_SHIFT},
        "input": input_record(explanation.scan),
        "prepared": {
            "slices": explanation.prepared.slices,
            "spacing": list(explanation.prepared.spacing),
        },
        "classifier": asdict(explanation.classifier),
        "target": asdict(explanation.target),
        "autoencoder": asdict(explanation.autoencoder),
        "settings": explanation.settings.to_dict(),
        "change_scope": explanation.settings.scope,
        "goal": asdict(explanation.aim) if explanation.aim else None,
        "scores": asdict(explanation.scores),
        "logits": _logits(explanation),
        "whole": _search(explanation.whole, unit) if explanation.whole else None,
        "chunks": [_search(outcome, unit) for outcome in explanation.chunks],
        "heat_levels": [
            {**asdict(level), "low_hu": _finite(level.low_hu), "high_hu": _finite(level.high_hu)}
            for level in explanation.levels
        ],
        "region": explanation.region_name or None,
        "region_search": region_record(
            explanation.region_search, lambda outcome: _search(outcome, unit)
        )
        if explanation.region_search
        else None,
        "frames": [
            {"file": frame_file(number), "fraction": frame.fraction, "score": frame.score}
            for number, frame in enumerate(explanation.frames, start=1)
        ],
        "plausibility": asdict(explanation.plausibility) if explanation.plausibility else None,
        "flags": [asdict(flag) for flag in explanation.flags],
        "timing": {name: round(value, 3) for name, value in asdict(explanation.timing).items()},
        "peak_memory_mb": round(explanation.peak_memory_mb),
        "versions": explanation.versions,
        "device": explanation.device,
        "seed": explanation.settings.seed,
        "files": files,
    }


def input_record(scan: Scan) -> dict[str, Any]:
    """Return what a record says of the scan."""
    return {
        "path": _absolute(scan.path),
        "series": scan.series,
        "sha256": scan.sha256,
        "name": scan.name,
        "modality": scan.modality,
        "unit": scan.unit,
        "size": list(scan.size),
        "spacing": list(scan.spacing),
        "origin": list(scan.image.GetOrigin()),
        "direction": list(scan.image.GetDirection()),
    }


def frame_file(number: int) -> str:
    """Return the name, within the result folder, of the image of frame `number`, counted from 1."""
    return f"frames/frame_{number:02d}.nrrd"


def _logits(explanation: Explanation) -> dict[str, float] | None:
    if not has_logit(explanation.target.unit):
        return None
    return {name: logit(score) for name, score in asdict(explanation.scores).items()}


def _search(outcome: Outcome, unit: str) -> dict[str, Any]:
    record: dict[str, Any] = {
        "start": outcome.start,
        "stop": outcome.stop,
        "slab_mm": [round(edge, 3) for edge in outcome.slab_mm],
        "lambda": outcome.lam,
        "score_before": outcome.score_before,
        "score_after": outcome.score_after,
        "stop_reason": outcome.stop_reason,
        "change": outcome.change,
        "evaluations": outcome.evaluations,
        "path": [[point.lam, point.score, point.change] for point in outcome.path],
    }
    if has_logit(unit):
        record["logit_before"] = logit(outcome.score_before)
        record["logit_after"] = logit(outcome.score_after)
        for point in record["path"]:
            point.append(logit(point[1]))
    return record


def _absolute(path: str) -> str:
    """Return a path that leads to the scan from every folder; words that are none as they are."""
    return os.path.abspath(path) if path and os.path.exists(path) else path


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
