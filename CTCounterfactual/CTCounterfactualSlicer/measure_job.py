"""Measures of a finished result, by the verb `evaluate` in the worker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from CTCounterfactualLib.jobs.outcome import WorkerOutcome
from CTCounterfactualLib.scene.make.provenance import get_attribute, set_attributes
from CTCounterfactualLib.storage.bounded import MOST_RECORD_BYTES
from CTCounterfactualLib.storage.objects import read_object

from .job_nodes import write_plainly
from .model_files import WorkerJob
from .result import AnyResult

METRICS_FILE = "metrics.json"
# Attribute of a main node: what was measured, so that it is saved with the scene.
ATTRIBUTE = "metrics"


class MeasureJob(WorkerJob):
    """Measure what needs no known truth; `measures_of` the main node has it when it is done.

    `metrics.json` is in the result's folder then, and its report has the table, too.

    Parameters
    ----------
    result : NodeResult or MapResult
        Its folder must be there.
    how
        `onEvent`, `onFinished`, `python`; see `WorkerJob`.
    """

    def __init__(self, result: AnyResult, **how: Any):
        self.result = result
        super().__init__(("evaluate", result.folder), False, **how)

    def _start(self) -> None:
        if self.result.workplace is not None:  # where the record says that the scan is
            write_plainly(self.result.explanation.scan.image, self.result.workplace.input)
        super()._start()

    def _end(self, outcome: WorkerOutcome) -> None:
        if self.result.workplace is not None:
            self.result.workplace.input.unlink(missing_ok=True)
        if outcome.error == "" and (self.result.folder / METRICS_FILE).is_file():
            remember(self.result.mainNode, self.result.folder)
        super()._end(outcome)


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
