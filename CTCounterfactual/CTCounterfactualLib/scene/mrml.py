"""Where the scene room gets `slicer` and `vtk` from: inside Slicer its own, else slicer-core's."""

from __future__ import annotations

from ..errors import MissingExtraError

try:
    import slicer
    import vtk
    import vtk.util.numpy_support
except ModuleNotFoundError as error:
    if error.name not in ("slicer", "vtk"):
        raise  # a broken install of something else must show its own name
    raise MissingExtraError("slicer", "scene", "write the Slicer scene (scene.mrb)") from error

__all__ = ["slicer", "vtk"]
