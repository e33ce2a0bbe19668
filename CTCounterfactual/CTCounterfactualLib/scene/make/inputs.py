"""From nodes to what the engine takes: a volume node as a scan, a segment as a region."""

from __future__ import annotations

import numpy as np
import SimpleITK as sitk

from ...errors import ScanError
from ...scans.checks import MIN_DETERMINANT, MIN_SLICES, check_scan
from ...scans.scan import Scan
from ...wording import say
from ..mrml import slicer, vtk
from . import volumes

# Codes that a volume loaded from DICOM carries: of the quantity (DCM, "Attenuation Coefficient"),
# of the unit (UCUM, "Hounsfield unit", "no units").
CT_QUANTITIES = ("112031",)
HU_UNITS = ("[hnsf'U]", "1")
PARENT_TRANSFORM = "parent-transform"
NON_LINEAR_TRANSFORM = "non-linear-transform"


def scan_from_node(volume, assume_hu: bool = False) -> Scan:
    """Return a volume node's own voxels, copied, with the geometry of its IJK-to-RAS matrix.

    It passes the checks of a scan that is read from a file (`scans.checks`). A parent transform is
    not applied: it is a placement, and results get the same one. It becomes a warning of the scan.

    Parameters
    ----------
    volume : vtkMRMLScalarVolumeNode
    assume_hu : bool
        Go on although the values don't look like HU, or are said to be something else.

    Raises
    ------
    ScanError
        If the node is missing or no scalar volume, is empty, flat, a label map, has several values
        a voxel, no voxel size, NaN, or values that aren't HU. It names the volume.
    """
    _check_scalar_volume(volume)
    _check_stated(volume, assume_hu)
    image = sitk.GetImageFromArray(slicer.util.arrayFromVolume(volume))  # (K, J, I), copied
    _set_geometry(image, volume)
    scan = Scan(image, volume.GetName(), warnings=_transform_warnings(volume))
    return check_scan(scan, assume_hu)


def region_from_segment(segmentation, segment_id: str, volume) -> sitk.Image:
    """Return a segment as a mask on a volume node's grid: uint8, 1 inside, LPS geometry.

    Parent transforms of both are respected. No node is changed, and none is added.

    Parameters
    ----------
    segmentation : vtkMRMLSegmentationNode
    segment_id : str
        Identifier of one of its segments.
    volume : vtkMRMLScalarVolumeNode
        Whose grid the mask is to have.

    Raises
    ------
    ScanError
        If there is no such segment, or it has no voxel inside the volume.
    """
    _check_scalar_volume(volume)
    if segmentation is None:
        raise ScanError(
            "No segmentation is chosen for the region. Choose one and its segment, or turn the "
            "region off to explain the whole scan."
        )
    segment = segmentation.GetSegmentation().GetSegment(segment_id)
    if segment is None:
        raise ScanError(
            f"Segmentation '{segmentation.GetName()}' has no segment '{segment_id}'. Choose the "
            f"region's segment again, or turn the region off to explain the whole scan."
        )
    inside = _resample(_labels(segmentation, segment, segment_id), segmentation, volume)
    if not inside.any():
        raise ScanError(
            f"Segment '{segment.GetName()}' of '{segmentation.GetName()}' has no voxel inside the "
            f"volume '{volume.GetName()}': it is empty, or lies elsewhere. Draw it on this volume, "
            f"or choose another segment."
        )
    image = sitk.GetImageFromArray(inside)
    _set_geometry(image, volume)
    return image


def _check_scalar_volume(volume) -> None:
    if volume is None:
        raise ScanError("No volume is chosen. Load a CT scan and choose it as the input.")
    if not (hasattr(volume, "IsA") and volume.IsA("vtkMRMLScalarVolumeNode")):
        name = volume.GetName() if hasattr(volume, "GetName") else volume
        raise ScanError(
            f"{name!r} is a {type(volume).__name__}, no scalar volume node. Choose the volume of "
            f"the CT scan; of a name, slicer.util.getNode gives the node."
        )
    name = volume.GetName()
    if volume.IsA("vtkMRMLLabelMapVolumeNode"):
        raise ScanError(
            f"'{name}' is a label map, not a CT scan in HU. Choose the scan it was drawn on."
        )
    image = volume.GetImageData()
    if image is None or image.GetNumberOfPoints() == 0 or image.GetPointData().GetScalars() is None:
        raise ScanError(f"The volume '{name}' is empty (no voxels). Load the scan again.")
    if image.GetScalarType() == vtk.VTK_BIT:
        raise ScanError(
            f"The volume '{name}' has one bit a voxel: it is a mask, not a CT scan in HU. Choose "
            f"the scan it was drawn on."
        )
    components = image.GetNumberOfScalarComponents()
    if components != 1:
        raise ScanError(
            f"The volume '{name}' has {components} values a voxel (colour or vector image); a CT "
            f"scan has one. Choose the scan itself."
        )
    if min(image.GetDimensions()) < MIN_SLICES:
        size = " x ".join(str(n) for n in image.GetDimensions())
        raise ScanError(
            f"The volume '{name}' is flat ({size} voxels); at least {MIN_SLICES} slices are "
            f"expected. Load the whole series."
        )


def _check_stated(volume, assume_hu: bool) -> None:
    """Raise `ScanError` if the volume is said to hold something else than HU, as PET and MR do."""
    for entry, allowed in (
        (volume.GetVoxelValueQuantity(), CT_QUANTITIES),
        (volume.GetVoxelValueUnits(), HU_UNITS),
    ):
        code = entry.GetCodeValue() if entry is not None else ""
        if code and code not in allowed and not assume_hu:
            raise ScanError(
                f"The volume '{volume.GetName()}' is said to hold "
                f"'{entry.GetCodeMeaning() or code}'; a CT scan holds HU. Choose the CT scan, or "
                f"use {say('assume_hu', True)} if it is in HU all the same."
            )


def _set_geometry(image: sitk.Image, volume) -> None:
    """Give a SimpleITK image the geometry of a volume node: RAS turned to LPS, axes as they are."""
    matrix = np.diag([-1.0, -1.0, 1.0, 1.0]) @ volumes.ijk_to_ras(volume)  # RAS -> LPS
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    direction = matrix[:3, :3] / np.where(spacing > 0, spacing, 1.0)
    if not np.isfinite(matrix).all() or abs(np.linalg.det(direction)) < MIN_DETERMINANT:
        raise ScanError(
            f"The volume '{volume.GetName()}' has no proper geometry: its IJK-to-RAS matrix maps "
            f"voxels onto a plane or a line. Load the scan again."
        )
    image.SetSpacing(spacing.tolist())
    image.SetOrigin(matrix[:3, 3].tolist())
    image.SetDirection(direction.ravel().tolist())  # (3, 3) -> 9, row-major


def _transform_warnings(volume) -> tuple[tuple[str, str], ...]:
    parent = volume.GetParentTransformNode()
    if parent is None:
        return ()
    if parent.IsTransformToWorldLinear():
        return (
            (
                PARENT_TRANSFORM,
                (
                    f"The volume lies under the transform '{parent.GetName()}': slices and "
                    f"positions are counted in the volume's own space, before that transform; "
                    f"results lie under it too."
                ),
            ),
        )
    return (
        (
            NON_LINEAR_TRANSFORM,
            (
                f"The volume lies under the non-linear transform '{parent.GetName()}' (of a DICOM "
                f"series: gantry tilt or uneven slice spacing). It was computed in voxel space, as "
                f"if its slices were evenly spaced; results lie under the same transform."
            ),
        ),
    )


def _labels(segmentation, segment, segment_id: str):
    """Return a segment's label map in the segmentation's own space, other segments taken out."""
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    binary = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    shared = segmentation.GetSegmentation().ContainsRepresentation(binary)
    labels = slicer.vtkOrientedImageData()
    if not logic.GetSegmentBinaryLabelmapRepresentation(segmentation, segment_id, labels, False):
        raise ScanError(
            f"Segment '{segment.GetName()}' of '{segmentation.GetName()}' can't be turned into "
            f"voxels. Create its binary labelmap representation (module Segmentations), then try "
            f"again."
        )
    scalars = labels.GetPointData().GetScalars()
    if shared and scalars is not None:  # segments that don't overlap may share one label map
        values = vtk.util.numpy_support.vtk_to_numpy(scalars)
        values[:] = values == segment.GetLabelValue()
    return labels


def _resample(labels, segmentation, volume) -> np.ndarray:
    """Return labels on the volume's grid: (K, J, I), uint8, 0 or 1; nearest neighbour."""
    inside = np.zeros(volume.GetImageData().GetDimensions()[::-1], np.uint8)
    if labels.IsEmpty():
        return inside
    reference = slicer.vtkOrientedImageData()
    reference.SetExtent(volume.GetImageData().GetExtent())
    matrix = vtk.vtkMatrix4x4()
    volume.GetIJKToRASMatrix(matrix)
    reference.SetGeometryFromImageToWorldMatrix(matrix)
    to_volume = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(
        segmentation.GetParentTransformNode(), volume.GetParentTransformNode(), to_volume
    )
    found = slicer.vtkOrientedImageData()
    resample = slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage
    if not resample(labels, reference, found, False, False, to_volume) or found.IsEmpty():
        return inside
    # The result covers a part of the volume; both extents count the volume's voxels.
    i0, i1, j0, j1, k0, k1 = found.GetExtent()
    first_i, _, first_j, _, first_k, _ = reference.GetExtent()
    values = vtk.util.numpy_support.vtk_to_numpy(found.GetPointData().GetScalars())
    values = values.reshape(k1 - k0 + 1, j1 - j0 + 1, i1 - i0 + 1)  # (n,) -> (K, J, I)
    inside[
        k0 - first_k : k1 - first_k + 1,
        j0 - first_j : j1 - first_j + 1,
        i0 - first_i : i1 - first_i + 1,
    ] = values > 0
    return inside
