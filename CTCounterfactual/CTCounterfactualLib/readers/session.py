"""A reader's session outside a browser, such as in Slicer: the next case, answers kept at once.

The files are those of the page: `answers/answers-NAME-1.json`, written anew after each case, so
that nothing is lost and the session can be gone on with another day.
"""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from time import monotonic
from typing import Any

from ..errors import OutputError, SettingsError
from ..storage.atomic import write_json
from .answers import CONFIDENCES, KeyRow, read_key, read_object_of
from .make import ANSWERS, SCHEMA, STUDY


class ReadingSession:
    """What one reader has still to read in one session.

    Parameters
    ----------
    study : str or Path
        Folder that `make_study` wrote.
    reader : str
        Name of the reader.
    session : int
        1 or 2.

    Raises
    ------
    OutputError
        If it is no study, or answers that are there already are damaged.
    SettingsError
        If there is no such reader or session.
    """

    def __init__(self, study: str | Path, reader: str, session: int = 1) -> None:
        self.folder, self.reader, self.session = Path(study), reader, session
        self._study = read_object_of(self.folder / STUDY)
        key = read_key(self.folder)
        own = [row for row in key if (row.reader, row.session) == (reader, session)]
        if not own:
            names = ", ".join(sorted({row.reader for row in key}))
            raise SettingsError(
                f"The study has no reader {reader!r} with a session {session}; readers: {names}, "
                f"sessions 1 and 2."
            )
        self._own = sorted(own, key=lambda row: row.place)
        self._path = self.folder / ANSWERS / f"answers-{reader}-{session}.json"
        self._answers = self._earlier()
        self._since = monotonic()

    @property
    def question(self) -> str:
        """What is to be looked for."""
        return str(self._study.get("question", ""))

    @property
    def current(self) -> KeyRow | None:
        """The case to read now; None at the end."""
        done = len(self._answers)
        return self._own[done] if done < len(self._own) else None

    @property
    def progress(self) -> str:
        """How far it has come, in words."""
        return f"{len(self._answers)} of {len(self._own)} cases read"

    def shown(self) -> None:
        """Count the time of the current case from now on."""
        self._since = monotonic()

    def answer(self, confidence: int, comment: str = "") -> None:
        """Keep the answer to the current case, and go on to the next.

        Parameters
        ----------
        confidence : int
            1 surely not, to 5 surely.
        comment : str
            Anything.

        Raises
        ------
        SettingsError
            If it is no such number, or all cases are read.
        OutputError
            If it can't be written: the case is then still the current one.
        """
        row = self.current
        if row is None:
            raise SettingsError("All cases of this session are read.")
        if confidence not in CONFIDENCES:
            raise SettingsError(f"The confidence is {confidence!r}; give 1 (surely not) to 5.")
        one = {
            "number": row.number,
            "confidence": int(confidence),
            "seconds": round(monotonic() - self._since, 1),
            "comment": comment,
            "at": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        }
        write_json(self._path, self._content([*self._answers, one]), parents=True)
        self._answers.append(one)

    def _content(self, answers: list[dict[str, Any]]) -> dict[str, Any]:
        return {
            "schema": SCHEMA,
            "study": self._study["study"],
            "reader": self.reader,
            "session": self.session,
            "answers": answers,
        }

    def _earlier(self) -> list[dict[str, Any]]:
        """Return the answers of an earlier day; they must be those of the first cases, in order."""
        if not self._path.exists():
            return []
        content = read_object_of(self._path)
        answers = content.get("answers")
        expected = [row.number for row in self._own]
        if (
            content.get("study") != self._study["study"]
            or not isinstance(answers, list)
            or [one.get("number") for one in answers] != expected[: len(answers)]
        ):
            raise OutputError(
                f"{self._path} holds other answers than this session's; move it away."
            )
        return answers
