"""The sections of a cohort's report: each a heading with tables, figures and how to read them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from ...outputs.numbers import fixed, percent
from ..rows import DONE, CaseRow, ChunkRow
from . import blocks, charts, outcomes
from .chosen_cases import cards, choose
from .figure_five import by_case_and_size, profiles, reductions
from .scores import LOGIT, SCORE, has_logits, scored
from .table_one import table_one

HOW_TABLE_ONE = (
    "Mean \N{PLUS-MINUS SIGN} standard error over the scans. Intervals: 95 %, by a bootstrap over "
    "patients, so that several scans of one patient are one draw. Differences of the same scans "
    "are tested in pairs."
)
HOW_FIGURE_FIVE = (
    "One chunk is changed at a time, all other slices stay; of each scan the chunk counts that "
    "lowers the score most. Error bars: standard error."
)
HOW_STRESS = (
    "Greatest reaction in each scan, in percent of that to a planted finding; a classifier should "
    "ignore all of these."
)


def all_sections(
    cases: Sequence[CaseRow],
    chunks: Sequence[ChunkRow],
    folder: Path,
    published: Mapping[str, str],
) -> tuple[list[str], dict[str, Any]]:
    """Return the sections' HTML, in order, and the figures by name."""
    figures: dict[str, Any] = {}
    unit = next((case.unit for case in cases if case.unit), "")
    made = [
        *_table_one(cases, unit, published),
        *_figure_five(cases, chunks, unit, figures),
        _successes(cases),
        *_tests(cases),
        _examples(cases, folder, unit),
        *_cost(cases, figures),
    ]
    return made, figures


def headline(cases: Sequence[CaseRow]) -> str:
    """Return the cohort in a sentence: how much of the gap the counterfactuals close."""
    together = scored(cases)
    if not len(together):
        return "No case has scores before and after."
    found = table_one(together)
    if not math.isfinite(found.gap_closed):
        moved = float((together.before - together.after).mean())
        told = f"The counterfactuals lower the score by {blocks.number(moved, 3)} on average."
        if math.isfinite(found.auc):
            return f"Positives score no higher than negatives: there is no gap to close. {told}"
        return told
    return (
        f"The counterfactuals of positives close {percent(found.gap_closed)} of the gap between "
        f"positives and negatives, which the classifier tells apart with an AUC of "
        f"{fixed(found.auc, 3)}."
    )


def _section(title: str, *parts: str) -> str:
    return f"<section><h2>{escape(title)}</h2>{''.join(parts)}</section>"


def _fine(text: str) -> str:
    return f'<p class="fine">{escape(text)}</p>'


def _table_one(cases: Sequence[CaseRow], unit: str, published: Mapping[str, str]) -> list[str]:
    together = scored(cases, SCORE)
    if not len(together):
        return []
    found = table_one(together)
    parts = [blocks.scores(found, dict(published)), blocks.differences(found), _fine(HOW_TABLE_ONE)]
    if has_logits(cases):
        logits = table_one(scored(cases, LOGIT))
        parts += [
            "<h3>The same on the logit of the probability</h3>",
            blocks.scores(logits),
            blocks.differences(logits),
        ]
    return [_section(f"Table 1: scores{f' ({unit})' if unit else ''}", *parts)]


def _figure_five(
    cases: Sequence[CaseRow], chunks: Sequence[ChunkRow], unit: str, figures: dict[str, Any]
) -> list[str]:
    searches = by_case_and_size(chunks)
    found = reductions(cases, searches)
    together = scored(cases)
    drawn: list[tuple[str, str]] = []
    if found:
        figures["chunk-sizes"] = charts.by_chunk_size(found, unit)
        drawn.append(("chunk-sizes", HOW_FIGURE_FIVE))
    if len(together):
        thresholds = {case.threshold for case in cases if case.threshold is not None}
        threshold = thresholds.pop() if len(thresholds) == 1 else None
        figures["distributions"] = charts.distributions(together, unit, threshold)
        drawn.append(("distributions", "How the scores are spread."))
    # Where the evidence lies is told best by the finest chunks.
    for size in sorted({size for _, size in searches})[:2]:
        name = f"along-the-body-{size}"
        figures[name] = charts.along_the_body(profiles(cases, searches, size), unit)
        drawn.append((name, f"Where along the body the score falls: chunks of {size} slices."))
    if not drawn:
        return []
    pictures = "".join(
        f"<figure>{charts.svg(figures[name])}<figcaption>{escape(text)}</figcaption></figure>"
        for name, text in drawn
    )
    return [
        _section(
            "Figure 5: by chunk size, distributions, along the body",
            f'<div class="pair">{pictures}</div>',
            blocks.sizes(found) if found else "",
            _fine("As SVG and PNG in the folder figures/."),
        )
    ]


def _successes(cases: Sequence[CaseRow]) -> str:
    parts = [blocks.successes(outcomes.successes(cases))]
    done = sum(case.status == DONE for case in cases)
    if raised := outcomes.flags(cases):
        parts += ["<h3>Flags</h3>", blocks.flags(raised, done)]
    if failed := outcomes.failures(cases):
        parts += ["<h3>Cases that failed</h3>", blocks.failures(failed)]
    return _section("Success", *parts)


def _tests(cases: Sequence[CaseRow]) -> list[str]:
    made = []
    if measured := outcomes.measures(cases):
        text = "Median, with quartiles."
        made.append(_section("Measures", blocks.measures(measured), _fine(text)))
    if tested := outcomes.verdicts(cases):
        made.append(_section("Tests of trust: cases by verdict", blocks.verdicts(tested)))
    if found := outcomes.shortcuts(cases):
        made.append(_section("Dependence on shortcuts", blocks.shortcuts(found), _fine(HOW_STRESS)))
    return made


def _examples(cases: Sequence[CaseRow], folder: Path, unit: str) -> str:
    chosen = choose(cases)
    if not chosen:
        return ""
    text = "By how far the score falls; positives, where there are any."
    return _section(
        "Best, median and worst cases",
        f'<div class="examples">{cards(chosen, folder, unit)}</div>',
        _fine(text),
    )


def _cost(cases: Sequence[CaseRow], figures: dict[str, Any]) -> list[str]:
    seconds, memory = outcomes.cost(cases)
    if not seconds.n:
        return []
    figures["cost"] = charts.costs(
        np.array([case.seconds for case in cases if case.seconds is not None]),
        np.array([case.peak_mb for case in cases if case.peak_mb is not None]),
    )
    rows = [
        ["seconds a case", blocks.quartiles(seconds), blocks.plus_minus(seconds), str(seconds.n)],
        ["peak memory, MB", blocks.quartiles(memory), blocks.plus_minus(memory), str(memory.n)],
    ]
    hours = seconds.mean * seconds.n / 3600
    return [
        _section(
            "Time and memory",
            blocks.table(("", "median (quartiles)", "mean \N{PLUS-MINUS SIGN} s.e.", "N"), rows),
            _fine(f"Together {blocks.number(hours, 3)} hours of work."),
            f'<div class="pair"><figure>{charts.svg(figures["cost"])}</figure></div>',
        )
    ]
