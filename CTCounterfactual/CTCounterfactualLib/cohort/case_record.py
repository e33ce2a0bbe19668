"""`records/ID.json`: what a case gave, part by part, and of what each part was made.

Schema 1. A part is made anew only if its key isn't that which the run asks for.

    schema      1
    id          the case
    inputs      location -> {stamp, sha256} of each file that was read
    parts       result   {key, keep, values: fields of `CaseRow`}
                chunks   size -> {key, rows: [start, stop, low_mm, high_mm, before, after, lam,
                         change], ...}
                truth    {key, slices: voxels of the finding's mask in each prepared slice}
                metrics, trust, stress    {key, values}
    seconds     of all parts together, each as it was made
    peak_mb     the greatest of all
    failed      {reason, attempts} of the last try; or null
    attempts    of the try that made it
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .manifest import Case
from .rows import DONE, FAILED, RECORDS, CaseRow, ChunkRow

SCHEMA = 1


def record_file(case_id: str) -> str:
    """Return the name of a case's record within the cohort's folder."""
    return f"{RECORDS}/{case_id}.json"


def new_record(case_id: str) -> dict[str, Any]:
    """Return the record of a case of which nothing is known."""
    return {
        "schema": SCHEMA,
        "id": case_id,
        "inputs": {},
        "parts": {},
        "seconds": 0.0,
        "peak_mb": 0.0,
        "failed": None,
        "attempts": 0,
    }


def is_record(values: Any, case_id: str) -> bool:
    """Tell whether values that were read are a record of this case, of this schema."""
    return (
        isinstance(values, dict)
        and values.keys() == new_record(case_id).keys()
        and (values["schema"], values["id"]) == (SCHEMA, case_id)
        and isinstance(values["parts"], dict)
        and isinstance(values["inputs"], dict)
    )


def has_part(record: dict[str, Any], name: str, key: str) -> bool:
    """Tell whether a part is there and was made of the same."""
    part = record["parts"].get(name)
    return isinstance(part, dict) and part.get("key") == key


def case_row(case: Case, record: dict[str, Any]) -> CaseRow:
    """Return the row of a case by its record."""
    about: dict[str, Any] = {
        name: getattr(case, name) for name in ("id", "path", "series", "group", "label")
    }
    failed = record["failed"]
    if failed is not None:
        return CaseRow(**about, status=FAILED, reason=failed["reason"], attempts=failed["attempts"])
    parts = record["parts"]
    spread = {
        name: parts[name]["values"] for name in ("metrics", "trust", "stress") if name in parts
    }
    return CaseRow(
        **about,
        status=DONE,
        attempts=record["attempts"],
        seconds=record["seconds"],
        peak_mb=record["peak_mb"],
        **parts["result"]["values"],
        **spread,
    )


def chunk_rows(record: dict[str, Any], sizes: Iterable[int]) -> list[ChunkRow]:
    """Return the rows of a case's chunks, of these sizes."""
    if record["failed"] is not None:
        return []
    parts = record["parts"]
    slices = parts["truth"]["slices"] if "truth" in parts else None
    made = []
    for size in sizes:
        for start, stop, low, high, before, after, lam, change in (
            parts.get("chunks", {}).get(str(size), {}).get("rows", [])
        ):
            share = None if slices is None else sum(slices[start:stop]) / max(sum(slices), 1)
            made.append(
                ChunkRow(
                    record["id"], size, start, stop, low, high, before, after, before - after,
                    lam, change, share,
                )
            )  # fmt: skip
    return made
