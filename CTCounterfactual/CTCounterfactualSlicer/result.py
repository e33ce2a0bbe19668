"""What a finished job hands to the console and the panels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from CTCounterfactualLib.counterfactual.result import Explanation, Flag, Scores
    from CTCounterfactualLib.jobs.workplace import Workplace
    from CTCounterfactualLib.scene.make.nodes import SceneNodes


@dataclass(frozen=True)
class NodeResult:
    """An explanation and its nodes in the scene, under the names that the console documents.

    Parameters
    ----------
    explanation : Explanation
        As the engine's own API returns it; its volumes are those of the nodes, not copies: edit
        a node, and the explanation follows.
    nodes : SceneNodes
        Every node that was made.
    workplace : Workplace
        Temporary folder that holds the files, until `release` or the end of the program.
    """

    explanation: Explanation
    nodes: SceneNodes
    workplace: Workplace

    @property
    def folder(self) -> Path:
        """The result folder, as the command line writes it; see `exports.export_folder`."""
        return self.workplace.result

    def release(self) -> None:
        """Remove the temporary files; the nodes and the explanation stay."""
        self.workplace.remove()

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
    def flags(self) -> tuple[Flag, ...]:
        """Named warnings in plain words; empty if nothing speaks against the result."""
        return self.explanation.flags

    @property
    def counterfactualNode(self):
        """The changed scan: a scalar volume, HU."""
        return self.nodes.counterfactual

    @property
    def differenceNode(self):
        """Changed scan minus scan: a scalar volume, HU."""
        return self.nodes.change

    @property
    def heatmapNode(self):
        """Label map of the levels of change on the scan's grid."""
        return self.nodes.heatmap

    @property
    def heatmapNodes(self) -> tuple:
        """One label map per chunk, from foot to head; empty in mode `whole`."""
        return self.nodes.chunk_heatmaps

    @property
    def tableNode(self):
        """A row per chunk; the table of the scores where there are no chunks."""
        chunks = self.nodes.chunk_table
        return chunks if chunks is not None else self.nodes.score_table

    @property
    def scoreTableNode(self):
        """The three scores as a table."""
        return self.nodes.score_table

    @property
    def chartNodes(self) -> tuple:
        """The charts there are: score along lambda, how far each chunk moved it."""
        charts = (self.nodes.path_chart, self.nodes.evidence_chart)
        return tuple(chart for chart in charts if chart is not None)
