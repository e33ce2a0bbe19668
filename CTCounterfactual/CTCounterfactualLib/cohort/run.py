"""Explain a cohort: every case of a manifest, by workers, going on where an earlier run ended."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any

from ..counterfactual.result import DISCLAIMER
from ..errors import Cancelled, OutputError
from ..events import CancelToken, ProgressCallback, Reporter
from ..storage.lock import locked
from .cluster import Cluster, check_process, open_client
from .cohort_file import FINISHED, RUNNING, SCHEMA, STOPPED, check_output
from .cohort_settings import CohortSettings
from .dispatch import Dispatcher
from .fingerprint import code_digest
from .keeper import Cohort, Keeper
from .manifest import Case, read_manifest
from .output import FolderOutput, Output, open_output
from .ready import Ready, make_ready
from .rows import CASES, CHUNKS, COHORT, DONE, FAILED
from .tables import write_tables
from .work import Work

if TYPE_CHECKING:
    from ..models.own.consent import Consent

LOCK = ".ct-counterfactual-cohort.lock"


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
                keeper = Keeper(cohort, output, wanted, reporter)
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
