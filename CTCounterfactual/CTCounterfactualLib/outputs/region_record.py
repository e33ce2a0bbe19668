"""The region of a run in `result.json` and in its file, and both read back.

ml                volume on the scan's grid
file              region.nrrd: mask on the scan's grid
unrestricted      the search without a region that it was found from, or null
threshold_hu      |change| above which connected parts were told apart
parts             mL of the parts that were joined, largest sum of |change| first
parts_found       how many there were
share_of_change   of that search's sum of |change|, what lies in the region
controls          list of {name: complement or random, ml, share: of the region's gain, search}
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import SimpleITK as sitk

from ..counterfactual.outcome import Outcome
from ..counterfactual.region_search import RegionControl, RegionSearch
from .recorded import outcome_of

REGION_FILE = "region.nrrd"


def region_record(
    search: RegionSearch, searched: Callable[[Outcome], dict[str, Any]]
) -> dict[str, Any]:
    """Return a region as plain JSON values; `searched` gives the record of one search."""
    return {
        "file": REGION_FILE,
        "ml": search.ml,
        "unrestricted": searched(search.unrestricted) if search.unrestricted else None,
        "threshold_hu": round(search.threshold_hu, 2),
        "parts": list(search.parts),
        "parts_found": search.parts_found,
        "share_of_change": search.share_of_change,
        "controls": [
            {
                "name": control.name,
                "ml": control.ml,
                "share": control.share,
                "search": searched(control.outcome),
            }
            for control in search.controls
        ],
    }


def region_search_of(
    record: dict[str, Any] | None, direction: str, image_of: Callable[[str], sitk.Image]
) -> RegionSearch | None:
    """Return the region of a record; `image_of` reads a file of the result."""
    if not record:  # earlier versions had none
        return None
    unrestricted = record["unrestricted"]
    return RegionSearch(
        image=image_of(record["file"]),
        ml=record["ml"],
        unrestricted=outcome_of(unrestricted, direction) if unrestricted else None,
        threshold_hu=record["threshold_hu"],
        parts=tuple(record["parts"]),
        parts_found=record["parts_found"],
        share_of_change=record["share_of_change"],
        controls=tuple(
            RegionControl(
                control["name"],
                control["ml"],
                outcome_of(control["search"], direction),
                control["share"],
            )
            for control in record["controls"]
        ),
    )
