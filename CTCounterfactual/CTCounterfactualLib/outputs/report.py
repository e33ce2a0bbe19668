"""`report.html`: one page for a colleague, which needs no other file, program or network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from ..counterfactual.result import DISCLAIMER, Explanation
from ..storage.atomic import write_text
from . import report_blocks, report_evidence, report_pictures, report_region, report_words
from .says.page import section
from .says.sentences import what_this_says
from .texts import cleaned

PAGE = Path(__file__).with_name("report.html")


def write_report(
    explanation: Explanation,
    path: str | Path,
    now: datetime | None = None,
    measured: str = "",
    tests: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write the report of an explanation as one HTML page that prints on A4.

    It names the scan and its digest, but no path of the disk.

    Parameters
    ----------
    explanation : Explanation
        What to report.
    path : str or Path
        The file; one that is there is replaced.
    now : datetime, optional
        Date of the report; None takes the clock's.
    measured : str
        Section of what was measured of it later: `report_measured.measured`.
    tests : sequence of mapping
        What the tests of trust said: `says.files.tests_of`.

    Raises
    ------
    OutputError
        If it can't be written; an earlier file is then untouched.
    """
    write_text(path, report_page(explanation, now, measured, tests))


def report_page(
    explanation: Explanation,
    now: datetime | None = None,
    measured: str = "",
    tests: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Return the report's HTML; everything that comes from a user or a model is escaped."""
    explanation = cleaned(explanation)
    now = now or datetime.now().astimezone()
    classifier, target = explanation.classifier, explanation.target
    return Template(PAGE.read_text(encoding="utf-8")).substitute(
        style=report_blocks.style(),
        title=escape(f"{explanation.scan.name}: {target.name} ({classifier.name})"),
        disclaimer=escape(DISCLAIMER),
        question=escape(report_words.question(explanation)),
        answer=escape(report_words.answer(explanation)),
        about=escape(
            " \N{MIDDLE DOT} ".join(
                [explanation.scan.name, f"classifier {classifier.name}", now.strftime("%Y-%m-%d")]
            )
        ),
        scores=_scores(explanation),
        flags=report_blocks.flags(explanation.flags),
        pictures=report_pictures.pictures(explanation),
        evidence=report_evidence.evidence(explanation),
        search=report_evidence.search_chart(explanation),
        evidence_note=escape(report_words.slabs_note(explanation)),
        search_note=escape(report_words.search_note(explanation)),
        region=report_region.region(explanation),
        says=section(what_this_says(explanation, tests)),
        measured=measured,
        reading=report_blocks.paragraphs(report_words.how_to_read(explanation)),
        unit=escape(explanation.scan.unit),
        legend=report_pictures.legend(explanation),
        sources=report_blocks.sources(report_words.sources(explanation)),
        settings=report_blocks.pairs(report_words.settings(explanation)),
        run=report_blocks.pairs(report_words.run(explanation, now)),
    )


def _scores(explanation: Explanation) -> str:
    return "".join(
        f'<div class="score {escape(kind)}"><h3>{escape(label)}</h3>'
        f"<b>{escape(value)}</b> <span>{escape(unit)}</span><p>{escape(note)}</p></div>"
        for kind, label, value, unit, note in report_words.scores(explanation)
    )
