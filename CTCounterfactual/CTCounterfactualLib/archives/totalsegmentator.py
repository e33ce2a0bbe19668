"""The data set of TotalSegmentator: `meta.csv`, and `s0000/ct.nii.gz` of each subject.

`meta.csv` has semicolons, and columns `image_id`, `study_type` and, since its second version,
`pathology`. A scan is a positive if its pathology holds the word that was asked for, else a
negative.

Wasserthal et al., "TotalSegmentator: Robust Segmentation of 104 Anatomic Structures in CT Images",
Radiology: Artificial Intelligence 5 (2023).
"""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..errors import ScanError, SettingsError
from ..events import CancelToken
from .listed import Archive, Listed, Option, Row

META, SCAN = "meta.csv", "ct.nii.gz"
LAYOUT = f"{META}, and a folder with {SCAN} for each subject"
STUDY = Option("study", "only studies whose type holds one of these words; `any` for all", "thorax")
POSITIVE = Option(
    "positive", "word in the pathology that makes a scan a positive; without it they are listed", ""
)
ANY = "any"


def read_totalsegmentator(
    folder: Path, options: Mapping[str, Any], masks: Path, cancel: CancelToken
) -> Listed:
    """List the scans of the wanted kinds of studies.

    Raises
    ------
    ScanError
        If `meta.csv` lacks or has other columns, or no scan has the wanted pathology.
    SettingsError
        If no pathology is asked for; it names those that there are.
    """
    rows = _meta(folder)
    words = [word.strip().casefold() for word in str(options["study"]).split(",") if word.strip()]
    positive = str(options["positive"]).strip().casefold()
    if "pathology" not in rows[0]:
        raise ScanError(f"{folder / META} has no column pathology; take version 2 of the data set.")
    told = Counter(row["pathology"].strip() or "not told" for row in rows)
    choices = ", ".join(f"{name} ({number})" for name, number in told.most_common())
    if not positive:
        raise SettingsError(
            f"Say which pathology makes a positive, by a word of it. The table has: {choices}."
        )
    listed = Listed()
    for row in rows:
        cancel.check()
        name, study = row["image_id"].strip(), row["study_type"].strip()
        path = folder / name / SCAN
        if ANY not in words and not any(word in study.casefold() for word in words):
            listed.leave(name, f"study type {study or 'not told'}")
        elif not path.is_file():
            listed.leave(name, f"no {SCAN}")
        else:
            label = float(positive in row["pathology"].casefold())
            listed.rows.append(Row(name, path, label, group=name))
    if listed.rows and not any(row.label for row in listed.rows):
        raise ScanError(f"No scan's pathology holds '{positive}'; the table has: {choices}.")
    return listed


def _meta(folder: Path) -> list[dict[str, str]]:
    path = folder / META
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise ScanError(f"{folder} holds no {META}; expected: {LAYOUT}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ScanError(f"Cannot read {path}: {error}.") from error
    rows = [
        {key: value or "" for key, value in row.items() if key is not None}
        for row in csv.DictReader(text.splitlines(), delimiter=";")
    ]
    lacking = {"image_id", "study_type"} - set(rows[0] if rows else ())
    if lacking:
        raise ScanError(
            f"{path} lacks the columns {', '.join(sorted(lacking))}, or has no rows; they are "
            f"separated by semicolons."
        )
    return rows


TOTALSEGMENTATOR = Archive(
    "totalsegmentator",
    "TotalSegmentator's data set",
    LAYOUT,
    (STUDY, POSITIVE),
    read_totalsegmentator,
)
