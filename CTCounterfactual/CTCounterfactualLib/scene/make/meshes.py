"""Closed surfaces around what a volume holds, smooth, in RAS."""

from __future__ import annotations

import numpy as np

from ..mrml import vtk

# Steps of the windowed sinc smoothing (Taubin et al. 1996) and its pass band: rounds off the
# voxels' edges and keeps the volume.
SMOOTHING_STEPS = 15
PASS_BAND = 0.1


def contour(voxels: np.ndarray, level: float, ijk_to_ras: np.ndarray) -> vtk.vtkPolyData:
    """Return the smooth, closed surface around voxels of at least `level`, in RAS mm.

    Parameters
    ----------
    voxels : numpy.ndarray
        (K, J, I), any unit. They count as 0 beyond the volume's edges: surfaces are closed there.
    level : float
        Above 0.
    ijk_to_ras : numpy.ndarray
        4x4, voxel indices (I, J, K) to RAS mm; may be oblique or left-handed.
    """
    return _placed(_smoothed(raw_contour(voxels, level)), ijk_to_ras)


def raw_contour(voxels: np.ndarray, level: float) -> vtk.vtkPolyData:
    """Return the closed surface around voxels of at least `level` as it is, in voxel indices."""
    padded = np.pad(voxels.astype(np.float32), 1)
    image = vtk.vtkImageData()
    image.SetDimensions(*padded.shape[::-1])
    image.SetOrigin(-1.0, -1.0, -1.0)  # the padding lies before voxel 0
    image.GetPointData().SetScalars(
        vtk.util.numpy_support.numpy_to_vtk(padded.ravel())  # (K, J, I) -> I fastest, as VTK has it
    )
    edges = vtk.vtkFlyingEdges3D()
    edges.SetInputData(image)
    edges.SetValue(0, level)
    edges.ComputeNormalsOff()
    edges.ComputeScalarsOff()
    edges.Update()
    return edges.GetOutput()


def _smoothed(mesh: vtk.vtkPolyData) -> vtk.vtkPolyData:
    if mesh.GetNumberOfPoints() == 0:
        return mesh
    smooth = vtk.vtkWindowedSincPolyDataFilter()
    smooth.SetInputData(mesh)
    smooth.SetNumberOfIterations(SMOOTHING_STEPS)
    smooth.SetPassBand(PASS_BAND)
    smooth.NormalizeCoordinatesOn()
    smooth.BoundarySmoothingOff()
    smooth.NonManifoldSmoothingOn()
    smooth.Update()
    return smooth.GetOutput()


def _placed(mesh: vtk.vtkPolyData, ijk_to_ras: np.ndarray) -> vtk.vtkPolyData:
    """Return a surface moved from voxel indices to RAS mm, its normals pointing outwards."""
    matrix = vtk.vtkTransform()
    matrix.SetMatrix(ijk_to_ras.ravel().tolist())  # (4, 4) -> 16, row-major
    move = vtk.vtkTransformPolyDataFilter()
    move.SetTransform(matrix)
    move.SetInputData(mesh)
    last = move
    if np.linalg.det(ijk_to_ras[:3, :3]) < 0:  # a mirror turns triangles inside out
        last = vtk.vtkReverseSense()
        last.SetInputConnection(move.GetOutputPort())
    normals = vtk.vtkPolyDataNormals()
    normals.SetInputConnection(last.GetOutputPort())
    normals.SplittingOff()
    normals.ConsistencyOff()  # they are consistent already
    normals.Update()
    return normals.GetOutput()
