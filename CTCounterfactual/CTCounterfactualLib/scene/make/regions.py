"""The region that a run was restricted to, as a label map of the scene."""

from __future__ import annotations

import SimpleITK as sitk

from ...counterfactual.result import Explanation
from . import colors, legends, names, provenance, roles, volumes


def add_region(scene, explanation: Explanation, scan, called: names.Names) -> tuple:
    """Add the region outside which nothing changed; return its node and colours, or nothing.

    Returns
    -------
    tuple
        (vtkMRMLLabelMapVolumeNode, vtkMRMLColorTableNode), uint8, 1 inside; empty if the result
        doesn't hold its region.
    """
    search = explanation.region_search
    if search is None:
        return ()
    mask = sitk.GetArrayViewFromImage(search.image)
    node = volumes.add_like(scene, scan, mask, called.of(names.REGION), labels=True)
    table = colors.add_part_colors(
        scene,
        f"region, {search.ml:.3g} mL",
        colors.PART_RGB[0],
        called.of(f"{names.REGION} colors"),
    )
    node.GetDisplayNode().SetAndObserveColorNodeID(table.GetID())
    legends.add_label_legend(node, "Region")
    provenance.mark(node, roles.REGION, "Outside it every voxel is the scan's.")
    provenance.mark(table, roles.REGION_COLORS)
    return node, table
