"""What a run writes beside the results: `bench.json` in each case's folder, `run.json` above them.

`bench.json`, schema 1, holds what scoring needs to know of the models, so that it needs none; a
rival's folder may have one with `scores` and `threshold`, and needn't:

    schema          1
    case, finding   as in `cases.csv`
    classifier, target, unit, threshold, autoencoder
    scores          original f(x), counterfactual f(x'), clean f(clean), reconstruction f(D(E(x)));
                    ..._anew: of the volume as a scan of its own (see `metrics.decision`)
    seconds         of the explanation
    peak_memory_mb  of the process while it explained this case
    device          as in `result.json`
    flags           names of the explanation's flags

`run.json` holds what all cases were explained with, so that a run is never resumed with other
settings, and what went wrong, case by case.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ..errors import OutputError, SettingsError
from ..storage.atomic import write_json
from ..storage.bounded import MOST_RECORD_BYTES
from ..storage.objects import read_object

SCHEMA = 1
CASE_RECORD = "bench.json"
RUN_RECORD = "run.json"
REVERSAL_FILE = "reversal.nrrd"


@dataclass(frozen=True)
class CaseRecord:
    """What is known of the run of one case; see the module's text."""

    case: str = ""
    finding: str = ""
    classifier: str = ""
    target: str = ""
    unit: str = ""
    threshold: float | None = None
    autoencoder: str = ""
    scores: dict[str, float] = field(default_factory=dict)
    seconds: float | None = None
    peak_memory_mb: float | None = None
    device: str = ""
    flags: list[str] = field(default_factory=list)

    def write(self, folder: Path) -> None:
        """Write it into a case's folder."""
        write_json(folder / CASE_RECORD, {"schema": SCHEMA, **asdict(self)})

    @classmethod
    def read(cls, folder: Path) -> CaseRecord:
        """Read it from a case's folder; an empty one if there is none.

        Raises
        ------
        OutputError
            If it is damaged, or its scores are no numbers.
        """
        path = folder / CASE_RECORD
        if not path.exists():
            return cls()
        try:
            values = read_object(path, MOST_RECORD_BYTES)
        except (OSError, ValueError) as error:
            raise OutputError(f"{path} can't be read: {error}.") from error
        known = {name: values[name] for name in cls.__dataclass_fields__ if name in values}
        record = cls(**known)
        numbers = record.scores.values() if isinstance(record.scores, dict) else [None]
        optional = [record.threshold, record.seconds, record.peak_memory_mb]
        if not all(_is_number(v) for v in [*numbers, *(v for v in optional if v is not None)]):
            raise OutputError(
                f"{path}: scores, threshold, seconds and peak_memory_mb must be numbers."
            )
        return record


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


@dataclass
class RunRecord:
    """`run.json`: how all cases were explained, and which failed.

    Parameters
    ----------
    settings : dict
        Plain JSON values of all that a result depends on.
    failed : dict
        Case -> why it has no result.
    """

    settings: dict[str, Any]
    failed: dict[str, str] = field(default_factory=dict)

    @classmethod
    def open(cls, folder: Path, settings: dict[str, Any]) -> RunRecord:
        """Return the record of a folder of results; a new one, written at once, if it has none.

        Raises
        ------
        SettingsError
            If the results there were made with other settings; names them.
        OutputError
            If the record can't be read or written.
        """
        earlier = cls.read(folder)
        if earlier is None:
            record = cls(settings)
            record.write(folder)
            return record
        names = sorted(settings.keys() | earlier.settings.keys())
        other = [name for name in names if settings.get(name) != earlier.settings.get(name)]
        if other:
            told = ", ".join(
                f"{n} {earlier.settings.get(n)!r}, now {settings.get(n)!r}" for n in other
            )
            raise SettingsError(
                f"{folder} holds results that were made with other settings ({told}): give the "
                f"same ones to go on, or choose another folder."
            )
        return earlier

    @classmethod
    def read(cls, folder: Path) -> RunRecord | None:
        """Return the record of a folder of results, or None if it has none, as a rival's."""
        path = folder / RUN_RECORD
        if not path.exists():
            return None
        try:
            values = read_object(path, MOST_RECORD_BYTES)
            return cls(
                dict(values["settings"]),
                {str(k): str(v) for k, v in dict(values["failed"]).items()},
            )
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise OutputError(f"{path} can't be read: {error}. Choose another folder.") from error

    def write(self, folder: Path) -> None:
        """Write it into the folder of results."""
        content = {"schema": SCHEMA, "settings": self.settings, "failed": self.failed}
        write_json(folder / RUN_RECORD, content, parents=True)
