"""Explain a cohort: every case of a manifest, by workers, going on where an earlier run ended."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..counterfactual.result import DISCLAIMER
from ..errors import Cancelled, OutputError, WorkerUnfit
from ..events import CancelToken, ProgressCallback, Reporter
from ..storage.lock import locked
from .case_record import case_row, chunk_rows, is_record, new_record, record_file
from .cluster import Cluster, check_process, open_client
from .cohort_file import FINISHED, RUNNING, SCHEMA, STOPPED, check_output
from .cohort_settings import CohortSettings
from .dispatch import Answer, Dispatcher
from .fingerprint import code_digest
from .manifest import Case, read_manifest
from .output import FolderOutput, Output, open_output
from .pace import CohortPace
from .ready import Ready, make_ready
from .rows import CASES, CHUNKS, COHORT, DONE, FAILED, CaseRow, ChunkRow
from .tables import write_tables
from .work import Work
from .worker import CANCELLED, NO_SPACE, OUTPUT, RECORD, WORKER

if TYPE_CHECKING:
    from ..models.own.consent import Consent

LOCK = ".ct-counterfactual-cohort.lock"
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


def run_cohort(
    manifest: str,
    location: str,
    wanted: CohortSettings,
    cluster: Cluster | None = None,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    consent: Consent | None = None,
) -> Cohort:
    """Explain each case of a manifest; write a folder a case, their records, and the tables.

    A case that fails (its file is corrupt, memory lacks, its worker is killed, it hangs) is tried
    once more, by another worker if there is one; then its reason is recorded, and the others go on.
    The next run tries it again. A run that was stopped or killed goes on where it ended, and does
    again only what is made of other files, models, settings or code.

    Parameters
    ----------
    manifest : str
        CSV or Parquet; see `cohort.manifest`.
    location : str
        Folder or URL to write to, absent, empty, or of an earlier run.
    wanted : CohortSettings
        How to explain.
    cluster : Cluster, optional
        Where; none: workers of this computer.
    consent : Consent, optional
        Whether code of own models may run; asked here, before any worker begins.

    Raises
    ------
    SettingsError, ModelError, MissingExtraError
        Before anything is written.
    OutputError
        If it can't be written, such as when the disk is full; the same command goes on.
    WorkerUnfit
        If workers lack what all cases need.
    Cancelled
        If `cancel` was set; the same command goes on.
    """
    started, cancel = perf_counter(), cancel or CancelToken()
    reporter = Reporter(progress, cancel)
    check_process()
    cluster = cluster or Cluster()
    cases = read_manifest(manifest, cancel.check)
    output = open_output(location)
    check_output(output)
    ready = make_ready(cases, wanted, consent)
    cohort = Cohort(output.location, cases)
    run = uuid.uuid4().hex
    about = _about(manifest, cases, wanted, cluster, ready, run)

    def note(state: str) -> None:
        counts = {"done": cohort.count(DONE), "failed": cohort.count(FAILED)}
        seconds = round(perf_counter() - started, 3)
        output.write_json(COHORT, about | counts | {"state": state, "seconds": seconds})

    with _alone(output):
        note(RUNNING)
        try:
            reporter.report("workers", "Starting workers", 0.0)
            with open_client(cluster, ready.gpus) as client:
                _tell_workers(client, cluster, reporter)
                work = Work(cases[0], wanted, ready.models, output.location, run, code_digest())
                works = (replace(work, case=case) for case in cases)
                keeper = _Keeper(cohort, output, wanted, reporter)
                dispatcher = Dispatcher(client, run, cancel, keeper.waiting)
                dispatcher.each(works, keeper.ended)
        except BaseException as error:
            with suppress(Exception):  # a full disk, too, may be why it stops
                _write_tables(cohort, output)
                note(STOPPED)
            if isinstance(error, Cancelled):
                raise Cancelled(
                    f"Cancelled: {len(cohort.rows)} of {len(cases)} cases are done, and the same "
                    f"command goes on."
                ) from error
            raise
        _write_tables(cohort, output)
        note(FINISHED)
    reporter.report(
        "cohort",
        f"{cohort.count(DONE)} case(s) done, {cohort.count(FAILED)} failed, in {output.location}",
        1.0,
        output=output.location,
        done=cohort.count(DONE),
        failed=cohort.count(FAILED),
        made=cohort.made,
    )
    return cohort


class _Keeper:
    """Hears how works end, and keeps their rows."""

    def __init__(
        self, cohort: Cohort, output: Output, wanted: CohortSettings, reporter: Reporter
    ) -> None:
        self._cohort, self._output, self._wanted = cohort, output, wanted
        self._reporter, self._pace = reporter, CohortPace()
        self._cases = {case.id: case for case in cohort.cases}

    def waiting(self, words: str) -> None:
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


@contextmanager
def _alone(output: Output) -> Iterator[None]:
    """Hold a folder of this computer; of a store nothing can be held."""
    if not isinstance(output, FolderOutput):
        yield
        return
    try:
        output.path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"Cannot make {output.path}: {error.strerror}.") from error
    with locked(output.path / LOCK, f"The cohort in {output.path}"):
        yield


def _tell_workers(client: Any, cluster: Cluster, reporter: Reporter) -> None:
    count = len(client.nthreads())
    link = client.dashboard_link if client.scheduler_info().get("services", {}) else ""
    where = f"of {cluster.scheduler}" if cluster.scheduler else "of this computer"
    told = f"{count} worker(s) {where}, {cluster.threads} thread(s) each"
    if cluster.scheduler:
        told = f"{count} worker(s) {where}"
    reporter.report(
        "workers", told + (f"; dashboard: {link}" if link else ""), 0.0, dashboard=link, count=count
    )


def _about(
    manifest: str,
    cases: tuple[Case, ...],
    wanted: CohortSettings,
    cluster: Cluster,
    ready: Ready,
    run: str,
) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "disclaimer": DISCLAIMER,
        "run": run,
        "manifest": {"path": manifest, "cases": len(cases)},
        "settings": wanted.to_dict(),
        **ready.about,
        "workers": {"scheduler": cluster.scheduler, "threads": cluster.threads},
    }


def _write_tables(cohort: Cohort, output: Output) -> None:
    rows = cohort.in_order()
    chunks = [chunk for row in rows for chunk in cohort.chunks[row.id]]
    local = isinstance(output, FolderOutput)
    made = nullcontext(output.location) if local else tempfile.TemporaryDirectory()
    with made as folder:
        write_tables(Path(folder), rows, chunks)
        if not local:
            for name in (CASES, CHUNKS):
                for suffix in (".csv", ".parquet"):
                    output.put_file(name + suffix, Path(folder) / f"{name}{suffix}")
