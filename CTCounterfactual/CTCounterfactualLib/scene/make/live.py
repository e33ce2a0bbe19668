"""Results as they come: a table that grows and the heatmaps of the chunks searched so far."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import SimpleITK as sitk

from ...counterfactual.heatmap import heat_levels
from ...counterfactual.settings import ExplainSettings
from ...errors import OutputError
from . import colors, heatmaps, hierarchy, names, provenance, roles, tables
from .rows import SearchRow
from .transaction import all_or_nothing, remove_nodes


class LiveNodes:
    """The nodes of a run that is going on; they are called and coloured as the final ones.

    They are not saved with the scene: until the run is done there is no result to keep.

    Parameters
    ----------
    scene, scan_node
        The scene, and the volume that is explained.
    settings : ExplainSettings
        Of the run; its `level_edges` make the colours.
    unit : str
        Of the target's score.
    """

    def __init__(self, scene, scan_node, settings: ExplainSettings, unit: str):
        self._scene = scene
        self._scan = scan_node
        self._settings = settings
        self._unit = unit
        self._names = names.Names.unused(scene, scan_node.GetName())
        self._folder = 0
        self._colors = self._legend_colors = None
        self.table = None
        """vtkMRMLTableNode: one row per chunk; None before the first."""
        self.heatmaps: tuple = ()
        """vtkMRMLLabelMapVolumeNode of each chunk that has one."""

    def add_chunk(self, data: Mapping[str, Any], heatmap: str | Path | None = None):
        """Add a finished chunk: its row, and its heatmap if there is one, which is returned.

        Parameters
        ----------
        data : Mapping
            Of the engine's `chunk` event.
        heatmap : str or Path, optional
            Image file of uint8 labels on a cut-out of the scan's grid.

        Raises
        ------
        OutputError
            If the file can't be read; the scene is then as it was.
        """
        row = SearchRow.from_event(data)
        image = _read(heatmap) if heatmap is not None else None
        if self.table is None:
            self._begin(row)
        else:
            tables.append_rows(self.table, tables.search_columns([row], self._unit))
        if image is None:
            return None
        with all_or_nothing(self._scene):
            node = heatmaps.add_chunk_heatmap(
                self._scene, image, row, self._scan, self._colors, self._names
            )
            self._own(node, node.GetDisplayNode())
            hierarchy.place(self._scene, [node], self._folder)
        self.heatmaps += (node,)
        return node

    def remove(self) -> None:
        """Take all of it out of the scene; fine to call again, or after the scene was closed."""
        mine = [*self.heatmaps, self.table, self._colors, self._legend_colors]
        mine = [node for node in mine if node is not None]
        # A node that left the scene otherwise (deleted, scene closed) has no scene any more.
        present = [node for node in mine if node.GetScene() is self._scene]
        displays = [
            node.GetNthDisplayNode(number)
            for node in self.heatmaps
            if node in present
            for number in range(node.GetNumberOfDisplayNodes())
        ]
        remove_nodes(self._scene, [node.GetID() for node in (*displays, *present) if node])
        if self._folder and present:
            hierarchy.remove_empty_folders(self._scene, self._folder)
        self.table = self._colors = self._legend_colors = None
        self.heatmaps, self._folder = (), 0

    def _begin(self, row: SearchRow) -> None:
        """Add colours, table and folder: before the first chunk there is nothing to show."""
        with all_or_nothing(self._scene):
            levels = heat_levels(self._settings.level_edges)
            table_colors = colors.add_label_colors(
                self._scene, levels, self._names.of("heatmap colors")
            )
            provenance.mark(table_colors, roles.HEATMAP_COLORS)
            table = tables.add_search_table(
                self._scene, [row], self._unit, self._names.of("chunks")
            )
            provenance.mark(table, roles.CHUNKS, "Results so far; the run is going on.")
            legend_colors = colors.legend_table(table_colors)
            self._own(table_colors, legend_colors, table)
            folder = hierarchy.add_folder(
                self._scene, self._scan, self._names.of("explanation (running)")
            )
            hierarchy.place(self._scene, [table], folder)
        self._colors, self._legend_colors = table_colors, legend_colors
        self.table, self._folder = table, folder

    def _own(self, *nodes) -> None:
        """Mark nodes as not final and as the scan's, and keep them out of saved scenes."""
        provenance.refer(nodes, self._scan)
        for node in nodes:
            provenance.set_attributes(node, **{provenance.LIVE: "true"})
            node.SetSaveWithScene(False)


def _read(path: str | Path) -> sitk.Image:
    try:
        return sitk.ReadImage(str(path), sitk.sitkUInt8)
    except RuntimeError as error:
        raise OutputError(
            f"The heatmap of a chunk, '{path}', can't be read. The run itself is not affected; if "
            f"the disk is full, make room and run again."
        ) from error
