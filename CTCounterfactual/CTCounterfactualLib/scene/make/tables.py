"""Scores and searches as table nodes, units in the columns' headers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...counterfactual.direction import INCREASE, noun
from ...counterfactual.result import Explanation, SearchPoint
from ...counterfactual.scale import has_logit
from ...counterfactual.search.logit import logit
from ..mrml import vtk
from .rows import SearchRow

SLICES, CENTRE = "slices", "centre"  # drawn by the evidence chart, with `noun(direction)`
LAMBDA, SCORE, LOGIT = "lambda", "score", "logit"
WAY = "|lambda|"  # drawn by the path chart: to the right, whichever way the score is to go
_GAINS = ("reduction (scan - counterfactual)", "increase (counterfactual - scan)")


@dataclass(frozen=True)
class Column:
    """A column: its values (all str, int or float), unit and meaning."""

    name: str
    values: Sequence[str | int | float]
    unit: str = ""
    description: str = ""


def add_table(scene, name: str, columns: Sequence[Column]):
    """Add a table node with these columns."""
    node = scene.AddNewNodeByClass("vtkMRMLTableNode", name)
    for column in columns:
        array = _array_for(column.values)
        array.SetName(column.name)
        for value in column.values:
            array.InsertNextValue(value)
        node.AddColumn(array)
        if column.unit:
            node.SetColumnUnitLabel(column.name, column.unit)
        if column.description:
            node.SetColumnDescription(column.name, column.description)
    node.SetUseColumnTitleAsColumnHeader(True)
    node.SetLocked(True)  # results, not a sheet to edit
    return node


def append_rows(node, columns: Sequence[Column]) -> None:
    """Add rows at the end of a table node made of the same columns; views and charts follow."""
    table = node.GetTable()
    for column in columns:
        array = table.GetColumnByName(column.name)
        for value in column.values:
            array.InsertNextValue(value)
    table.Modified()
    node.Modified()


def add_score_table(scene, explanation: Explanation, name: str):
    """Add the scores of scan, reconstruction and counterfactual, and how far it went as asked."""
    scores, unit = explanation.scores, explanation.target.unit
    rows = {
        "scan": scores.original,
        "reconstruction": scores.reconstruction,
        "counterfactual": scores.counterfactual,
        _GAINS[explanation.settings.direction == INCREASE]: explanation.gain,
    }
    return add_table(
        scene,
        name,
        [
            Column("volume", list(rows)),
            Column(explanation.target.name, list(rows.values()), unit),
            Column("unit", [unit] * len(rows)),
        ],
    )


def gain_column(direction: str, unit: str) -> str:
    """Return the column that the evidence chart draws: the gain, of a probability on its logit."""
    return f"logit {noun(direction)}" if has_logit(unit) else noun(direction)


def search_columns(rows: Sequence[SearchRow], unit: str) -> list[Column]:
    """Return the columns of searches, one row each: where, lambda, scores, why it stopped.

    There is one row at least, and all are of one run.
    """
    return [
        Column(SLICES, [row.name for row in rows]),
        Column("start", [row.start for row in rows], "", "First prepared slice"),
        Column("stop", [row.stop for row in rows], "", "First prepared slice after the range"),
        Column("low", [row.low for row in rows], "mm", "S coordinate of the lower face"),
        Column("high", [row.high for row in rows], "mm", "S coordinate of the upper face"),
        Column(CENTRE, [row.centre for row in rows], "mm", "S coordinate of the middle"),
        Column(LAMBDA, [row.lam for row in rows], "", "Step along the gradient that was kept"),
        Column("score before", [row.score_before for row in rows], unit),
        Column("score after", [row.score_after for row in rows], unit),
        Column(
            noun(rows[0].direction),
            [row.gain for row in rows],
            unit,
            "How far the score went as asked",
        ),
        Column("change", [row.change for row in rows], "", "Fraction of the image that changed"),
        Column("stop reason", [row.stop_reason for row in rows]),
        Column("evaluations", [row.evaluations for row in rows], "", "Times the model was run"),
        *(_logit_columns(rows, unit) if has_logit(unit) else ()),
    ]


def _logit_columns(rows: Sequence[SearchRow], unit: str) -> tuple[Column, ...]:
    return (
        Column("logit before", [logit(row.score_before) for row in rows], LOGIT),
        Column("logit after", [logit(row.score_after) for row in rows], LOGIT),
        Column(
            gain_column(rows[0].direction, unit),
            [row.gain_on_scale(unit) for row in rows],
            LOGIT,
            "How far the logit went as asked",
        ),
    )


def add_search_table(scene, rows: Sequence[SearchRow], unit: str, name: str):
    """Add a table with one row per search."""
    return add_table(scene, name, search_columns(rows, unit))


def add_path_table(scene, path: Sequence[SearchPoint], unit: str, name: str):
    """Add the evaluations of one search, from the scan on."""
    points = sorted(path, key=lambda point: abs(point.lam))
    return add_table(
        scene,
        name,
        [
            Column(LAMBDA, [point.lam for point in points]),
            Column(WAY, [abs(point.lam) for point in points]),
            Column(SCORE, [point.score for point in points], unit),
            Column("change", [point.change for point in points]),
            *([Column(LOGIT, [logit(point.score) for point in points])] if has_logit(unit) else ()),
        ],
    )


def _array_for(values: Sequence[str | int | float]):
    if all(isinstance(value, str) for value in values):
        return vtk.vtkStringArray()
    if all(isinstance(value, int) for value in values):
        return vtk.vtkIntArray()
    return vtk.vtkDoubleArray()
