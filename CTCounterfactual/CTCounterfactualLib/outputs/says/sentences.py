"""The sentences: what moved, where, how sure, which flags; each with its number or its flag."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...counterfactual.direction import DECREASE
from ...counterfactual.result import Explanation, Flag, Outcome
from ...counterfactual.scale import gain_on_scale, scale_unit
from ...methods.attribution import Attribution
from ...scans.modality import CT
from ..numbers import amount, fixed, percent
from ..report_words import answer, flag_title
from .advice import advice
from .maps import where_of_map
from .moved import TISSUES, Moved, moved_of

WHAT, WHERE, SURE, FLAGS = "What moved", "Where", "How sure", "What to mind"
# Slabs that are named; one with less than this part of the strongest one's gain isn't.
SLABS_NAMED, TELLING_SLAB = 3, 0.25
# From this part on the change lies on one side.
MOST = 0.6
# Beyond these a share is told with one place.
NEAR_0, NEAR_1 = 0.1, 0.99
STATUSES = ("fail", "warn", "pass", "not run")


@dataclass(frozen=True)
class Section:
    """A heading and its sentences."""

    title: str
    sentences: tuple[str, ...]


def what_this_says(
    result: Explanation | Attribution, tests: Sequence[Mapping[str, Any]] = ()
) -> tuple[Section, ...]:
    """Return what a result says in plain sentences.

    Parameters
    ----------
    result : Explanation or Attribution
    tests : sequence of mapping
        What `trust.json` says of each test, if any were run.

    Returns
    -------
    tuple of Section
        What moved, where, how sure, what to mind. Every sentence has a number in it or names a
        flag.
    """
    if isinstance(result, Attribution):
        what, where = where_of_map(result)
        sure = list(_tests(tests))
    else:
        moved = moved_of(result) if result.scan.modality == CT else None
        what, where = [*_what(result, moved)], [*_where(result, moved)]
        sure = [*_redrawn(result), *_tests(tests)]
    told = (
        (WHAT, what),
        (WHERE, where),
        (SURE, sure),
        (FLAGS, [*_flags(result.flags)]),
    )
    return tuple(Section(title, tuple(each)) for title, each in told if each)


def as_text(sections: Iterable[Section]) -> str:
    """Return sections as plain text, a sentence a line."""
    blocks = ["\n".join([part.title, *(f"- {each}" for each in part.sentences)])
              for part in sections]  # fmt: skip
    return "\n\n".join(blocks) + "\n"


def _what(found: Explanation, moved: Moved | None) -> Iterable[str]:
    yield answer(found)
    if moved is None:
        return
    parts = []
    if moved.less_ml > 0:
        parts.append(
            f"{amount(moved.less_ml, 3)} mL became less dense (median {fixed(moved.less_hu, 0)} HU)"
        )
    if moved.denser_ml > 0:
        parts.append(
            f"{amount(moved.denser_ml, 3)} mL denser (median +{fixed(moved.denser_hu, 0)} HU)"
            if parts
            else f"{amount(moved.denser_ml, 3)} mL became denser (median "
            f"+{fixed(moved.denser_hu, 0)} HU)"
        )
    edge = found.settings.level_edges[0]
    yield f"By {edge:g} HU or more, {' and '.join(parts)}."
    was, became = int(np.argmax(moved.before)), int(np.argmax(moved.after))
    share = moved.before[was] / moved.changed_ml
    share_after = moved.after[became] / moved.changed_ml
    yield (
        f"{percent_of(share)} of that was {TISSUES[was][0]} before; {percent_of(share_after)} is "
        f"{TISSUES[became][0]} now."
    )


def _where(found: Explanation, moved: Moved | None) -> Iterable[str]:
    if moved is not None:
        yield side(moved.left_share, moved.middle_mm, "the lungs" if moved.by_lungs else "the scan")
        low, high = (fixed(edge, 0) for edge in moved.heights_mm)
        yield f"80 % of the change lies between S {low} and S {high} mm."
        if moved.in_lungs_share is not None:
            yield (
                f"{percent_of(moved.in_lungs_share)} of the change lies within the lungs as this "
                f"program found them in the scan, {percent_of(1 - moved.in_lungs_share)} elsewhere."
            )
    if found.region_name:
        yield "0 voxels changed outside the region \N{LEFT DOUBLE QUOTATION MARK}" + (
            f"{found.region_name}\N{RIGHT DOUBLE QUOTATION MARK}, as was asked."
        )
    yield from _slabs(found)


def side(left: float, middle_mm: float, of: str) -> str:
    """Return on which side of the middle the change lies, from the part on the patient's left."""
    middle = f"the middle of {of} (R {fixed(middle_mm, 0)} mm)"
    if max(left, 1 - left) < MOST:
        return (
            f"The change lies on both sides of {middle}: {percent_of(1 - left)} on the patient's "
            f"right, {percent_of(left)} on the left."
        )
    where, share = ("left", left) if left > 0.5 else ("right", 1 - left)
    return f"{percent_of(share)} of the change lies on the patient's {where} of {middle}."


def _slabs(found: Explanation) -> Iterable[str]:
    if not found.chunks:
        return
    unit = scale_unit(found.target.unit)
    gains = {outcome: _gain(found, outcome) for outcome in found.chunks}
    best = max(gains.values())
    if best <= 0:
        yield f"None of the {len(found.chunks)} slabs alone moves the score the wanted way."
        return
    named = sorted(gains, key=lambda outcome: -gains[outcome])[:SLABS_NAMED]
    named = [outcome for outcome in named if gains[outcome] >= TELLING_SLAB * best]
    verb = "lowers" if found.settings.direction == DECREASE else "raises"
    first, *others = (
        f"S {fixed(o.slab_mm[0], 0)} to {fixed(o.slab_mm[1], 0)} mm ({verb} it by "
        f"{f'{amount(gains[o], 3)} {unit}'.strip()})"
        for o in named
    )
    more = f"; then {', '.join(others)}" if others else ""
    if len(found.chunks) == 1:
        yield f"One slab was changed alone: {first}."
    else:
        yield (
            f"Of {len(found.chunks)} slabs, each changed alone, the score depends most on "
            f"{first}{more}."
        )


def _gain(found: Explanation, outcome: Outcome) -> float:
    return gain_on_scale(
        found.target.unit, outcome.direction, outcome.score_before, outcome.score_after
    )


def _redrawn(found: Explanation) -> Iterable[str]:
    """Say how the autoencoder's own move of the score compares with the counterfactual's."""
    scores = found.scores
    alone = abs(scores.reconstruction - scores.original)
    moved = abs(scores.counterfactual - scores.original)
    if moved > 0:
        yield (
            f"The autoencoder's mere redrawing of the scan moves the score by {amount(alone, 3)}, "
            f"{percent_of(alone / moved)} of what the counterfactual moves it by "
            f"({amount(moved, 3)})."
        )
    else:
        yield f"The counterfactual moves the score by 0, redrawing the scan by {amount(alone, 3)}."


def _tests(tests: Sequence[Mapping[str, Any]]) -> Iterable[str]:
    """Say how the tests of trust went, and of each that didn't pass what it means."""
    if not tests:
        yield "0 tests of trust were run on this result: what it shows wasn't put to the test yet."
        return
    counts = [(each, sum(test["status"] == each for test in tests)) for each in STATUSES]
    told = ", ".join(f"{count} {_went(status)}" for status, count in counts if count)
    yield f"Of {len(tests)} tests of trust {told}."
    for test in tests:
        if test["status"] in ("fail", "warn"):
            number = test.get("number")
            measured = "" if number is None else f" ({test['measure']}: {number:.3g})"
            went = "failed" if test["status"] == "fail" else "is in doubt"
            yield f"Flag {test['test']}, which {went}: {test['sentence']}{measured}"


def _went(status: str) -> str:
    words = {"fail": "failed", "warn": "in doubt", "pass": "passed", "not run": "not run"}
    return words[status]


def _flags(flags: Sequence[Flag]) -> Iterable[str]:
    if not flags:
        yield "0 flags were raised."
        return
    yield f"{len(flags)} flag{'s were' if len(flags) > 1 else ' was'} raised."
    for flag in flags:
        yield f"{flag_title(flag)} ({flag.name}): {advice(flag.name)}"


def percent_of(share: float) -> str:
    """Return a share in whole percent, with one place near 0 and 100, which only all and none are.

    A share that isn't 1 never reads 100 %.
    """
    if 0 < share < 1:
        return percent(min(max(round(share, 2 if NEAR_0 <= share <= NEAR_1 else 3), 0.001), 0.999))
    return percent(round(share, 3))
