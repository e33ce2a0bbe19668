"""Scores and searches as table nodes, units in the columns' headers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..counterfactual.result import Explanation, Outcome, SearchPoint
from . import names
from .mrml import vtk

SLICES, CENTRE, REDUCTION = "slices", "centre", "reduction"  # drawn by the evidence chart
LAMBDA, SCORE = "lambda", "score"  # drawn by the path chart


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


def add_score_table(scene, explanation: Explanation, name: str):
    """Add the scores of scan, reconstruction and counterfactual, and scan minus counterfactual."""
    scores, unit = explanation.scores, explanation.target.unit
    rows = {
        "scan": scores.original,
        "reconstruction": scores.reconstruction,
        "counterfactual": scores.counterfactual,
        "reduction (scan - counterfactual)": scores.original - scores.counterfactual,
    }
    return add_table(scene, name, [
        Column("volume", list(rows)),
        Column(explanation.target.name, list(rows.values()), unit),
        Column("unit", [unit] * len(rows)),
    ])


def add_outcome_table(scene, outcomes: Sequence[Outcome], unit: str, name: str):
    """Add one row per search: where, lambda, scores, change, why it stopped."""
    return add_table(scene, name, [
        Column(SLICES, [names.slices_name(o.start, o.stop) for o in outcomes]),
        Column("start", [o.start for o in outcomes], "", "First prepared slice"),
        Column("stop", [o.stop for o in outcomes], "", "First prepared slice after the range"),
        Column("low", [o.slab_mm[0] for o in outcomes], "mm", "S coordinate of the lower face"),
        Column("high", [o.slab_mm[1] for o in outcomes], "mm", "S coordinate of the upper face"),
        Column(CENTRE, [sum(o.slab_mm) / 2 for o in outcomes], "mm", "S coordinate of the middle"),
        Column(LAMBDA, [o.lam for o in outcomes], "", "Step along the gradient that was kept"),
        Column("score before", [o.score_before for o in outcomes], unit),
        Column("score after", [o.score_after for o in outcomes], unit),
        Column(REDUCTION, [o.reduction for o in outcomes], unit, "Score before minus after"),
        Column("change", [o.change for o in outcomes], "", "Fraction of the image that changed"),
        Column("stop reason", [o.stop_reason for o in outcomes]),
        Column("evaluations", [o.evaluations for o in outcomes], "", "Times the model was run"),
    ])


def add_path_table(scene, path: Sequence[SearchPoint], unit: str, name: str):
    """Add the evaluations of one search, by rising lambda."""
    points = sorted(path, key=lambda point: point.lam)
    return add_table(scene, name, [
        Column(LAMBDA, [point.lam for point in points]),
        Column(SCORE, [point.score for point in points], unit),
        Column("change", [point.change for point in points]),
    ])


def _array_for(values: Sequence[str | int | float]):
    if all(isinstance(value, str) for value in values):
        return vtk.vtkStringArray()
    if all(isinstance(value, int) for value in values):
        return vtk.vtkIntArray()
    return vtk.vtkDoubleArray()
