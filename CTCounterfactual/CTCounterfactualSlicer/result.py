"""What a finished job hands to the console and the panels: of a counterfactual, or of a map."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from CTCounterfactualLib.methods.registry import LATENT_SHIFT

if TYPE_CHECKING:
    from CTCounterfactualLib.counterfactual.result import Explanation, Flag, Scores
    from CTCounterfactualLib.jobs.workplace import Workplace
    from CTCounterfactualLib.methods.attribution import Attribution
    from CTCounterfactualLib.scene.make.nodes import MapNodes, SceneNodes


@dataclass(frozen=True)
class AnyResult:
    """What both kinds of results have.

    Parameters
    ----------
    explanation : Explanation or Attribution
        As the engine's own API returns it; its volumes are those of the nodes, not copies: edit
        a node, and the explanation follows.
    nodes : SceneNodes or MapNodes
        Every node that was made.
    workplace : Workplace or None
        Temporary folder that holds the files, until `release` or the end of the program; None for
        a result that was loaded from a folder of the user's.
    folder : Path
        The result folder, as the command line writes it; see `exports.export_folder`.
    """

    explanation: Explanation | Attribution
    nodes: SceneNodes | MapNodes
    workplace: Workplace | None
    folder: Path

    def release(self) -> None:
        """Remove the temporary files; the nodes and the explanation stay."""
        if self.workplace is not None:
            self.workplace.remove()

    @property
    def flags(self) -> tuple[Flag, ...]:
        """Named warnings in plain words; empty if nothing speaks against the result."""
        return self.explanation.flags

    @property
    def mainNode(self):
        """The counterfactual, or the map: what the other nodes refer to."""
        return self.nodes.main

    @property
    def heatmapNode(self):
        """Label map by levels on the scan's grid."""
        return self.nodes.heatmap

    @property
    def tableNode(self):
        """The table to look at first; that of the scores where there is no other."""
        return self.nodes.table

    @property
    def scoreTableNode(self):
        """The scores as a table."""
        return self.nodes.score_table


@dataclass(frozen=True)
class NodeResult(AnyResult):
    """A counterfactual and its nodes in the scene, under the names that the console documents."""

    explanation: Explanation
    nodes: SceneNodes

    @property
    def method(self) -> str:
        """Name of the method."""
        return LATENT_SHIFT

    @property
    def scores(self) -> Scores:
        """Scores of scan, reconstruction and counterfactual: `.original` and so on."""
        return self.explanation.scores

    @property
    def gain(self) -> float:
        """How far the score moved the wanted way (negative where it went the other way)."""
        return self.explanation.gain

    @property
    def reduction(self) -> float:
        """By how much the score fell from scan to counterfactual (negative where it rose)."""
        return self.scores.original - self.scores.counterfactual

    @property
    def counterfactualNode(self):
        """The changed scan: a scalar volume, HU."""
        return self.nodes.counterfactual

    @property
    def differenceNode(self):
        """Changed scan minus scan: a scalar volume, HU."""
        return self.nodes.change

    @property
    def heatmapNodes(self) -> tuple:
        """One label map per chunk, from foot to head; empty in mode `whole`."""
        return self.nodes.chunk_heatmaps

    @property
    def chartNodes(self) -> tuple:
        """The charts there are: score along lambda, how far each chunk moved it."""
        charts = (self.nodes.path_chart, self.nodes.evidence_chart)
        return tuple(chart for chart in charts if chart is not None)


@dataclass(frozen=True)
class MapResult(AnyResult):
    """A method's map and its nodes in the scene, under the names that the console documents."""

    explanation: Attribution
    nodes: MapNodes

    @property
    def method(self) -> str:
        """Name of the method."""
        return self.explanation.method.name

    @property
    def score(self) -> float:
        """The scan's score."""
        return self.explanation.score

    @property
    def facts(self):
        """What else the method knows, by name."""
        return self.explanation.facts

    @property
    def mapNode(self):
        """The method's values on the scan's grid: a scalar volume."""
        return self.nodes.map

    @property
    def partNodes(self) -> dict:
        """Label maps of named sets of voxels, such as the sufficient explanation, by name."""
        return dict(zip(self.explanation.parts, self.nodes.parts, strict=True))
