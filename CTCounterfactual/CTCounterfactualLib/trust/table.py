"""An examination as lines for a terminal."""

from __future__ import annotations

import textwrap

from .examine import Examination

WIDTH = 100
_NAME, _STATUS = 20, 9


def table_lines(made: Examination) -> list[str]:
    """Return each test's verdict, number, limits and meaning; then the whole in one sentence."""
    about = made.about
    lines = [
        f"{about['scan']}: {about['classifier']}, {about['target']}; by {about['method']}",
        "Scores: " + ", ".join(f"{name} {score:.4g}" for name, score in made.scores.items()),
    ]
    indent = " " * (_NAME + _STATUS)
    for verdict in made.verdicts:
        head = f"{verdict.test:<{_NAME}}{verdict.status:<{_STATUS}}"
        number = ""
        if verdict.number is not None:
            number = (
                f" {verdict.measure[0].upper()}{verdict.measure[1:]}: {verdict.number:.3g} "
                f"({verdict.limits})."
            )
        lines += textwrap.wrap(
            f"{verdict.sentence}{number}", WIDTH, initial_indent=head, subsequent_indent=indent
        )
    ratio = made.seconds / made.explanation_seconds if made.explanation_seconds else 0.0
    lines.append(
        f"{made.summary} {made.seconds:.1f} s, {ratio:.1f} times the explanation's own time."
    )
    return lines
