"""What a cohort's tables take of one result: its row, its chunks, where the finding is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..bench.models import EVEN_LOGIT
from ..bench.volumes import HALF, turned
from ..counterfactual.outcome import Outcome
from ..counterfactual.scale import LOGIT
from ..evaluation.truth import read_truth
from ..scans.grid import GridSpec, prepare, resample_onto
from ..scans.scan import Scan


def result_values(result: dict[str, Any]) -> dict[str, Any]:
    """Return fields of `CaseRow`, by the content of a `result.json`."""
    target, scores, logits = result["target"], result["scores"], result.get("logits") or {}
    original, changed = scores["original"], scores["counterfactual"]
    threshold = target["threshold"]
    if threshold is None and target["unit"] == LOGIT:
        threshold = EVEN_LOGIT
    known = threshold is not None and changed is not None
    whole = result["whole"] or {}
    return {
        "target": target["name"],
        "unit": target["unit"],
        **{f"score_{name}": value for name, value in scores.items()},
        **{f"logit_{name}": value for name, value in logits.items()},
        "threshold": threshold,
        "flipped": (original >= threshold) != (changed >= threshold) if known else None,
        "reduction": None if changed is None else original - changed,
        "lam": whole.get("lambda"),
        "change": whole.get("change"),
        "slices": result["prepared"]["slices"],
        "flags": " ".join(flag["name"] for flag in result["flags"]),
        "sha256": result["input"]["sha256"],
    }


def chunk_values(outcome: Outcome) -> list[float]:
    """Return a chunk's row in a case's record; see `case_record`."""
    low, high = outcome.slab_mm
    return [
        outcome.start, outcome.stop, low, high, outcome.score_before, outcome.score_after,
        outcome.lam, outcome.change,
    ]  # fmt: skip


def truth_slices(scan: Scan, mask: Path, grid: GridSpec) -> list[int]:
    """Return how many voxels of a finding each slice of the prepared scan has, foot to head."""
    upright = turned(scan)
    finding = read_truth(upright, mask).finding
    assert finding is not None
    prepared = prepare(scan, grid)
    there = resample_onto(
        prepared.as_image(prepared.volume), upright.with_array(finding.astype(np.float32))
    )
    return [int(count) for count in (there >= HALF).sum(axis=(1, 2))]
