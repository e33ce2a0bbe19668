"""Explain every case of a bench into a folder of results; what is done isn't done again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import Cancelled, CTCounterfactualError, as_out_of_memory
from ..events import CancelToken, ProgressCallback, Reporter
from ..storage.names import check_name
from .bench_settings import BenchRun
from .case_events import CaseEvents
from .explain_case import explain_case
from .layout import chosen, read_cases
from .models import Models
from .record import RunRecord

if TYPE_CHECKING:
    from ..models.own.consent import Consent


def run_bench(
    bench: str | Path,
    results: str | Path,
    wanted: BenchRun,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    consent: Consent | None = None,
) -> dict[str, str]:
    """Explain each case of a bench into `results/CASE`; go on where an earlier run ended.

    A case that can't be explained is told by an event `failed`, noted in `run.json`, and doesn't
    keep the others; the next run tries it again.

    Returns
    -------
    dict
        Case -> why it has no result; empty if all went well.

    Raises
    ------
    ScanError, SettingsError, OutputError
        If there is no bench, the results are of other settings, or can't be written.
    Cancelled
        If `cancel` was set: finished cases stay, of the one at work nothing is left.
    """
    cases = chosen(read_cases(bench), wanted.only)
    folder = check_name(results)
    record = RunRecord.open(folder, wanted.decisive())
    models = Models(wanted.classifier, wanted.target, wanted.autoencoder, consent)
    reporter = Reporter(progress, cancel)
    failed = {}
    for number, case in enumerate(cases):
        events = CaseEvents(reporter, progress, case.case, number / len(cases), 1 / len(cases))
        try:
            explain_case(case, folder / case.case, wanted, models, events, cancel)
            record.failed.pop(case.case, None)
        except Cancelled as error:
            raise Cancelled(
                f"Cancelled: {number} of {len(cases)} cases are done, and the same command goes on."
            ) from error
        except (CTCounterfactualError, MemoryError, RuntimeError) as error:
            failed[case.case] = _told(error)
            record.failed[case.case] = failed[case.case]
            reporter.report("failed", f"{case.case}: {failed[case.case]}", events.end)
        record.write(folder)
    return failed


def _told(error: BaseException) -> str:
    """Return an error on one line."""
    known = as_out_of_memory(error) or error
    ours = isinstance(known, CTCounterfactualError)
    return " ".join((str(known) if ours else f"{type(known).__name__}: {known}").split())
