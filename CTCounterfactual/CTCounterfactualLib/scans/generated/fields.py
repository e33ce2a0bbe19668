"""Everything smooth about one patient, computed once on the lattice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .lattice import Block, lattice_axes
from .mediastinum import (
    PERICARDIUM_MM,
    great_vessels,
    heart_distances,
    main_airways,
    oesophagus,
    septum_distance,
    spine_envelope,
)
from .patient import STREAM_TISSUE, Patient, stream
from .shapes import SmoothField, ramp, smooth_max, smooth_min
from .thorax import (
    body_distance,
    cage_angle,
    cage_distance,
    diaphragm_distance,
    rib_height,
)
from .tubes import Tubes, join, tube_distance

MEDIASTINAL_CORNER_MM = 9.0  # the lungs round off over this where they meet the mediastinum
RECESS_CORNER_MM = 1.5  # but stay sharp in the costophrenic recess
VESSEL_REACH_MM = 24.0


@dataclass(frozen=True)
class Fields:
    """Lattice fields (z, y, x) float32: distances in mm (negative inside) and coordinates.

    x, y, z: reference coordinates, mm. body: skin. cage: parietal pleura. abdomen: below the
    diaphragm. mediastinum: its outline. heart: with its fat. myocardium: the heart without the
    fat of its grooves. chambers: blood in the heart. rib, angle: see `thorax.rib_height` and
    `cage_angle`. bundle, septa, marbling: random fields (SD 1) that shape muscle and fat. grain:
    white noise (SD 1) for the finest texture. vessels: mediastinal tubes in patient mm, by name.
    """

    x: np.ndarray
    y: np.ndarray
    z: np.ndarray
    body: np.ndarray
    cage: np.ndarray
    abdomen: np.ndarray
    mediastinum: np.ndarray
    heart: np.ndarray
    myocardium: np.ndarray
    chambers: np.ndarray
    rib: np.ndarray
    angle: np.ndarray
    bundle: np.ndarray
    septa: np.ndarray
    marbling: np.ndarray
    grain: np.ndarray
    vessels: dict[str, Tubes]


def tubes_to_patient(patient: Patient, tubes: Tubes) -> Tubes:
    """Move tubes from reference to patient mm."""
    return Tubes(patient.to_patient(tubes.start), patient.to_patient(tubes.end), tubes.r0, tubes.r1)


def compute_fields(patient: Patient, seed: int) -> Fields:
    """Evaluate a patient's smooth anatomy on the lattice."""
    axes = lattice_axes()
    moved = []
    for n, (axis, warp) in enumerate(zip(axes, patient.warp, strict=True)):
        shape = [1, 1, 1]
        shape[2 - n] = -1
        coordinate = axis.reshape(shape) + patient.warp_mm * warp.on_axes(*axes)
        moved.append((coordinate / patient.scale[n]).astype(np.float32))
    x, y, z = moved
    rng = stream(seed, STREAM_TISSUE)
    bundle, septa, marbling = (
        SmoothField.draw(rng, wavelength, 24).on_axes(*axes) for wavelength in (48.0, 62.0, 22.0)
    )
    # A millimetre or two of irregularity, so that no wall is a perfect curve.
    uneven = SmoothField.draw(rng, 70.0, 16).on_axes(*axes)
    vessels = great_vessels(patient) | main_airways(patient)
    vessels["oesophagus"] = oesophagus(patient)
    vessels = {name: tubes_to_patient(patient, tubes) for name, tubes in vessels.items()}
    heart, muscle, chambers = heart_distances(patient, x, y, z)
    abdomen = diaphragm_distance(patient, x, y, z) + 1.2 * uneven
    heart = smooth_max(heart, -(abdomen - 3.0), 10.0)
    muscle = smooth_max(muscle, -(abdomen - 4.0), 10.0)
    angle = cage_angle(patient, x, y, z)
    return Fields(
        x=x,
        y=y,
        z=z,
        body=body_distance(patient, x, y, z) + 1.5 * uneven,
        cage=cage_distance(patient, x, y, z) + 0.9 * uneven,
        abdomen=abdomen,
        mediastinum=_mediastinum(patient, x, y, z, heart, vessels) + 1.8 * bundle,
        heart=heart,
        myocardium=muscle,
        chambers=chambers,
        rib=rib_height(angle, z),
        angle=angle,
        bundle=bundle,
        septa=septa,
        marbling=marbling,
        grain=rng.standard_normal(x.shape, dtype=np.float32),
        vessels=vessels,
    )


def _mediastinum(patient, x, y, z, heart, vessels) -> np.ndarray:
    """Blend heart, vessels, septum and spine into one outline."""
    axes = lattice_axes()
    outline = smooth_min(septum_distance(patient, x, y, z), heart - PERICARDIUM_MM, 14.0)
    tubes = tube_distance(Block(*axes, edge_mm=3.0), join(list(vessels.values())), VESSEL_REACH_MM)
    # The tubes run on below the diaphragm and into the neck, where they must not bulge.
    outline = smooth_min(outline, tubes - 2.5 + 6.0 * ramp(z, 215.0, 250.0), 11.0)
    return smooth_min(outline, spine_envelope(patient, x, y, z), 9.0)


def hemithorax_distance(cage, abdomen, mediastinum) -> np.ndarray:
    """Signed distance to both pleural spaces, from sampled fields."""
    upper = smooth_max(cage, -abdomen, RECESS_CORNER_MM)
    return smooth_max(upper, -mediastinum, MEDIASTINAL_CORNER_MM)
