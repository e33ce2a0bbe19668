"""The report's tables in HTML: what `table_one`, `figure_five` and `outcomes` found."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from html import escape

from ...evaluation.definitions import METRICS
from ...outputs.numbers import amount, fixed, percent, signed
from ...statistics.compare import Difference
from ...statistics.describe import Description
from .figure_five import SizeReduction
from .outcomes import VERDICTS, Shortcut, Success
from .table_one import TableOne

# p-values below this are told as such: smaller ones hang on what a test assumes.
SMALLEST_P = 0.001
PLUS_MINUS, DASH = "\N{PLUS-MINUS SIGN}", "\N{EN DASH}"
# Cases of one reason that are named.
NAMED = 5


def table(head: Iterable[str], rows: Iterable[Iterable[str]], kind: str = "") -> str:
    """Return a table; all cells are escaped."""
    heads = "".join(f"<th>{escape(cell)}</th>" for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows
    )
    attribute = f' class="{kind}"' if kind else ""
    return f"<table{attribute}><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def scores(found: TableOne, published: dict[str, str] | None = None) -> str:
    """Return the rows of Table 1; with a column of published values beside, if there are any."""
    head = ["", "N", "mean \N{PLUS-MINUS SIGN} s.e.", "95 % interval", "median"]
    rows = [
        [
            group.name,
            str(group.scores.n),
            plus_minus(group.scores),
            interval(group.low, group.high),
            number(group.scores.median),
        ]
        for group in found.groups
    ]
    if published:
        head.append("published")
        rows = [[*row, published.get(row[0], "")] for row in rows]
    return table(head, rows)


def differences(found: TableOne) -> str:
    """Return what is compared in Table 1, each with its tests and effect."""
    head = ("", "difference", "95 % interval", "test of means", "test of ranks", "effect", "N")
    return table(head, [[name, *_difference(one)] for name, one in found.differences])


def _difference(one: Difference) -> list[str]:
    counted = str(one.n) if one.n == one.m else f"{one.n}, {one.m}"
    return [
        signed(one.value),
        interval(one.low, one.high),
        f"{one.test}: {p_value(one.p)}",
        f"{one.rank_test}: {p_value(one.rank_p)}",
        f"{one.effect_name} {number(one.effect, 3)}",
        counted + (" (tests by patient)" if one.unit == "patients" else ""),
    ]


def sizes(found: Sequence[SizeReduction]) -> str:
    """Return the figures behind Figure 5, a row a chunk size."""
    head = (
        "chunk",
        "",
        "N",
        "reduction, mean \N{PLUS-MINUS SIGN} s.e.",
        "95 % interval",
        "score left",
    )
    return table(
        head,
        [
            [
                str(one.chunk) if one.chunk else "whole",
                "positives" if one.positive else "negatives",
                str(one.reduction.n),
                plus_minus(one.reduction),
                interval(one.low, one.high),
                plus_minus(one.after),
            ]
            for one in found
        ],
    )


def successes(found: Sequence[Success]) -> str:
    """Return the success rates with their intervals."""
    return table(
        ("", "share", "95 % interval", "of"),
        [
            [
                one.name,
                percent(one.share.value),
                f"{percent(one.share.low)} to {percent(one.share.high)}"
                if math.isfinite(one.share.low)
                else DASH,
                f"{one.share.count} / {one.share.n}",
            ]
            for one in found
        ],
    )


def measures(found: dict[str, tuple[Description, Description]]) -> str:
    """Return the metrics of `evaluate`, medians with quartiles, and what each means."""
    rows = []
    for name, (positives, negatives) in found.items():
        meaning = METRICS.get(name)
        rows.append(
            [
                name.replace("_", " "),
                quartiles(positives),
                quartiles(negatives),
                f"{positives.n}, {negatives.n}",
                meaning.words if meaning else "",
            ]
        )
    return table(("metric", "positives", "negatives", "N", "what it is"), rows, "words")


def verdicts(found: dict[str, Counter[str]]) -> str:
    """Return the tests of trust: how many cases got which verdict."""
    others = sorted({verdict for counted in found.values() for verdict in counted} - set(VERDICTS))
    columns = [*VERDICTS, *others]
    return table(
        ("test", *columns),
        [[name, *(str(counted[one]) for one in columns)] for name, counted in found.items()],
    )


def shortcuts(found: Sequence[Shortcut]) -> str:
    """Return the reactions to distractors, beside that to a finding."""
    return table(
        ("put into the scan", "median reaction", "quartiles", "scans: doubtful", "scans: bad", "N"),
        [
            [
                one.name,
                percent(one.reaction.median),
                f"{percent(one.reaction.low)} to {percent(one.reaction.high)}",
                percent(one.doubtful),
                percent(one.bad),
                str(one.reaction.n),
            ]
            for one in found
        ],
    )


def flags(found: Sequence[tuple[str, int]], cases: int) -> str:
    """Return the flags that were raised, most frequent first."""
    return table(
        ("flag", "cases", "share"),
        [[name, str(count), percent(count / cases)] for name, count in found],
    )


def failures(found: Sequence[tuple[str, list[str]]]) -> str:
    """Return why cases failed, and which."""
    rows = []
    for reason, ids in found:
        more = len(ids) - NAMED
        named = ", ".join(ids[:NAMED]) + (f" and {more} more" if more > 0 else "")
        rows.append([reason, str(len(ids)), named])
    return table(("why", "cases", ""), rows, "words")


def number(value: float, digits: int = 4) -> str:
    """Return a number, or a dash if it is none."""
    return amount(value, digits) if math.isfinite(value) else DASH


def p_value(p: float) -> str:
    """Return a p-value as papers write it."""
    if not math.isfinite(p):
        return f"p {DASH}"
    return f"p < {SMALLEST_P}" if p < SMALLEST_P else f"p = {fixed(p, 3)}"


def interval(low: float, high: float) -> str:
    """Return an interval, or a dash if there is none."""
    if not (math.isfinite(low) and math.isfinite(high)):
        return DASH
    return f"{number(low, 3)} to {number(high, 3)}"


def plus_minus(one: Description) -> str:
    """Return mean and standard error."""
    if not one.n:
        return DASH
    error = number(one.standard_error, 2)
    return f"{number(one.mean)} {PLUS_MINUS} {error}"


def quartiles(one: Description) -> str:
    """Return a median with the quartiles around it."""
    if not one.n:
        return DASH
    return f"{number(one.median, 3)} ({number(one.low, 3)} to {number(one.high, 3)})"
