"""The change in 3D: closed surfaces around where HU fell and rose, beside translucent lungs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from ...counterfactual.result import Explanation
from ...scans.scan import Scan
from . import colors, hierarchy, meshes, names, provenance, roles
from .nodes import SceneNodes
from .transaction import all_or_nothing

# Voxels of the first size (mm) show all that is there: the change was made on 1.5 to 3 mm. The next
# one is taken if a surface would have more triangles than turn smoothly on a laptop; that is far
# quicker than to make them all and to merge them afterwards.
SURFACE_SPACINGS_MM = (2.0, 3.0, 4.5, 7.0)
MAX_TRIANGLES = 400_000
# What changed often wraps the lungs: they must show through.
CHANGE_OPACITY = 0.5
# Surfaces enclose the strongest level that at least this part of all changed voxels reaches: weak
# changes lie everywhere and would hide where it matters.
STRONG_SHARE = 0.1
LUNG_RGB = (0.80, 0.85, 0.90)
LUNG_OPACITY = 0.15
# A mask's steps are rounded off by a Gaussian of this standard deviation before it is contoured.
LUNG_SMOOTHING_MM = 2.0
# The recursive Gaussian needs this many voxels along each axis.
_GAUSSIAN_MIN_SIZE = 4


def add_surfaces(
    scene, explanation: Explanation, nodes: SceneNodes, level_hu: float | None = None
) -> SceneNodes:
    """Add surfaces of the change and of the lungs, shown in 3D views only; return nodes with them.

    Parameters
    ----------
    level_hu : float, optional
        Surfaces enclose changes of at least this size; None takes `strong_level`. A side that
        nowhere changes so much has no surface.
    """
    if level_hu is None:
        level_hu = strong_level(explanation)
    called = names.Names.of_set(explanation.scan.name, nodes.counterfactual.GetName())
    unit = explanation.scan.unit
    size = f">= {level_hu:.4g} {unit}"
    rise, fall = changed_meshes(explanation, level_hu)
    with all_or_nothing(scene):
        looks = (
            (
                roles.FALL_SURFACE,
                fall,
                "fall",
                f"Where {unit} fell by {size}.",
                colors.change_rgb(False, 1.0),
                CHANGE_OPACITY,
            ),
            (
                roles.RISE_SURFACE,
                rise,
                "rise",
                f"Where {unit} rose by {size}.",
                colors.change_rgb(True, 1.0),
                CHANGE_OPACITY,
            ),
            (
                roles.LUNG_SURFACE,
                lung_mesh(explanation),
                "lungs",
                "Lungs of the scan.",
                LUNG_RGB,
                LUNG_OPACITY,
            ),
        )
        models = []
        for role, mesh, what, text, color, opacity in looks:
            if mesh is None or mesh.GetNumberOfPoints() == 0:
                continue
            model = _add_model(scene, mesh, called.of(f"{what} in 3D"), color, opacity)
            model.SetAndObserveTransformNodeID(nodes.scan.GetTransformNodeID())
            provenance.mark(model, role, text)
            models.append(model)
        provenance.refer(models, nodes.scan, nodes.counterfactual)
        folder = hierarchy.folder_with(scene, nodes.counterfactual)
        if folder and models:
            inside = hierarchy.add_subfolder(scene, folder, hierarchy.SURFACE_FOLDER)
            hierarchy.place(scene, models, inside)
    return replace(nodes, surfaces=tuple(models))


def strong_level(explanation: Explanation) -> float:
    """Return the highest of the heatmap's levels, in HU, that enough of what changed reaches."""
    edges = explanation.settings.level_edges
    reached = np.zeros(len(edges), int)
    for plane in explanation.difference:  # slice by slice: no second copy of the volume
        size = np.abs(plane.astype(np.float32))
        size = size[size >= edges[0]]
        reached += [np.count_nonzero(size >= edge) for edge in edges]
    enough = reached >= max(STRONG_SHARE * reached[0], 1)
    return edges[int(np.flatnonzero(enough)[-1])] if enough.any() else edges[0]


def changed_meshes(explanation: Explanation, level_hu: float) -> tuple:
    """Return surfaces (RAS, mm; None without any) of where HU rose and fell by `level_hu`."""
    box = _box(explanation.difference, level_hu)
    if box is None:
        return None, None
    k, j, i = box
    change = sitk.GetImageFromArray(np.ascontiguousarray(explanation.difference[box]))
    change.CopyInformation(explanation.scan.image[i, j, k])
    for spacing in SURFACE_SPACINGS_MM:
        coarse = sitk.Cast(_coarsened(change, spacing), sitk.sitkFloat32)
        voxels = sitk.GetArrayFromImage(coarse)  # (K, J, I), HU
        sides = (voxels, -voxels)
        if all(
            meshes.raw_contour(side, level_hu).GetNumberOfPolys() <= MAX_TRIANGLES for side in sides
        ):
            break
    return tuple(meshes.contour(side, level_hu, Scan(coarse).ijk_to_ras()) for side in sides)


def lung_mesh(explanation: Explanation):
    """Return the surface of both lungs (RAS, mm), or None if the scan shows none."""
    if explanation.lungs is None:
        return None
    mask = sitk.Cast(explanation.lungs, sitk.sitkFloat32)
    if min(mask.GetSize()) >= _GAUSSIAN_MIN_SIZE:
        mask = sitk.SmoothingRecursiveGaussian(mask, LUNG_SMOOTHING_MM)
    return meshes.contour(sitk.GetArrayViewFromImage(mask), 0.5, Scan(mask).ijk_to_ras())


def _box(difference: np.ndarray, level_hu: float) -> tuple[slice, slice, slice] | None:
    """Return the box (K, J, I) of changes of at least a level, a voxel wider; None without any."""
    rows = np.zeros(difference.shape[1:], bool)  # (J, I): changed in any slice
    planes = np.zeros(len(difference), bool)
    for k, plane in enumerate(difference):  # slice by slice: no second copy of the volume
        changed = (plane >= level_hu) | (plane <= -level_hu)
        planes[k] = changed.any()
        rows |= changed
    if not planes.any():
        return None
    box: list[slice] = []
    for line in (planes, rows.any(axis=1), rows.any(axis=0)):
        where = np.flatnonzero(line)
        box.append(slice(max(int(where[0]) - 1, 0), min(int(where[-1]) + 2, line.size)))
    return box[0], box[1], box[2]


def _coarsened(image: sitk.Image, spacing_mm: float) -> sitk.Image:
    """Return an image averaged over blocks of voxels, up to `spacing_mm` wide."""
    factors = [
        max(1, min(int(spacing_mm / spacing), size))
        for spacing, size in zip(image.GetSpacing(), image.GetSize(), strict=True)
    ]
    return sitk.BinShrink(image, factors)


def _add_model(scene, mesh, name: str, color: tuple[float, float, float], opacity: float):
    model = scene.AddNewNodeByClass("vtkMRMLModelNode", name)
    model.SetAndObservePolyData(mesh)
    model.CreateDefaultDisplayNodes()
    display = model.GetDisplayNode()
    display.SetColor(*color)
    display.SetOpacity(opacity)
    display.SetScalarVisibility(False)
    display.SetVisibility2D(False)  # slice views show the change itself
    display.SetBackfaceCulling(False)
    return model
