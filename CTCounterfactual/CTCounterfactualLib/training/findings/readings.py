"""Which single slices show a finding, as somebody read them: a small table beside the slices."""

from __future__ import annotations

import csv
from pathlib import Path

from ...errors import SettingsError
from ...models.classifiers.findings_network import FINDINGS
from ...storage.bounded import MOST_RECORD_BYTES
from ...storage.names import reason
from ..slice_file import SliceFile

COLUMNS = ("slice", *FINDINGS)
# Not there, there, can't be told from one slice.
NO, YES, UNSURE = "no", "yes", "unsure"


def read_readings(path: str | Path, file: SliceFile) -> list[dict[str, str]]:
    """Return what was read in each slice of a file: finding -> `NO`, `YES` or `UNSURE`.

    Raises
    ------
    SettingsError
        If the table can't be read, or isn't one row for each slice, in order.
    """
    path = Path(path)
    try:
        if path.stat().st_size > MOST_RECORD_BYTES:
            raise SettingsError(f"{path} is too long for a table of slices.")
        with path.open(newline="", encoding="utf-8") as opened:
            rows = list(csv.DictReader(opened))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(f"Cannot read the readings {path}: {reason(error)}.") from error
    if [row.get("slice") for row in rows] != [str(n) for n in range(len(file.patient))]:
        raise SettingsError(
            f"The readings {path} aren't of {file.name}: a row for each of its "
            f"{len(file.patient)} slices is expected, `slice` counting from 0."
        )
    for row in rows:
        for finding in FINDINGS:
            if row.get(finding) not in (NO, YES, UNSURE):
                raise SettingsError(
                    f"The readings {path}, slice {row['slice']}: {finding} = "
                    f"{row.get(finding)!r}, expected {NO}, {YES} or {UNSURE}."
                )
    return [{finding: row[finding] for finding in FINDINGS} for row in rows]


def free_slices(
    file: SliceFile, readings: list[dict[str, str]], leave_out: int | None
) -> list[int]:
    """Return the slices of patients in none of whose slices there may be a finding.

    leave_out: patients whose number is a multiple of it are left out, to measure on them.
    """
    ill = {
        int(patient)
        for patient, found in zip(file.patient, readings, strict=True)
        if set(found.values()) != {NO}
    }
    return [
        number
        for number, patient in enumerate(file.patient.tolist())
        if patient not in ill and not (leave_out and patient % leave_out == 0)
    ]
