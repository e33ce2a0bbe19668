"""Heatmaps as label maps: one of all chunks together, and one per chunk on its own cut-out."""

from __future__ import annotations

import SimpleITK as sitk

from ...counterfactual.result import Explanation
from . import legends, names, provenance, roles, volumes
from .rows import SearchRow

LEGEND_TITLE = "Change ({unit})"


def add_heatmap(scene, explanation: Explanation, input_node, table, called: names.Names):
    """Add the combined heatmap on the scan's grid (a slice view shows one label map at a time)."""
    node = volumes.add_like(
        scene, input_node, explanation.heatmap, called.of(names.HEATMAP), labels=True
    )
    node.GetDisplayNode().SetAndObserveColorNodeID(table.GetID())
    legends.add_label_legend(node, LEGEND_TITLE.format(unit=explanation.scan.unit))
    provenance.mark(node, roles.HEATMAP, f"Change in {explanation.scan.unit} by level.")
    return node


def add_chunk_heatmaps(
    scene, explanation: Explanation, input_node, table, called: names.Names
) -> tuple:
    """Add one label map per chunk, cropped to its slab, under the input's parent transform."""
    rows = {(outcome.start, outcome.stop): SearchRow.of(outcome) for outcome in explanation.chunks}
    return tuple(
        add_chunk_heatmap(
            scene, chunk.image, rows[chunk.start, chunk.stop], input_node, table, called
        )
        for chunk in explanation.chunk_heatmaps
    )


def add_chunk_heatmap(
    scene, image: sitk.Image, row: SearchRow, input_node, table, called: names.Names
):
    """Add the label map of one chunk: uint8 labels on a cut-out of the scan's grid."""
    node = volumes.add_image(scene, image, called.of(f"{names.HEATMAP} {row.name}"), labels=True)
    node.SetAndObserveTransformNodeID(input_node.GetTransformNodeID())
    node.GetDisplayNode().SetAndObserveColorNodeID(table.GetID())
    provenance.mark(node, roles.CHUNK_HEATMAP, f"Change by level, {row.name} changed alone.")
    provenance.record_slab(node, row)
    return node
