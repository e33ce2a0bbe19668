"""What the results section shows: a running job's results so far, or a set of nodes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from CTCounterfactualLib.counterfactual.direction import DECREASE
from CTCounterfactualLib.methods.facts import GAINS, listed, sentence, unit_of
from CTCounterfactualLib.methods.registry import LATENT_SHIFT
from CTCounterfactualLib.scene.make import roles, tables
from CTCounterfactualLib.scene.make.nodes import MapNodes, SceneNodes
from CTCounterfactualLib.scene.make.provenance import INPUT_REFERENCE, ROLE, get_attribute
from CTCounterfactualLib.scene.make.rows import SearchRow

from ..result import AnyResult, MapResult, NodeResult

if TYPE_CHECKING:
    from CTCounterfactualLib.counterfactual.result import Explanation


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
    result : AnyResult or None
        None for what came with a scene: then there is no folder to export.
    direction : str
        Which way the score was to go.
    method : str
        Name of the method.
    about : str
        Of a map: what the method is and what its sign means, in words.
    listing : tuple of mapping
        Of a map: what the method lists, such as explanations with their volumes.
    gain_unit : str
        Of a map: the unit in which it says how far a score moves.
    answer : str
        Of a map: the answer in one sentence, where the method gives one.
    """

    target: str = ""
    unit: str = ""
    original: float | None = None
    reconstruction: float | None = None
    counterfactual: float | None = None
    flags: tuple[str, ...] = ()
    rows: tuple[SearchRow, ...] = ()
    heatmaps: tuple = ()
    nodes: SceneNodes | MapNodes | None = None
    result: AnyResult | None = None
    direction: str = DECREASE
    method: str = LATENT_SHIFT
    about: str = ""
    listing: tuple[Mapping[str, Any], ...] = ()
    gain_unit: str = ""
    answer: str = ""

    @classmethod
    def of_result(cls, result: AnyResult) -> Shown:
        """Show what a job just brought."""
        if isinstance(result, MapResult):
            return replace(cls.of_map(result.nodes), result=result)
        assert isinstance(result, NodeResult)  # there is no third kind
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
    def of_nodes(cls, nodes: SceneNodes | MapNodes) -> Shown:
        """Show a set of nodes of the scene, from their attributes and tables alone."""
        if isinstance(nodes, MapNodes):
            return cls.of_map(nodes)
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

    @classmethod
    def of_map(cls, nodes: MapNodes) -> Shown:
        """Show a method's map, from its attributes alone."""

        def told(name: str) -> str:
            return get_attribute(nodes.map, name) or ""

        method = told("method")
        facts = json.loads(told("facts") or "{}")
        return cls(
            told("target"),
            told("unit"),
            json.loads(told("scores") or "{}").get("original"),
            flags=tuple(flag["message"] for flag in json.loads(told("flags") or "[]")),
            nodes=nodes,
            method=method,
            about=map_words(method, told("methodDescription"), told("sign")),
            listing=listed(facts, method),
            gain_unit=unit_of(GAINS[0], facts, told("unit")),
            answer=sentence(facts),
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
    def is_map(self) -> bool:
        """Whether it is, or will be, a method's map and no counterfactual."""
        return self.method != LATENT_SHIFT

    @property
    def explanation(self) -> Explanation | None:
        """The counterfactual as the engine returned it; None of a map, or from a scene."""
        return self.result.explanation if isinstance(self.result, NodeResult) else None

    def part_of(self, number: int):
        """Return the label map of a listed record, by the record's first value; None if none."""
        if not isinstance(self.nodes, MapNodes) or not 0 <= number < len(self.listing):
            return None
        name = next(iter(self.listing[number].values()), None)
        parts = {get_attribute(node, "part"): node for node in self.nodes.parts}
        return parts.get(str(name))

    @property
    def usable(self) -> bool:
        """Whether its nodes are (still) in a scene; a user may delete any of them."""
        return self.nodes is not None and all(
            node.GetScene() is not None
            for node in (self.nodes.scan, self.nodes.main, self.nodes.overlay)
        )


def map_words(method: str, description: str, sign: str) -> str:
    """Return what a map shows: the method, and what its sign means, in whole sentences."""
    told = f"{method}: {description}" if description else method
    sentences = [text for text in (told, sign[:1].upper() + sign[1:]) if text]
    return " ".join(f"{text.rstrip('.')}." for text in sentences)


def main_nodes(scene) -> list:
    """Return the counterfactual or the map of each explanation that a scene holds, oldest first.

    One whose scan was deleted is none any more: there is nothing to lay it over.
    """
    collection = scene.GetNodesByClass("vtkMRMLScalarVolumeNode")
    collection.UnRegister(None)  # ours to free, else the scene's nodes never go
    volumes = [collection.GetItemAsObject(n) for n in range(collection.GetNumberOfItems())]
    return [
        node
        for node in volumes
        if get_attribute(node, ROLE) in roles.MAIN_ROLES
        and node.GetNodeReference(INPUT_REFERENCE) is not None
    ]


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
