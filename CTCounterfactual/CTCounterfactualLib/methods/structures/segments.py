"""The structures of a scan as one label map on its prepared grid, each voxel in one of them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ...errors import ScanError
from ...scans.grid import PreparedScan
from ...scans.read import read_file
from .names import header_of, names_of_labels, segments_in_header
from .table import ELSEWHERE_LABEL

# More values than any atlas of the body has structures.
MOST_LABELS = 1000
LEFT_LUNG, RIGHT_LUNG = 1, 2


@dataclass(frozen=True)
class Segments:
    """Structures on the prepared grid.

    Parameters
    ----------
    labels : numpy.ndarray
        (K, J, I), int32: 0 is none of them.
    names : dict
        Label -> name, of all labels that the map has, those without a voxel here too.
    overlapping_ml : float
        What several segments of a segmentation share; the first of them has it.
    """

    labels: np.ndarray
    names: dict[int, str]
    overlapping_ml: float = 0.0


def read_segments(path: str | Path, prepared: PreparedScan, names: str | None = None) -> Segments:
    """Read a label map, or a segmentation of Slicer's, and bring it to the prepared grid.

    Of another geometry it is resampled to the nearest voxels.

    Parameters
    ----------
    path : str or Path
        NRRD (also .seg.nrrd with overlapping segments), NIfTI or MetaImage.
    names : str, optional
        See `names.names_of_labels`; a segmentation of Slicer's has its own.

    Raises
    ------
    ScanError
        If it is missing, no label map, empty, or lies elsewhere than the scan.
    """
    path = Path(path)
    if not path.is_file():
        raise ScanError(f"There is no file {path} to take structures from. Check the path.")
    image, found, overlapping = _read(path)
    if found is None:
        known = names_of_labels(path, names)
        found = {label: known.get(label, f"label {label}") for label in _labels_of(path, image)}
    if not found:
        raise ScanError(
            f"The label map {path} is empty: no voxel has a label. Choose another one, or leave it "
            f"out to take the lungs that are found here."
        )
    grid = prepared.as_image(prepared.volume)
    there = sitk.Resample(image, grid, sitk.Transform(), sitk.sitkNearestNeighbor, 0)
    labels = sitk.GetArrayFromImage(there).astype(np.int32)
    if not labels.any():
        raise ScanError(
            f"None of the structures in {path} lies in the scan: it covers {_place(image)}, the "
            f"scan {_place(prepared.scan.image)} (mm, LPS). Give the label map of this scan."
        )
    return Segments(labels, found, overlapping)


def lungs_of(prepared: PreparedScan) -> Segments:
    """Return the left and the right lung, parted at the middle of the body.

    Raises
    ------
    ScanError
        If the scan shows no lung.
    """
    lungs = prepared.lungs
    weight = prepared.body.sum(axis=(0, 1), dtype=float)
    middle = round(float((weight * np.arange(len(weight))).sum() / max(weight.sum(), 1)))
    labels = np.zeros(lungs.shape, np.int32)
    labels[..., :middle][lungs[..., :middle]] = LEFT_LUNG  # I grows to the right
    labels[..., middle:][lungs[..., middle:]] = RIGHT_LUNG
    return Segments(labels, {LEFT_LUNG: "left lung", RIGHT_LUNG: "right lung"})


def _read(path: Path) -> tuple[sitk.Image, dict[int, str] | None, float]:
    """Return one label map, its names if they are in its header, and mL of several segments."""
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
        segments = segments_in_header(header_of(reader))
        layers = reader.GetNumberOfComponents()
        image = reader.Execute() if segments and layers > 1 else None
    except RuntimeError:
        segments, image = [], None  # `read_file` says what is wrong
    except (KeyError, ValueError) as error:
        raise ScanError(
            f"The header of the segmentation {path} is damaged ({error}). Save it again in Slicer."
        ) from error
    if not segments:
        return read_file(path).image, None, 0.0
    if image is None:
        image = read_file(path).image
    return _one_map(path, image, segments)


def _one_map(
    path: Path, image: sitk.Image, segments: list[tuple[int, int, str]]
) -> tuple[sitk.Image, dict[int, str], float]:
    """Number a segmentation's segments from 1 on, in their order, over all its layers."""
    voxels = sitk.GetArrayViewFromImage(image)
    layers = voxels[..., None] if image.GetNumberOfComponentsPerPixel() == 1 else voxels
    numbers = np.zeros(layers.shape[:3], np.uint16)
    names: dict[int, str] = {}
    shared = np.zeros(layers.shape[:3], bool)
    for number, (layer, label, name) in enumerate(segments, start=1):
        if layer >= layers.shape[3]:
            raise ScanError(
                f"The header of the segmentation {path} puts {name!r} into layer {layer}, of "
                f"{layers.shape[3]} in the file. Save it again in Slicer."
            )
        inside = layers[..., layer] == label
        shared |= inside & (numbers > 0)
        numbers[inside & (numbers == 0)] = number
        if inside.any():
            names[number] = name
    one = sitk.GetImageFromArray(numbers)
    one.SetSpacing(image.GetSpacing())
    one.SetOrigin(image.GetOrigin())
    one.SetDirection(image.GetDirection())
    voxel_ml = float(np.prod(image.GetSpacing())) * 1e-3
    return one, names, round(float(shared.sum()) * voxel_ml, 2)


def _labels_of(path: Path, image: sitk.Image) -> list[int]:
    """Return the labels of a map but 0; raise `ScanError` if it is none."""
    values = np.unique(sitk.GetArrayViewFromImage(image))
    whole = np.isfinite(values).all() and (values == np.round(values)).all()
    if not whole or values.min() < 0:
        raise ScanError(
            f"{path} is no label map: its values go from {values.min():.5g} to {values.max():.5g}, "
            f"where whole numbers from 0 on are expected. Export the segmentation as a label map."
        )
    if len(values) > MOST_LABELS:
        raise ScanError(
            f"{path} has {len(values)} different values; a label map of structures has up to "
            f"{MOST_LABELS}. Is it a scan?"
        )
    return [int(value) for value in values if value != ELSEWHERE_LABEL]


def _place(image: sitk.Image) -> str:
    """Return between which points an image lies, LPS mm."""
    ends = [
        image.TransformIndexToPhysicalPoint(corner)
        for corner in ((0, 0, 0), tuple(n - 1 for n in image.GetSize()))
    ]
    return " to ".join(f"({', '.join(f'{v:.0f}' for v in end)})" for end in ends)
