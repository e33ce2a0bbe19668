"""Heatmaps as DICOM SEG and changes as a parametric map: multi-frame images beside the scan's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ... import __version__
from ...counterfactual.result import DISCLAIMER
from ..pictures import change_rgb
from .codes import own, schemes, standard, unit_code
from .headers import UTF8
from .series import CONTENT_LABEL, PROGRAM, Series, equipment, new_uid

if TYPE_CHECKING:
    from highdicom.pm import ParametricMap
    from highdicom.seg import Segmentation, SegmentDescription
    from pydicom.dataset import Dataset

# CID 7150 has no better category for voxels that a program changed; CID 7180, for what a map's
# values mean, has "Saliency".
_CATEGORY = ("309825002", "SCT", "Spatial and Relational Concept")
_SALIENCY = ("130404", "DCM", "Saliency")


@dataclass(frozen=True)
class Band:
    """One label of a heatmap: its number from 1, name, and colour from -1 (blue) to 1 (red)."""

    label: int
    name: str
    colour: float


def write_segmentation(
    path: Path,
    headers: Sequence[Dataset],
    labels: np.ndarray,
    bands: Sequence[Band],
    series: Series,
    number: int,
    what: str,
) -> Segmentation | None:
    """Write a label map, a segment a band, on the slices that it has any on; None if it is empty.

    Parameters
    ----------
    headers : sequence of Dataset
        One a slice of `labels`: of the images that it lies on.
    labels : numpy.ndarray
        (K, J, I), uint8.
    bands : sequence of Band
        Labels from 1 on, without gaps.
    number : int
        Of the file within its series.
    what : str
        In a few words, for people.
    """
    from highdicom.seg import Segmentation, SegmentationTypeValues

    part = _filled(labels)
    if part is None:
        return None
    made = Segmentation(
        source_images=list(headers[part]),
        pixel_array=labels[part],
        segmentation_type=SegmentationTypeValues.BINARY,
        segment_descriptions=[_description(band) for band in bands],
        series_instance_uid=series.uid,
        series_number=series.number,
        series_description=series.description,
        sop_instance_uid=new_uid(),
        instance_number=number,
        content_label=CONTENT_LABEL,
        content_description=what[:64],
        specific_character_set=UTF8,
        coding_schemes=schemes(),
        **equipment(),
    )
    made.save_as(path, enforce_file_format=True)
    del made.PixelData
    return made


def write_map(
    path: Path,
    headers: Sequence[Dataset],
    values: np.ndarray,
    series: Series,
    what: str,
    unit: str,
    limit: float,
) -> ParametricMap | None:
    """Write values (K, J, I) as float32 on the slices that aren't 0 all over; None if all are.

    Parameters
    ----------
    unit : str
        Of the values: `HU`, or anything else for what has no unit of its own.
    limit : float
        The value that viewers show as strongest.
    """
    from highdicom import VOILUTTransformation
    from highdicom.pm import ParametricMap, RealWorldValueMapping

    part = _filled(values)
    if part is None:
        return None
    numbers = np.ascontiguousarray(values[part], np.float32)
    made = ParametricMap(
        source_images=list(headers[part]),
        pixel_array=numbers,
        contains_recognizable_visual_features=False,
        real_world_value_mappings=[
            RealWorldValueMapping(
                lut_label="CHANGE" if unit == "HU" else "MAP",
                lut_explanation=what[:64],
                unit=unit_code(unit),
                value_range=(float(numbers.min()), float(numbers.max())),
                slope=1.0,
                intercept=0.0,
                quantity_definition=standard(*_SALIENCY),
            )
        ],
        voi_lut_transformations=[VOILUTTransformation(0.0, 2.0 * limit)],
        series_instance_uid=series.uid,
        series_number=series.number,
        series_description=series.description,
        sop_instance_uid=new_uid(),
        instance_number=1,
        content_label=CONTENT_LABEL,
        content_description=what[:64],
        coding_schemes=schemes(),
        **equipment(),
    )
    made.Laterality = ""  # asked for where no body part is told; both sides, or not known
    made.save_as(path, enforce_file_format=True)
    del made.FloatPixelData
    return made


def _filled(volume: np.ndarray) -> slice | None:
    """Return the slices from the first to the last that aren't 0 all over; None if all are."""
    used = [k for k, plane in enumerate(volume) if plane.any()]
    return slice(used[0], used[-1] + 1) if used else None


def _description(band: Band) -> SegmentDescription:
    from highdicom import AlgorithmIdentificationSequence
    from highdicom.color import CIELabColor
    from highdicom.seg import SegmentAlgorithmTypeValues, SegmentDescription
    from pydicom.sr.codedict import codes

    red, green, blue = (int(c) for c in np.rint(change_rgb(np.array(band.colour))).ravel())
    return SegmentDescription(
        segment_number=band.label,
        segment_label=band.name[:64],
        segmented_property_category=standard(*_CATEGORY),
        segmented_property_type=own("CHANGED", "Voxels that tell what a classifier reacts to"),
        algorithm_type=SegmentAlgorithmTypeValues.AUTOMATIC,
        algorithm_identification=AlgorithmIdentificationSequence(
            name=PROGRAM,
            family=codes.DCM.ArtificialIntelligence,
            version=__version__,
            parameters={"disclaimer": DISCLAIMER},
        ),
        display_color=CIELabColor.from_rgb(red, green, blue),
    )
