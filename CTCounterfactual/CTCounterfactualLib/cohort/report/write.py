"""Write a cohort's `report.html` from its tables: one page that needs no other file nor network."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from ...counterfactual.result import DISCLAIMER
from ...errors import OutputError
from ...outputs.report_blocks import pairs
from ...storage.atomic import write_text
from ..cohort_file import read_cohort
from ..rows import DONE, CaseRow, ChunkRow
from ..tables import read_cases, read_chunks
from .case_table import MOST_ROWS, table_data
from .charts import write_figure_files
from .sections import all_sections, headline

REPORT, FIGURES = "report.html", "figures"
HERE = Path(__file__).parent
MIXED = (
    "The cases have several targets ({targets}), whose scores are mixed in the tables below: run a "
    "cohort for each."
)
# Of a model's digest: enough to tell it from others.
DIGEST_LETTERS = 12


@dataclass(frozen=True)
class Extra:
    """What a report can say beside its tables.

    Parameters
    ----------
    title : str
        Of the page.
    notice : str
        Said on top, in a box; such as that weights were random.
    published : mapping of str to str
        Group of Table 1 -> the value that was published of it, set beside.
    settings : mapping of str to str
        What was asked for, for the page's foot.
    sections : tuple of str
        HTML of more sections, put first.
    """

    title: str = "Counterfactuals of a cohort"
    notice: str = ""
    published: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    sections: tuple[str, ...] = ()


def write_cohort_report(
    folder: str | Path,
    extra: Extra | None = None,
    now: datetime | None = None,
    check: Callable[[], None] = lambda: None,
) -> Path:
    """Write `report.html` and `figures/` of a finished cohort anew; return the page.

    Parameters
    ----------
    folder : str or Path
        A cohort's folder, with `cases.csv` and `chunks.csv`.
    extra : Extra, optional
        What is said beside.
    now : datetime, optional
        Date of the report; None takes the clock's.
    check : callable
        Called now and then; raises to stop.

    Raises
    ------
    OutputError
        If the tables lack or are damaged, have no case, or the report can't be written.
    MissingExtraError
        Without matplotlib.
    """
    folder = Path(folder)
    cases, chunks = read_cases(folder), read_chunks(folder)
    check()
    extra = extra or Extra()
    if not extra.settings:
        extra = replace(extra, settings=_asked(folder))
    page, figures = report_page(cases, chunks, folder, extra, now)
    check()
    for name, figure in figures.items():
        write_figure_files(figure, folder / FIGURES, name)
    write_text(folder / REPORT, page)
    return folder / REPORT


def _asked(folder: Path) -> dict[str, Any]:
    """Return what a cohort was asked for, for the page's foot; empty if it isn't told."""
    with suppress(OutputError, KeyError, TypeError, AttributeError):
        about = read_cohort(folder)
        settings = dict(about["settings"])
        inner = settings.pop("settings", {})
        models = {
            role: f"{about[role]['name']} {about[role]['sha256'][:DIGEST_LETTERS]}"
            for role in ("classifier", "autoencoder")
            if about.get(role)
        }
        versions = " ".join(f"{name} {number}" for name, number in about["versions"].items())
        told = settings | inner | models | {"versions": versions}
        return {name: value for name, value in told.items() if value not in (None, "", [], {})}
    return {}


def report_page(
    cases: Sequence[CaseRow],
    chunks: Sequence[ChunkRow],
    folder: Path,
    extra: Extra,
    now: datetime | None = None,
) -> tuple[str, dict[str, Any]]:
    """Return the page, all that users or files named escaped, and its figures by name.

    Raises
    ------
    OutputError
        If there is no case.
    """
    if not cases:
        raise OutputError(f"{folder} has no case to report of.")
    now = now or datetime.now().astimezone()
    script = (HERE / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode("utf-8")).digest()).decode("ascii")
    sections, figures = all_sections(cases, chunks, folder, extra.published)
    done = sum(case.status == DONE for case in cases)
    patients = len({case.group for case in cases})
    targets = sorted({case.target for case in cases if case.target})
    told = ", ".join(targets) or "no target known"
    about = f"{len(cases)} cases of {patients} patients, {done} explained; {told}; "
    notices = [extra.notice, MIXED.format(targets=told) if len(targets) > 1 else ""]
    page = Template((HERE / "page.html").read_text(encoding="utf-8")).substitute(
        style=(HERE / "page.css").read_text(encoding="utf-8"),
        digest=f"sha256-{digest}",
        title=escape(extra.title),
        about=escape(about + now.strftime("%Y-%m-%d")),
        answer=escape(headline(cases)),
        disclaimer=escape(DISCLAIMER),
        notice="".join(f'<p class="notice">{escape(text)}</p>' for text in notices if text),
        sections="".join([*extra.sections, *sections]),
        footer=pairs([(name, str(value)) for name, value in extra.settings.items()]),
        cases="All cases"
        if len(cases) <= MOST_ROWS
        else f"The first {MOST_ROWS} of {len(cases)} cases; all are in cases.csv",
        data=table_data(cases),
        script=script,
    )
    return page, figures
