"""Scores, searches and where they come from as a measurement report (SR, template TID 1500)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ... import __version__
from ...counterfactual.result import DISCLAIMER
from .codes import own, schemes, standard, unit_code
from .content import Content, Group
from .headers import UTF8
from .images import Band
from .series import PROGRAM, Series, new_uid

if TYPE_CHECKING:
    from highdicom.sr import AlgorithmIdentification, MeasurementReport, ObservationContext
    from pydicom.dataset import Dataset

_QUALITATIVE = ("C0034375", "UMLS", "Qualitative Evaluations")
_PROCEDURE = ("25045-6", "LN", "CT unspecified body region")
_VOLUME = ("118565006", "SCT", "Volume")
# A decimal string holds 16 characters; six digits are what a score is worth.
DIGITS = 6


def write_measurements(
    path: Path,
    content: Content,
    heatmap: Dataset | None,
    volumes_ml: Sequence[float],
    evidence: Sequence[Dataset],
    series: Series,
) -> Dataset:
    """Write the report: scores and searches, mL of each label, target, models, settings and flags.

    Parameters
    ----------
    heatmap : Dataset or None
        The heatmap's segmentation, to which the volumes refer.
    volumes_ml : sequence of float
        Of each band of the content, in mL.
    evidence : sequence of Dataset
        Headers of all images that it is about, the input's among them.
    """
    from highdicom.sr import ComprehensiveSR, MeasurementReport

    # The settings are told once, with the scores.
    told = [content.parameters, *((),) * (len(content.groups) - 1)]
    groups = [
        _group(group, _algorithm(parameters))
        for group, parameters in zip(content.groups, told, strict=True)
    ]
    if heatmap is not None:
        shown = zip(content.bands, volumes_ml, strict=True)
        groups += [_volume(band, ml, heatmap) for band, ml in shown if ml > 0]
    report = MeasurementReport(
        observation_context=_observer(),
        procedure_reported=standard(*_PROCEDURE),
        imaging_measurements=groups,
    )
    _add_texts(report, (("DISCLAIMER", "What this is not", DISCLAIMER), *content.texts))
    made = ComprehensiveSR(
        evidence=list(evidence),
        content=report[0],
        series_instance_uid=series.uid,
        series_number=series.number,
        series_description=series.description,
        sop_instance_uid=new_uid(),
        instance_number=1,
        manufacturer=PROGRAM,
        manufacturer_model_name=PROGRAM,
        software_versions=__version__,
        is_complete=True,
        specific_character_set=UTF8,
        coding_schemes=schemes(),
    )
    made.save_as(path, enforce_file_format=True)
    return made


def _observer() -> ObservationContext:
    from highdicom.sr import (
        DeviceObserverIdentifyingAttributes,
        ObservationContext,
        ObserverContext,
    )
    from pydicom.sr.codedict import codes

    return ObservationContext(
        observer_device_context=ObserverContext(
            observer_type=codes.DCM.Device,
            observer_identifying_attributes=DeviceObserverIdentifyingAttributes(
                uid=new_uid(), name=PROGRAM, manufacturer_name=PROGRAM, model_name=PROGRAM
            ),
        )
    )


def _algorithm(parameters: Sequence[str]) -> AlgorithmIdentification:
    from highdicom.sr import AlgorithmIdentification

    return AlgorithmIdentification(
        name=PROGRAM, version=__version__, parameters=list(parameters) or None
    )


def _group(group: Group, algorithm: AlgorithmIdentification):
    from highdicom.sr import Measurement, MeasurementsAndQualitativeEvaluations, TrackingIdentifier

    return MeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=new_uid(), identifier=group.name),
        algorithm_id=algorithm,
        measurements=[
            Measurement(own(one.code, one.name), rounded(one.value), unit_code(one.unit))
            for one in group.numbers
        ],
    )


def _volume(band: Band, ml: float, heatmap: Dataset):
    from highdicom.sr import (
        Measurement,
        ReferencedSegment,
        TrackingIdentifier,
        VolumetricROIMeasurementsAndQualitativeEvaluations,
    )

    return VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=TrackingIdentifier(uid=new_uid(), identifier=f"Heatmap: {band.name}"),
        referenced_segment=ReferencedSegment.from_segmentation(heatmap, band.label),
        measurements=[Measurement(standard(*_VOLUME), rounded(ml), unit_code("mL"))],
    )


def _add_texts(report: MeasurementReport, texts: Sequence[tuple[str, str, str]]) -> None:
    """Add the container of TID 1500 for what is no number, which highdicom has no word for."""
    from highdicom.sr import (
        ContainerContentItem,
        ContentSequence,
        RelationshipTypeValues,
        TextContentItem,
    )

    container = ContainerContentItem(
        name=standard(*_QUALITATIVE), relationship_type=RelationshipTypeValues.CONTAINS
    )
    container.ContentSequence = ContentSequence(
        [
            TextContentItem(own(code, name), text, RelationshipTypeValues.CONTAINS)
            for code, name, text in texts
            if text
        ]
    )
    report[0].ContentSequence.append(container)


def rounded(value: float) -> float:
    """Return a number with as many digits as it is worth."""
    return float(np.format_float_scientific(value, DIGITS - 1))
