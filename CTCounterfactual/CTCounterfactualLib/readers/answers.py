"""What readers answered, read back strictly: a file for each reader and session."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import OutputError
from ..storage.bounded import MOST_RECORD_BYTES, read_text
from ..storage.names import reason
from ..storage.objects import read_object
from .make import ANSWERS, KEY, SCHEMA, STUDY, KeyRow

CONFIDENCES = (1, 2, 3, 4, 5)


@dataclass(frozen=True)
class Answer:
    """One case as one reader read it once.

    Parameters
    ----------
    reading : KeyRow
        Who, when, which case, with the explanation or without.
    confidence : int
        1 surely not, to 5 surely.
    seconds : float
        How long the case was looked at.
    comment : str
        What the reader wrote.
    """

    reading: KeyRow
    confidence: int
    seconds: float
    comment: str

    @property
    def right(self) -> int:
        """Confidence in the truth: 5 sure and right, 1 sure and wrong."""
        return self.confidence if self.reading.label > 0 else 6 - self.confidence


def read_answers(folder: Path) -> list[Answer]:
    """Return all answers that are in a study's folder.

    Raises
    ------
    OutputError
        If the study or a file of answers lacks or is damaged, of another study, or there is none.
    """
    study = read_object_of(folder / STUDY)
    key = {(row.reader, row.session, row.number): row for row in read_key(folder)}
    found: dict[tuple[str, int, str], Answer] = {}
    for path in sorted((folder / ANSWERS).glob("*.json")):
        content = read_object_of(path)
        if content.get("schema") != SCHEMA or content.get("study") != study.get("study"):
            raise OutputError(f"{path} holds no answers to this study; take it out of the folder.")
        try:
            who = str(content["reader"]), int(content["session"])
            for item in content["answers"]:
                place = (*who, str(item["number"]))
                if place in found:
                    raise OutputError(
                        f"{path} answers case {place[2]} again; keep one file for each reader and "
                        f"session."
                    )
                found[place] = _answer(key[place], item)
        except (KeyError, TypeError, ValueError) as error:
            raise OutputError(f"{path} is damaged: {type(error).__name__} {error}.") from error
    if not found:
        raise OutputError(
            f"{folder / ANSWERS} holds no answers; put the files there that the readers sent."
        )
    return list(found.values())


def read_key(folder: Path) -> list[KeyRow]:
    """Return who reads what.

    Raises
    ------
    OutputError
        If it lacks or is damaged.
    """
    path = folder / KEY
    try:
        rows = csv.DictReader(read_text(path, MOST_RECORD_BYTES).splitlines(), strict=True)
        return [
            KeyRow(
                row["reader"],
                int(row["session"]),
                int(row["place"]),
                row["number"],
                row["case"],
                bool(int(row["explained"])),
                float(row["label"]),
                row["group"],
            )
            for row in rows
        ]
    except OSError as error:
        raise OutputError(f"{folder} is no reader study: no {KEY} ({reason(error)}).") from error
    except (csv.Error, KeyError, TypeError, ValueError) as error:
        raise OutputError(f"{path} is damaged: {type(error).__name__} {error}.") from error


def _answer(reading: KeyRow, item: dict[str, Any]) -> Answer:
    confidence, seconds = item["confidence"], float(item["seconds"])
    if confidence not in CONFIDENCES or not 0 <= seconds < float("inf"):
        raise ValueError(f"confidence {confidence} after {seconds} s")
    return Answer(reading, int(confidence), seconds, str(item.get("comment", "")))


def read_object_of(path: Path) -> dict[str, Any]:
    """Return what a file of a study holds; raise `OutputError` if it lacks or is damaged."""
    try:
        return read_object(path, MOST_RECORD_BYTES)
    except OSError as error:
        raise OutputError(f"Cannot read {path}: {reason(error)}.") from error
    except ValueError as error:
        raise OutputError(f"{path} is damaged: {error}.") from error
