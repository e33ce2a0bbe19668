"""Volume nodes from arrays and SimpleITK images, with exactly the geometry they came with."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ...errors import ScanError
from ...scans.geometry import corners_apart, same_grid
from ...scans.greys import greys_of
from ...scans.modality import CT, UNIT_OF_CT
from ...scans.scan import Scan
from ..mrml import slicer, vtk

# A lung window, as chest CT is usually read: -1250 to 250 HU.
LUNG_WINDOW_HU = 1500.0
LUNG_LEVEL_HU = -500.0
HOUNSFIELD = "[hnsf'U]"  # as UCUM codes the unit


def add_volume(
    scene,
    voxels: np.ndarray,
    matrix: np.ndarray,
    name: str,
    labels: bool = False,
    unit: str = HOUNSFIELD,
):
    """Add a volume node with a copy of `voxels`; its window is the caller's to choose.

    Parameters
    ----------
    voxels : numpy.ndarray
        (K, J, I); HU, or labels (uint8).
    matrix : numpy.ndarray
        4x4, voxel indices (I, J, K) to RAS millimetres.
    labels : bool
        Make a label map rather than a scalar volume.
    unit : str
        Of a scalar volume's voxels: `HOUNSFIELD`, or empty for values without one.
    """
    kind = "vtkMRMLLabelMapVolumeNode" if labels else "vtkMRMLScalarVolumeNode"
    node = scene.AddNewNodeByClass(kind, name)
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(matrix))
    node.CreateDefaultDisplayNodes()
    if not labels:
        # Before there are voxels: Slicer would go through all of them to choose a window itself.
        node.GetDisplayNode().SetAutoWindowLevel(False)
    if unit and not labels:
        hounsfield = slicer.vtkCodedEntry()
        hounsfield.SetValueSchemeMeaning(unit, "UCUM", "Hounsfield unit")
        node.SetVoxelValueUnits(hounsfield)
    slicer.util.updateVolumeFromArray(node, _supported(voxels))
    return node


def add_image(scene, image: sitk.Image, name: str, labels: bool = False, unit: str = HOUNSFIELD):
    """Add a volume node with a copy of a SimpleITK image, LPS geometry turned to RAS."""
    source = Scan(image)
    return add_volume(scene, source.array, source.ijk_to_ras(), name, labels, unit)


def add_like(
    scene, reference, voxels: np.ndarray, name: str, labels: bool = False, unit: str = HOUNSFIELD
):
    """Add a volume node on the grid of the node `reference`, under the same parent transform.

    Made new rather than cloned: a clone of a DICOM volume inherits the identifiers of its images
    and would pass for the patient's own series.
    """
    node = add_volume(scene, voxels, ijk_to_ras(reference), name, labels, unit)
    node.SetAndObserveTransformNodeID(reference.GetTransformNodeID())
    return node


def add_scan(scene, scan: Scan, name: str):
    """Add the scan itself: a CT in a lung window, any other one by its own range."""
    node = add_image(scene, scan.image, name, unit=unit_code(scan))
    show_usually(node, scan)
    return node


def unit_code(scan: Scan) -> str:
    """Return the code of a scan's unit for its nodes: that of HU, or none."""
    return HOUNSFIELD if scan.modality == CT else ""


def unit_words(node) -> str:
    """Return the unit of a volume's voxels as views name it; empty if it isn't HU."""
    entry = node.GetVoxelValueUnits()
    code = entry.GetCodeValue() if entry is not None else ""
    return UNIT_OF_CT if code == HOUNSFIELD else ""


def show_usually(node, scan: Scan) -> None:
    """Show a volume node in the window that its scan is usually read in."""
    if scan.modality == CT:
        set_window(node, LUNG_WINDOW_HU, LUNG_LEVEL_HU)
        return
    black, white = greys_of(scan)
    set_window(node, white - black, (white + black) / 2)


def ijk_to_ras(node) -> np.ndarray:
    """Return a volume node's 4x4 matrix from voxel indices (I, J, K) to RAS millimetres."""
    matrix = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(matrix)
    return slicer.util.arrayFromVTKMatrix(matrix)


def set_window(node, window_hu: float, level_hu: float) -> None:
    """Show a scalar volume with this window width and level, in its own unit."""
    display = node.GetDisplayNode()
    display.SetAutoWindowLevel(False)
    display.SetWindowLevel(window_hu, level_hu)


def copy_window(node, reference) -> None:
    """Show `node` in the window that `reference` is shown in, so that the two compare."""
    shown = reference.GetDisplayNode()
    if shown is None:
        set_window(node, LUNG_WINDOW_HU, LUNG_LEVEL_HU)
    else:
        set_window(node, shown.GetWindow(), shown.GetLevel())


def check_same_grid(node, scan: Scan) -> None:
    """Raise `ScanError` unless the volume node lies on the scan's grid.

    Its parent transform plays no part: explanations are made in the volume's own space.
    """
    image = node.GetImageData()
    size = image.GetDimensions() if image else (0, 0, 0)
    if size != scan.size:
        raise ScanError(
            f"Volume '{node.GetName()}' has {_times(size)} voxels (I x J x K), but the explanation "
            f"was made of a scan of {_times(scan.size)}. Choose the volume that was explained."
        )
    grid, wanted = ijk_to_ras(node), scan.ijk_to_ras()
    if not same_grid(size, wanted, grid):
        distance = corners_apart(size, wanted, grid)
        raise ScanError(
            f"Volume '{node.GetName()}' lies up to {distance:.3g} mm away from the scan that was "
            f"explained: it was moved since, or loading it turned its slices around. Explain "
            f"this volume again."
        )


def _supported(voxels: np.ndarray) -> np.ndarray:
    """Return voxels in a type that Slicer can show: 64-bit integers become 32-bit."""
    if voxels.dtype.kind in "iu" and voxels.dtype.itemsize == 8:
        return voxels.astype(np.int32)  # HU are far inside 32 bits
    return voxels


def _times(size: tuple[int, ...]) -> str:
    return " x ".join(str(n) for n in size)
