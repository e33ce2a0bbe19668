"""Tests of a finished result ("Can I trust this?"), by the verb `trust` in the worker."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from CTCounterfactualLib.scene.make.provenance import get_attribute, set_attributes
from CTCounterfactualLib.storage.bounded import MOST_RECORD_BYTES
from CTCounterfactualLib.storage.objects import read_object

from .result import AnyResult
from .result_job import ResultJob

TRUST_FILE = "trust.json"
# Attribute of a main node: what the tests said, so that it is saved with the scene.
ATTRIBUTE = "trust"
KEPT = ("status", "summary", "partial")
KEPT_OF_TEST = ("test", "status", "sentence", "number", "measure", "limits")


class TrustJob(ResultJob):
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

    file = TRUST_FILE

    def __init__(self, result: AnyResult, all_tests: bool = False, **how: Any):
        workplace = result.workplace
        region = () if workplace is None or not workplace.region.is_file() else (workplace.region,)
        super().__init__(
            result,
            (
                "trust",
                result.folder,
                *(("--all",) if all_tests else ()),
                *(("--region", *region) if region else ()),
            ),
            **how,
        )

    def remember(self) -> None:
        """Keep the verdicts on the result's main node."""
        remember(self.result.mainNode, self.result.folder)


def remember(main, folder: Path) -> None:
    """Keep the verdicts of a result folder on the result's main node."""
    told = read_object(folder / TRUST_FILE, MOST_RECORD_BYTES)
    kept = {name: told[name] for name in KEPT if name in told}
    kept["tests"] = [{name: test.get(name) for name in KEPT_OF_TEST} for test in told["tests"]]
    set_attributes(main, **{ATTRIBUTE: json.dumps(kept)})


def verdicts_of(main) -> dict[str, Any]:
    """Return what the tests said of a result, by its main node: `tests`, `status`; or nothing."""
    return json.loads(get_attribute(main, ATTRIBUTE) or "{}")
