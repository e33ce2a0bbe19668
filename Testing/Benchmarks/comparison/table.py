"""The one table: task, theirs, ours, ratio, floor, for people and for RESULTS.md."""

from __future__ import annotations

from dataclasses import dataclass

HEADINGS = ("task", "measure", "paper's code", "this engine", "ratio", "goal", "ok")


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Parameters
    ----------
    task, measure : str
        What was done, and what of it was measured.
    theirs, ours : str
        With units; empty where there is nothing to say.
    value : float or None
        What the goal is about (a ratio, a fraction, a count); None for information only, or for
        what couldn't be measured here.
    goal : float or None
        Least value, or greatest where `at_most`.
    at_most : bool
        Whether smaller is better.
    timed : bool
        Whether it depends on the machine: then a miss doesn't fail the benchmark.
    """

    task: str
    measure: str
    theirs: str = ""
    ours: str = ""
    value: float | None = None
    goal: float | None = None
    at_most: bool = False
    timed: bool = False

    @property
    def reached(self) -> bool | None:
        """Whether the goal is reached; None without a goal or a value."""
        if self.value is None or self.goal is None:
            return None
        return self.value <= self.goal if self.at_most else self.value >= self.goal

    @property
    def fails(self) -> bool:
        """Whether this row makes the benchmark fail."""
        return self.reached is False and not self.timed

    def cells(self) -> tuple[str, ...]:
        """Return the texts of the row, in the order of `HEADINGS`."""
        verdict = {None: "", True: "yes", False: "no (time)" if self.timed else "NO"}
        sign = "<=" if self.at_most else ">="
        return (
            self.task,
            self.measure,
            self.theirs,
            self.ours,
            "" if self.value is None else number(self.value),
            "" if self.goal is None else f"{sign} {number(self.goal)}",
            verdict[self.reached],
        )


def number(value: float) -> str:
    """Return a number with three significant digits and no exponent where none is needed."""
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.0f}"


def as_text(rows: list[Row]) -> str:
    """Return the table with aligned columns."""
    lines = [HEADINGS, *(row.cells() for row in rows)]
    widths = [max(len(line[n]) for line in lines) for n in range(len(HEADINGS))]
    written = [
        "  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    ]
    return "\n".join([written[0], "-" * len(written[0]), *written[1:]])


def as_markdown(rows: list[Row], title: str, notes: list[str]) -> str:
    """Return a Markdown section: title, table, notes as a list."""
    lines = [f"## {title}", "", f"| {' | '.join(HEADINGS)} |", "| --- " * len(HEADINGS) + "|"]
    lines += [f"| {' | '.join(row.cells())} |" for row in rows]
    return "\n".join([*lines, "", *(f"* {note}" for note in notes), ""])


def exit_code(rows: list[Row]) -> int:
    """Return 1 if a goal that doesn't depend on the machine's speed is missed, else 0."""
    return int(any(row.fails for row in rows))
