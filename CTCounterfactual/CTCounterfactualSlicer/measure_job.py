"""Measures of a finished result, by the verb `evaluate` in the worker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from CTCounterfactualLib.scene.make.provenance import get_attribute, set_attributes
from CTCounterfactualLib.storage.bounded import MOST_RECORD_BYTES
from CTCounterfactualLib.storage.objects import read_object

from .result import AnyResult
from .result_job import ResultJob

METRICS_FILE = "metrics.json"
# Attribute of a main node: what was measured, so that it is saved with the scene.
ATTRIBUTE = "metrics"


class MeasureJob(ResultJob):
    """Measure what needs no known truth; `measures_of` the main node has it when it is done.

    `metrics.json` is in the result's folder then, and its report has the table, too.

    Parameters
    ----------
    result : NodeResult or MapResult
        Its folder must be there.
    how
        `onEvent`, `onFinished`, `python`; see `WorkerJob`.
    """

    file = METRICS_FILE

    def __init__(self, result: AnyResult, **how: Any):
        super().__init__(result, ("evaluate", result.folder), **how)

    def remember(self) -> None:
        """Keep the measures on the result's main node."""
        remember(self.result.mainNode, self.result.folder)


def remember(main, folder: Path) -> None:
    """Keep the measures of a result folder on the result's main node."""
    told = read_object(folder / METRICS_FILE, MOST_RECORD_BYTES)
    kept = {
        "measures": [
            {"name": name, "value": value, **told["definitions"][name]}
            for name, value in told["metrics"].items()
            if name in told["definitions"]
        ],
        "absent": told["not_applicable"],
    }
    set_attributes(main, **{ATTRIBUTE: json.dumps(kept)})


def measures_of(main) -> dict[str, Any]:
    """Return what was measured of a result, by its main node: `measures`, `absent`; or nothing."""
    return json.loads(get_attribute(main, ATTRIBUTE) or "{}")
