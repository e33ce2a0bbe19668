"""What the scene room hands back: every node it made, by what it is."""

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
        The heatmap's and the change's colours.
    folder : int
        Subject-hierarchy item that holds them; 0 if there is none any more.
    animation : Animation or None
        The change played from scan to counterfactual, where it was asked for.
    surfaces : tuple of vtkMRMLModelNode
        Where HU fell and rose, and the lungs, where they were asked for.
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
