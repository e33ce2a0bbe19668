"""Heatmaps as label maps: one of all chunks together, and one per chunk on its own cut-out."""

from __future__ import annotations

from ..counterfactual.result import Explanation
from . import colors, names, provenance, volumes


def add_heatmap(scene, explanation: Explanation, input_node, table, called: names.Names):
    """Add the combined heatmap on the scan's grid (a slice view shows one label map at a time)."""
    node = volumes.add_like(
        scene, input_node, explanation.heatmap, called.of(names.HEATMAP), labels=True
    )
    node.GetDisplayNode().SetAndObserveColorNodeID(table.GetID())
    colors.add_legend(node, "Change", names=True)
    provenance.mark(node, "heatmap", "Change in HU by level.")
    return node


def add_chunk_heatmaps(
    scene, explanation: Explanation, input_node, table, called: names.Names
) -> tuple:
    """Add one label map per chunk, cropped to its slab, under the input's parent transform."""
    outcomes = {(outcome.start, outcome.stop): outcome for outcome in explanation.chunks}
    nodes = []
    for chunk in explanation.chunk_heatmaps:
        what = names.slices_name(chunk.start, chunk.stop)
        node = volumes.add_image(
            scene, chunk.image, called.of(f"{names.HEATMAP} {what}"), labels=True
        )
        node.SetAndObserveTransformNodeID(input_node.GetTransformNodeID())
        node.GetDisplayNode().SetAndObserveColorNodeID(table.GetID())
        provenance.mark(node, "chunkHeatmap", f"Change in HU by level, {what} changed alone.")
        provenance.record_slab(node, outcomes[chunk.start, chunk.stop])
        nodes.append(node)
    return tuple(nodes)
