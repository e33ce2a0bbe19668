"""Tests of a finished result ("Can I trust this?"), by the verb `trust` in the worker."""

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

TRUST_FILE = "trust.json"
# Attribute of a main node: what the tests said, so that it is saved with the scene.
ATTRIBUTE = "trust"
KEPT = ("status", "summary", "partial")
KEPT_OF_TEST = ("test", "status", "sentence", "number", "measure", "limits")


class TrustJob(WorkerJob):
    """Put a result to the tests that take less than twice its own time, or to all.

    The verdicts are in the result's folder, and on its main node (`verdicts_of`), when it is done;
    failed tests are among the folder's flags, in its figure and report.

    Parameters
    ----------
    result : NodeResult or MapResult
        Its folder must be there.
    all_tests : bool
        All, and each thoroughly.
    how
        `onEvent`, `onFinished`, `python`; see `WorkerJob`.
    """

    def __init__(self, result: AnyResult, all_tests: bool = False, **how: Any):
        self.result = result
        workplace = result.workplace
        region = () if workplace is None or not workplace.region.is_file() else (workplace.region,)
        super().__init__(
            (
                "trust",
                result.folder,
                *(("--all",) if all_tests else ()),
                *(("--region", *region) if region else ()),
            ),
            False,
            **how,
        )

    def _start(self) -> None:
        if self.result.workplace is not None:  # where the record says that the scan is
            write_plainly(self.result.explanation.scan.image, self.result.workplace.input)
        super()._start()

    def _end(self, outcome: WorkerOutcome) -> None:
        if self.result.workplace is not None:
            self.result.workplace.input.unlink(missing_ok=True)
        if outcome.error == "" and (self.result.folder / TRUST_FILE).is_file():
            remember(self.result.mainNode, self.result.folder)
        super()._end(outcome)


def remember(main, folder: Path) -> None:
    """Keep the verdicts of a result folder on the result's main node."""
    told = read_object(folder / TRUST_FILE, MOST_RECORD_BYTES)
    kept = {name: told[name] for name in KEPT if name in told}
    kept["tests"] = [{name: test.get(name) for name in KEPT_OF_TEST} for test in told["tests"]]
    set_attributes(main, **{ATTRIBUTE: json.dumps(kept)})


def verdicts_of(main) -> dict[str, Any]:
    """Return what the tests said of a result, by its main node: `tests`, `status`; or nothing."""
    return json.loads(get_attribute(main, ATTRIBUTE) or "{}")
