"""Surfaces of the change: closed, of the right size, at the right place, in 3D views only."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.scene.make import surfaces
from CTCounterfactualLib.scene.make.build import build_nodes
from CTCounterfactualLib.scene.make.colors import change_rgb
from CTCounterfactualLib.scene.make.earlier import find_sets, remove_set, result_nodes
from CTCounterfactualLib.scene.make.meshes import contour
from CTCounterfactualLib.scene.make.surfaces import add_surfaces, changed_meshes, strong_level
from CTCounterfactualLib.scene.make.volumes import ijk_to_ras
from CTCounterfactualLib.scene.mrml import vtk
from scene_factory import (
    FALL_AT,
    FALL_HU,
    RISE_AT,
    RISE_HU,
    SPACING,
    add_chest,
    content,
    make_explanation,
)

RADIUS = 12.0


@pytest.fixture(params=[False, True], ids=["right-handed", "left-handed"])
def chest(request):
    return with_lungs(make_explanation(flipped=request.param))


def with_lungs(explanation):
    """Give the explanation a ball as its lungs, on a prepared grid of 1.5 x 1.5 x 3 mm."""
    k, j, i = np.mgrid[0:20, 0:30, 0:30]
    inside = (3 * (k - 9.5)) ** 2 + (1.5 * (j - 14.5)) ** 2 + (1.5 * (i - 14.5)) ** 2 < RADIUS**2
    lungs = sitk.GetImageFromArray(inside.astype(np.uint8))
    lungs.SetSpacing((1.5, 1.5, 3.0))
    lungs.SetOrigin((10.0, 20.0, -100.0))
    lungs.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
    return replace(explanation, lungs=lungs)


def volume_mm3(mesh):
    mass = vtk.vtkMassProperties()
    mass.SetInputData(mesh)
    return mass.GetVolume()


def open_edges(mesh):
    edges = vtk.vtkFeatureEdges()
    edges.SetInputData(mesh)
    edges.FeatureEdgesOff()
    edges.ManifoldEdgesOff()
    edges.Update()
    return edges.GetOutput().GetNumberOfCells()


def points(mesh):
    return vtk.util.numpy_support.vtk_to_numpy(mesh.GetPoints().GetData())


@pytest.mark.parametrize(
    "matrix",
    [
        np.diag([1.0, 1, 2, 1]),
        np.diag([-1.0, 1, 2, 1]),
        np.array([[0.8, -0.6, 0, 5], [0.6, 0.8, 0, -7], [0, 0, 2, 11], [0, 0, 0, 1.0]]),
    ],
    ids=["plain", "mirrored", "turned"],
)
def test_contour_of_a_ball_is_a_ball(matrix):
    k, j, i = np.mgrid[0:30, 0:40, 0:50]
    distance = np.sqrt((2 * (k - 14.0)) ** 2 + (j - 20.0) ** 2 + (i - 25.0) ** 2)
    mesh = contour(100.0 + RADIUS - distance, 100.0, matrix)
    assert volume_mm3(mesh) == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.03)
    assert open_edges(mesh) == 0
    middle = (matrix @ [25, 20, 14, 1])[:3]
    away = points(mesh) - middle
    np.testing.assert_allclose(np.linalg.norm(away, axis=1), RADIUS, atol=0.5)
    normals = vtk.util.numpy_support.vtk_to_numpy(mesh.GetPointData().GetNormals())
    assert ((away * normals).sum(axis=1) > 0).all()


def test_what_reaches_the_edge_of_the_volume_is_closed_there():
    mesh = contour(np.ones((6, 6, 6)), 0.5, np.eye(4))
    assert open_edges(mesh) == 0
    assert volume_mm3(mesh) == pytest.approx(6**3, rel=0.15)


def test_nothing_at_the_level_is_an_empty_surface():
    assert contour(np.zeros((5, 5, 5)), 1.0, np.eye(4)).GetNumberOfPoints() == 0


def test_surfaces_enclose_where_hu_rose_and_fell(scene, chest):
    nodes = add_surfaces(scene, chest, build_nodes(scene, chest), 25.0)
    fall, rise, lungs = nodes.surfaces
    assert [model.GetName() for model in nodes.surfaces] == [
        "CHEST fall in 3D",
        "CHEST rise in 3D",
        "CHEST lungs in 3D",
    ]
    for model, (k, j, i) in ((fall, FALL_AT), (rise, RISE_AT)):
        middle = (ijk_to_ras(nodes.scan) @ [i, j, k, 1])[:3]
        bounds = np.array(model.GetMesh().GetBounds()).reshape(3, 2)
        np.testing.assert_allclose(bounds.mean(axis=1), middle, atol=max(SPACING))
        assert open_edges(model.GetMesh()) == 0
    assert volume_mm3(lungs.GetMesh()) == pytest.approx(4 / 3 * np.pi * RADIUS**3, rel=0.12)
    # Prepared voxel (14.5, 14.5, 9.5) in RAS: -(10 - 1.5 * 14.5), -(20 - ...), -100 + 3 * 9.5
    np.testing.assert_allclose(lungs.GetMesh().GetCenter(), (11.75, 1.75, -71.5), atol=0.5)


def test_surface_at_half_the_change_is_as_large_as_what_changed(chest):
    rise, _ = changed_meshes(chest, RISE_HU / 2)
    _, fall = changed_meshes(chest, -FALL_HU / 2)
    for mesh in (rise, fall):
        # The block of 7 x 7 x 3 voxels; its corners are rounded off.
        assert volume_mm3(mesh) == pytest.approx(147 * np.prod(SPACING), rel=0.3)


def test_looks_and_place(scene, chest):
    volume = add_chest(scene, chest)
    moved = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode")
    volume.SetAndObserveTransformNodeID(moved.GetID())
    nodes = add_surfaces(scene, chest, build_nodes(scene, chest, volume), 25.0)
    fall, rise, lungs = nodes.surfaces
    assert fall.GetDisplayNode().GetColor() == pytest.approx(change_rgb(False, 1.0))
    assert rise.GetDisplayNode().GetColor() == pytest.approx(change_rgb(True, 1.0))
    assert lungs.GetDisplayNode().GetOpacity() < 0.3
    for model in nodes.surfaces:
        assert model.GetTransformNodeID() == moved.GetID()
        assert model.GetDisplayNode().GetVisibility3D()
        assert not model.GetDisplayNode().GetVisibility2D()
        assert model.GetDescription().startswith("Model behaviour, not a diagnosis. ")


def test_level_decides_what_is_enclosed(chest):
    rise, fall = changed_meshes(chest, 50.0)  # the rise is 30 HU, the fall 120
    assert rise.GetNumberOfPoints() == 0
    assert fall.GetNumberOfPoints() > 0
    assert changed_meshes(chest, 500.0) == (None, None)


def test_too_many_triangles_make_coarser_surfaces(chest, monkeypatch):
    fine = changed_meshes(chest, 15.0)
    limit = min(mesh.GetNumberOfPolys() for mesh in fine) - 1
    monkeypatch.setattr(surfaces, "MAX_TRIANGLES", limit)
    for mesh in changed_meshes(chest, 15.0):
        assert 0 < mesh.GetNumberOfPolys() <= limit


def test_strong_level_is_what_a_tenth_of_the_change_reaches(explanation):
    # Two blocks of 147 voxels, of 30 and 120 HU: half of them reach 100, none 200.
    assert strong_level(explanation) == 100.0
    weak = explanation.difference.copy()
    weak[:2] = 12  # 2400 voxels more: 294 of 2694 reach 25, but only 147 reach 50
    assert strong_level(replace(explanation, difference=weak)) == 25.0
    assert strong_level(replace(explanation, difference=np.zeros_like(weak))) == 10.0


def test_only_surfaces_that_there_are(scene, explanation):
    still = replace(explanation, difference=np.zeros_like(explanation.difference))
    nodes = build_nodes(scene, still)
    before = content(scene)
    assert add_surfaces(scene, still, nodes).surfaces == ()
    assert content(scene) == before


def test_found_and_removed_with_their_set(scene, chest):
    volume = add_chest(scene, chest)
    empty = content(scene)
    nodes = build_nodes(scene, chest, volume, surfaces=True)
    found = result_nodes(scene, nodes.counterfactual)
    assert [m.GetID() for m in found.surfaces] == [m.GetID() for m in nodes.surfaces]
    remove_set(scene, find_sets(scene, volume)[0])
    assert content(scene) == empty
