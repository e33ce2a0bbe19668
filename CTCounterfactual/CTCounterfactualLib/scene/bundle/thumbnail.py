"""The small picture of a saved scene: what a slice view shows, without OpenGL or a window."""

from __future__ import annotations

import numpy as np

from ..mrml import vtk


def blend(logic) -> np.ndarray:
    """Return what a slice view shows: (rows, columns, RGB), uint8, rows from the top.

    Parameters
    ----------
    logic : vtkMRMLSliceLogic
        It blends the view's layers; pixels outside its volumes are black.
    """
    producer = logic.GetImageDataConnection().GetProducer()
    producer.Update()
    image = producer.GetOutputDataObject(0)
    columns, rows, _ = image.GetDimensions()
    pixels = vtk.util.numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
    pixels = pixels.reshape(rows, columns, 4)  # (rows * columns, RGBA) -> (rows, columns, RGBA)
    colors = np.where(pixels[..., 3:] > 0, pixels[..., :3], 0)  # no volume: transparent
    return colors[::-1].astype(np.uint8)  # VTK's first row is the lowest


def thumbnail(logic) -> vtk.vtkImageData:
    """Return what a slice view shows as an RGB image, for the scene's file."""
    colors = blend(logic)
    rows, columns, _ = colors.shape
    image = vtk.vtkImageData()
    image.SetDimensions(columns, rows, 1)
    flat = np.ascontiguousarray(colors[::-1]).reshape(-1, 3)  # (rows, columns, RGB) -> (n, RGB)
    scalars = vtk.util.numpy_support.numpy_to_vtk(flat, deep=True)
    image.GetPointData().SetScalars(scalars)
    return image
