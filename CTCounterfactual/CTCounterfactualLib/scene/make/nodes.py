"""What the scene room hands back: every node it made, by what it is; of both kinds of results."""

from __future__ import annotations

from dataclasses import dataclass

from ..mrml import slicer


@dataclass(frozen=True)
class Animation:
    """The change played from scan to counterfactual.

    Parameters
    ----------
    sequence : vtkMRMLSequenceNode
        Volumes by fraction of the change, 0 (the scan) to 1 (the counterfactual).
    browser : vtkMRMLSequenceBrowserNode
        Which of them is shown; its slider and play button are Slicer's own.
    proxy : vtkMRMLScalarVolumeNode
        The volume that shows it.
    """

    sequence: slicer.vtkMRMLSequenceNode
    browser: slicer.vtkMRMLSequenceBrowserNode
    proxy: slicer.vtkMRMLScalarVolumeNode


@dataclass(frozen=True)
class SceneNodes:
    """The nodes of one explanation.

    Parameters
    ----------
    scan : vtkMRMLScalarVolumeNode
        The input: the node that was passed in, or one made from the explanation's scan.
    counterfactual, change : vtkMRMLScalarVolumeNode
        HU: the changed scan, and changed minus scan.
    heatmap : vtkMRMLLabelMapVolumeNode
        uint8 labels on the scan's grid.
    chunk_heatmaps : tuple of vtkMRMLLabelMapVolumeNode
        One per chunk, each on its own cut-out of the scan's grid.
    score_table : vtkMRMLTableNode
        The scores of scan, reconstruction and counterfactual.
    whole_table, chunk_table : vtkMRMLTableNode or None
        One row per search; None where there was no such search.
    path_tables : tuple of vtkMRMLTableNode
        Evaluations along lambda of each plotted search.
    path_chart, evidence_chart : vtkMRMLPlotChartNode or None
        Score along lambda; how far each chunk moved it. None where there was no such search.
    plot_series : tuple of vtkMRMLPlotSeriesNode
        What the charts draw.
    colors : tuple of vtkMRMLColorTableNode
        The heatmap's and the change's colours, and the region's where there is one.
    folder : int
        Subject-hierarchy item that holds them; 0 if there is none any more.
    animation : Animation or None
        The change played from scan to counterfactual, where it was asked for.
    surfaces : tuple of vtkMRMLModelNode
        Where HU fell and rose, and the lungs, where they were asked for.
    region : vtkMRMLLabelMapVolumeNode or None
        uint8, 1 where change was allowed, on the scan's grid; where the result holds it.
    """

    scan: slicer.vtkMRMLScalarVolumeNode
    counterfactual: slicer.vtkMRMLScalarVolumeNode
    change: slicer.vtkMRMLScalarVolumeNode
    heatmap: slicer.vtkMRMLLabelMapVolumeNode
    chunk_heatmaps: tuple[slicer.vtkMRMLLabelMapVolumeNode, ...]
    score_table: slicer.vtkMRMLTableNode
    whole_table: slicer.vtkMRMLTableNode | None
    chunk_table: slicer.vtkMRMLTableNode | None
    path_tables: tuple[slicer.vtkMRMLTableNode, ...]
    path_chart: slicer.vtkMRMLPlotChartNode | None
    evidence_chart: slicer.vtkMRMLPlotChartNode | None
    plot_series: tuple[slicer.vtkMRMLPlotSeriesNode, ...]
    colors: tuple[slicer.vtkMRMLColorTableNode, ...]
    folder: int
    animation: Animation | None = None
    surfaces: tuple[slicer.vtkMRMLModelNode, ...] = ()
    region: slicer.vtkMRMLLabelMapVolumeNode | None = None

    @property
    def main(self) -> slicer.vtkMRMLScalarVolumeNode:
        """What the others refer to, and what tells how it was made."""
        return self.counterfactual

    @property
    def overlay(self) -> slicer.vtkMRMLScalarVolumeNode:
        """What is laid over the scan to compare: the change in HU."""
        return self.change

    @property
    def focus(self) -> slicer.vtkMRMLLabelMapVolumeNode:
        """The labels where views are to look first."""
        return self.heatmap

    @property
    def labels(self) -> tuple[slicer.vtkMRMLLabelMapVolumeNode, ...]:
        """Every label map that can be laid over the scan."""
        return (self.heatmap, *self.chunk_heatmaps)

    @property
    def chart(self) -> slicer.vtkMRMLPlotChartNode | None:
        """The chart to look at first: of the evidence, else of the search."""
        return self.evidence_chart or self.path_chart

    @property
    def table(self) -> slicer.vtkMRMLTableNode:
        """The table to look at first."""
        return self.chunk_table if self.chunk_table is not None else self.score_table


@dataclass(frozen=True)
class MapNodes:
    """The nodes of one method's map.

    Parameters
    ----------
    scan : vtkMRMLScalarVolumeNode
        The input: the node that was passed in, or one made from the map's scan.
    map : vtkMRMLScalarVolumeNode
        The method's values, float32, on the scan's grid.
    heatmap : vtkMRMLLabelMapVolumeNode
        uint8 labels: shares of the strongest value, for and against the score.
    parts : tuple of vtkMRMLLabelMapVolumeNode
        Named sets of voxels, such as a sufficient explanation; 1 inside.
    score_table : vtkMRMLTableNode
        The scan's score, and what else the method knows in numbers.
    part_table : vtkMRMLTableNode or None
        A row for each part that the method describes, in mL and scores; None where there is none.
    colors : tuple of vtkMRMLColorTableNode
        The map's, the heatmap's and each part's colours.
    folder : int
        Subject-hierarchy item that holds them; 0 if there is none any more.
    """

    scan: slicer.vtkMRMLScalarVolumeNode
    map: slicer.vtkMRMLScalarVolumeNode
    heatmap: slicer.vtkMRMLLabelMapVolumeNode
    parts: tuple[slicer.vtkMRMLLabelMapVolumeNode, ...]
    score_table: slicer.vtkMRMLTableNode
    part_table: slicer.vtkMRMLTableNode | None
    colors: tuple[slicer.vtkMRMLColorTableNode, ...]
    folder: int

    @property
    def main(self) -> slicer.vtkMRMLScalarVolumeNode:
        """What the others refer to, and what tells how it was made."""
        return self.map

    @property
    def overlay(self) -> slicer.vtkMRMLScalarVolumeNode:
        """What is laid over the scan to compare: the map itself."""
        return self.map

    @property
    def focus(self) -> slicer.vtkMRMLLabelMapVolumeNode:
        """The labels where views are to look first: of the first part, else of the levels."""
        return self.parts[0] if self.parts else self.heatmap

    @property
    def labels(self) -> tuple[slicer.vtkMRMLLabelMapVolumeNode, ...]:
        """Every label map that can be laid over the scan."""
        return (self.heatmap, *self.parts)

    @property
    def table(self) -> slicer.vtkMRMLTableNode:
        """The table to look at first."""
        return self.part_table if self.part_table is not None else self.score_table
