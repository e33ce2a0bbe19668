"""What reports of both kinds are put together from: style, warnings, lists, pairs, sources."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from pathlib import Path

from ..counterfactual.result import Flag
from . import report_words

STYLE = Path(__file__).with_name("report.css")


def style() -> str:
    """Return the pages' style sheet."""
    return STYLE.read_text(encoding="utf-8")


def flags(found: Iterable[Flag]) -> str:
    """Return the warnings as a list."""
    rows = "".join(
        f"<li><b>{escape(report_words.flag_title(flag))}.</b> {escape(flag.message)}</li>"
        for flag in found
    )
    return (
        f'<ul class="flags">{rows}</ul>' if rows else '<p class="fine">No warnings were raised.</p>'
    )


def paragraphs(items: Iterable[tuple[str, str]]) -> str:
    """Return headings and texts as paragraphs."""
    return "".join(f"<p><b>{escape(head)}</b> {escape(text)}</p>" for head, text in items)


def pairs(items: Iterable[tuple[str, str]]) -> str:
    """Return names and values as a list of definitions."""
    rows = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in items
    )
    return f"<dl>{rows}</dl>"


def sources(items: Iterable[tuple[str, str, str]]) -> str:
    """Return headings, texts and digests of scan and models."""
    return "".join(
        f"<p><b>{escape(head)}</b> {escape(text)} "
        + (f"SHA-256:<br><code>{escape(digest)}</code></p>" if digest else "No SHA-256.</p>")
        for head, text, digest in items
    )
