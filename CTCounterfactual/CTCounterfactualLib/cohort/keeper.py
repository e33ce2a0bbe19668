"""A cohort as far as it has come, and how it grows as works end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..errors import Cancelled, OutputError, WorkerUnfit
from ..events import Reporter
from .case_record import case_row, chunk_rows, is_record, new_record, record_file
from .cohort_settings import CohortSettings
from .dispatch import Answer
from .manifest import Case
from .output import Output
from .pace import CohortPace
from .rows import FAILED, CaseRow, ChunkRow
from .work import Work
from .worker import CANCELLED, NO_SPACE, OUTPUT, RECORD, WORKER

# A case that fails is tried once more.
ATTEMPTS = 2


@dataclass
class Cohort:
    """A cohort as far as it has come.

    Parameters
    ----------
    location : str
        Where it is written.
    cases : tuple of Case
        All of its manifest.
    rows : dict
        Of the cases that are done or have failed, by id.
    chunks : dict
        Of the same cases.
    made : int
        How many this run has explained or tried; all others had been done before.
    """

    location: str
    cases: tuple[Case, ...]
    rows: dict[str, CaseRow] = field(default_factory=dict)
    chunks: dict[str, list[ChunkRow]] = field(default_factory=dict)
    made: int = 0

    def count(self, status: str) -> int:
        """Return how many cases have a status, `done` or `failed`."""
        return sum(row.status == status for row in self.rows.values())

    def in_order(self) -> list[CaseRow]:
        """Return the rows in the manifest's order."""
        return [self.rows[case.id] for case in self.cases if case.id in self.rows]


class Keeper:
    """Hears how works end, and keeps their rows."""

    def __init__(
        self, cohort: Cohort, output: Output, wanted: CohortSettings, reporter: Reporter
    ) -> None:
        self._cohort, self._output, self._wanted = cohort, output, wanted
        self._reporter, self._pace = reporter, CohortPace()
        self._cases = {case.id: case for case in cohort.cases}

    def waiting(self, words: str) -> None:
        """Say that nothing goes on for now."""
        self._tell("waiting", words)

    def ended(self, work: Work, answer: Answer) -> Work | None:
        """Take a work's answer; return what to do in its place: the same once more, or nothing."""
        case, kind = work.case, answer["kind"]
        if kind == RECORD:
            self._keep(answer["record"], answer["made"])
            return None
        if kind == CANCELLED:
            raise Cancelled()
        reason = answer["reason"]
        if kind == NO_SPACE:
            raise OutputError(
                f"{reason} What is done stays: make room, and the same command goes on."
            )
        if work.attempt < ATTEMPTS:
            self._tell("again", f"{case.id}: {reason} It is tried once more")
            return work.again()
        if kind == OUTPUT:
            raise OutputError(reason)
        if kind == WORKER:
            raise WorkerUnfit(reason)
        record = self._output.read_json(record_file(case.id))
        if not is_record(record, case.id):
            record = new_record(case.id)
        assert record is not None
        record["failed"] = {"reason": reason, "attempts": work.attempt}
        self._output.write_json(record_file(case.id), record)
        self._keep(record, True)
        return None

    def _keep(self, record: dict[str, Any], made: bool) -> None:
        cohort, case = self._cohort, self._cases[record["id"]]
        cohort.rows[case.id] = row = case_row(case, record)
        cohort.chunks[case.id] = chunk_rows(record, self._wanted.chunks)
        cohort.made += made
        if made:
            self._pace.explained()
        self._tell("failed" if row.status == FAILED else "case", f"{case.id}: {_words(row, made)}")

    def _tell(self, step: str, words: str) -> None:
        total, ended = len(self._cohort.cases), len(self._cohort.rows)
        pace = self._pace.words(total - ended)
        where = f"{ended} of {total}" + (f", {pace}" if pace else "")
        self._reporter.report(step, f"{words} ({where})", ended / total)


def _words(row: CaseRow, made: bool) -> str:
    if row.status == FAILED:
        return f"failed: {row.reason}"
    if not made:
        return "done before"
    after = row.score_counterfactual
    score = f"{row.score_original:.4g}" + ("" if after is None else f" -> {after:.4g}")
    return f"{row.target} {score} {row.unit}".rstrip() + f", {row.seconds:.1f} s"
