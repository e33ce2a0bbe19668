"""`report.html` of a method's map: the same kind of page as that of a counterfactual."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from html import escape
from pathlib import Path
from string import Template
from typing import Any

from ..counterfactual.result import DISCLAIMER
from ..methods.attribution import Attribution
from ..methods.levels import strongest
from ..storage.atomic import write_text
from . import map_pictures, map_words, report_blocks, report_pictures
from .attribution_files import cleaned_attribution
from .says.page import section
from .says.sentences import what_this_says

PAGE = Path(__file__).with_name("map_report.html")


def write_map_report(
    attribution: Attribution,
    path: str | Path,
    now: datetime | None = None,
    measured: str = "",
    tests: Sequence[Mapping[str, Any]] = (),
) -> None:
    """Write the report of a map as one HTML page; see `report.write_report`."""
    write_text(path, map_report_page(attribution, now, measured, tests))


def map_report_page(
    attribution: Attribution,
    now: datetime | None = None,
    measured: str = "",
    tests: Sequence[Mapping[str, Any]] = (),
) -> str:
    """Return the report's HTML; everything that comes from a user or a model is escaped."""
    attribution = cleaned_attribution(attribution)
    now = now or datetime.now().astimezone()
    method, target, classifier = attribution.method, attribution.target, attribution.classifier
    about = (
        attribution.scan.name,
        f"classifier {classifier.name}",
        f"method {method.name}",
        now.strftime("%Y-%m-%d"),
    )
    return Template(PAGE.read_text(encoding="utf-8")).substitute(
        style=report_blocks.style(),
        title=escape(f"{attribution.scan.name}: {target.name} by {method.name}"),
        disclaimer=escape(DISCLAIMER),
        question=escape(map_words.question(attribution)),
        answer=escape(map_words.answer(attribution)),
        about=escape(" \N{MIDDLE DOT} ".join(about)),
        flags=report_blocks.flags(attribution.flags),
        pictures=map_pictures.pictures(attribution),
        legend_title=escape(f"Map of {method.name}"),
        legend=report_pictures.scale(
            map_words.ticks(strongest(attribution.values)), map_words.SIDES
        ),
        reading=report_blocks.paragraphs(map_words.how_to_read(attribution)),
        says=section(what_this_says(attribution, tests)),
        tables=_table(attribution),
        measured=measured,
        sources=report_blocks.sources(map_words.sources(attribution)),
        run=report_blocks.pairs(map_words.run(attribution, now)),
        options=report_blocks.pairs(map_words.options(attribution)),
    )


def _table(attribution: Attribution) -> str:
    """Return what the method lists as a table; nothing where it lists nothing."""
    heads, rows = map_words.listing(attribution)
    if not rows:
        return ""
    head = "".join(f"<th>{escape(text)}</th>" for text in heads)
    body = "".join(
        f"<tr>{''.join(f'<td>{escape(text)}</td>' for text in row)}</tr>" for row in rows
    )
    title = escape(f"What {attribution.method.name} found")
    return (
        f"<section><h2>{title}</h2><table><thead><tr>{head}</tr></thead>"
        f"<tbody>{body}</tbody></table></section>"
    )
