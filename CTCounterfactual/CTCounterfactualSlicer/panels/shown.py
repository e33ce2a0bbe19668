"""What the results section shows: a running job's results so far, or a set of nodes."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from CTCounterfactualLib.counterfactual.direction import DECREASE
from CTCounterfactualLib.scene.make import roles, tables
from CTCounterfactualLib.scene.make.provenance import ROLE, get_attribute
from CTCounterfactualLib.scene.make.rows import SearchRow

if TYPE_CHECKING:
    from CTCounterfactualLib.scene.make.nodes import SceneNodes

    from ..result import NodeResult


@dataclass(frozen=True)
class Shown:
    """An explanation as the panel needs it, whether it was just made or came with a scene.

    Parameters
    ----------
    target, unit : str
        What was explained, and its unit.
    original, reconstruction, counterfactual : float or None
        The three scores; None where a running job doesn't know yet.
    flags : tuple of str
        Warnings in words.
    rows : tuple of SearchRow
        One per chunk, foot to head; the whole search where there are no chunks.
    heatmaps : tuple of vtkMRMLLabelMapVolumeNode
        Of the chunks.
    nodes : SceneNodes or None
        None while a job runs.
    result : NodeResult or None
        None for what came with a scene: then there is no folder to export.
    direction : str
        Which way the score was to go.
    """

    target: str = ""
    unit: str = ""
    original: float | None = None
    reconstruction: float | None = None
    counterfactual: float | None = None
    flags: tuple[str, ...] = ()
    rows: tuple[SearchRow, ...] = ()
    heatmaps: tuple = ()
    nodes: SceneNodes | None = None
    result: NodeResult | None = None
    direction: str = DECREASE

    @classmethod
    def of_result(cls, result: NodeResult) -> Shown:
        """Show what a job just brought."""
        explanation, scores = result.explanation, result.scores
        outcomes = explanation.chunks or (() if explanation.whole is None else (explanation.whole,))
        return cls(
            explanation.target.name,
            explanation.target.unit,
            scores.original,
            scores.reconstruction,
            scores.counterfactual,
            tuple(flag.message for flag in result.flags),
            tuple(SearchRow.of(outcome) for outcome in outcomes),
            tuple(result.heatmapNodes),
            result.nodes,
            result,
            explanation.settings.direction,
        )

    @classmethod
    def of_nodes(cls, nodes: SceneNodes) -> Shown:
        """Show a set of nodes of the scene, from their attributes and tables alone."""
        node = nodes.counterfactual
        scores = json.loads(get_attribute(node, "scores") or "{}")
        flags = json.loads(get_attribute(node, "flags") or "[]")
        settings = json.loads(get_attribute(node, "settings") or "{}")
        direction = settings.get("direction", DECREASE)
        return cls(
            get_attribute(node, "target") or "",
            get_attribute(node, "unit") or "",
            scores.get("original"),
            scores.get("reconstruction"),
            scores.get("counterfactual"),
            tuple(flag["message"] for flag in flags),
            _rows_of(nodes.chunk_table or nodes.whole_table, direction),
            tuple(nodes.chunk_heatmaps),
            nodes,
            direction=direction,
        )

    def with_event(self, event, heatmaps: tuple) -> Shown:
        """Return this with what an event of a running job tells; itself if that is nothing new."""
        data = event.data
        if event.step == "encoded":
            return replace(
                self, original=data.get("score"), reconstruction=data.get("reconstruction")
            )
        if event.step == "chunk":
            return replace(self, rows=(*self.rows, SearchRow.from_event(data)), heatmaps=heatmaps)
        if event.step == "scored":
            return replace(self, counterfactual=data.get("scores", {}).get("counterfactual"))
        return self

    def heatmap_of(self, row: SearchRow):
        """Return the label map of a row's slices, or None."""
        for node in self.heatmaps:
            if get_attribute(node, "start") == str(row.start):
                return node
        return None

    @property
    def usable(self) -> bool:
        """Whether its nodes are (still) in a scene; a user may delete any of them."""
        return self.nodes is not None and all(
            node.GetScene() is not None
            for node in (self.nodes.scan, self.nodes.counterfactual, self.nodes.change)
        )


def counterfactuals(scene) -> list:
    """Return the counterfactual of each explanation that a scene holds, oldest first."""
    collection = scene.GetNodesByClass("vtkMRMLScalarVolumeNode")
    collection.UnRegister(None)  # ours to free, else the scene's nodes never go
    volumes = [collection.GetItemAsObject(n) for n in range(collection.GetNumberOfItems())]
    return [node for node in volumes if get_attribute(node, ROLE) == roles.COUNTERFACTUAL]


def _rows_of(table, direction: str) -> tuple[SearchRow, ...]:
    """Return the searches of a table node that `scene.make.tables.add_search_table` made."""
    if table is None:
        return ()
    cells = table.GetTable()

    def number(row: int, column: str) -> float:
        return cells.GetValueByName(row, column).ToDouble()

    return tuple(
        SearchRow(
            int(number(row, "start")),
            int(number(row, "stop")),
            number(row, "low"),
            number(row, "high"),
            number(row, tables.LAMBDA),
            number(row, "score before"),
            number(row, "score after"),
            cells.GetValueByName(row, "stop reason").ToString(),
            number(row, "change"),
            int(number(row, "evaluations")),
            direction,
        )
        for row in range(cells.GetNumberOfRows())
    )
