"""Put an ECG electrode on the skin: a gel pad, its metal snap, and the lead that leaves it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..errors import ScanError
from ..scans.hounsfield import MAX_STORED_HU
from .layers import Layer, between, tube_layer
from .patient import Patient, Point, place_of

# Self-adhesive electrodes for adults: the pad, and the press stud in its middle.
PAD_RADIUS_MM, PAD_THICK_MM, PAD_HU = (15.0, 21.0), (1.0, 2.0), (-50.0, 80.0)
SNAP_RADIUS_MM, SNAP_THICK_MM = (4.0, 5.5), (3.0, 4.5)
# Of an insulated copper wire, its copper.
WIRE_RADIUS_MM, LEAD_MM, LEAD_STEP_MM = 0.6, (60.0, 160.0), 10.0
# The lead climbs and drifts to the side, degrees for each step.
LEAD_DRIFT_DEG = (-4.0, 4.0)
# On the front and the sides of the chest; an arm or the table is in the way elsewhere.
MOST_DEG = 70.0
# Share of the patient's height within which it lies.
HEIGHT = (0.15, 0.85)
# The greatest field of view loses some places: other ones are tried.
TRIES = 8


@dataclass(frozen=True)
class Electrode:
    """An electrode and where it sticks.

    Parameters
    ----------
    at : tuple of float
        (K, J, I) mm: the skin below its middle.
    k : int
        The slice.
    degrees : float
        From Anterior towards Right.
    pad_radius_mm, pad_thick_mm, pad_hu : float
        The gel pad.
    snap_radius_mm, snap_thick_mm : float
        The metal, on the pad.
    lead_mm : float
        How far the lead is seen; 0 for none.
    drift_deg : float
        How far the lead turns in each 10 mm that it climbs.
    """

    at: Point
    k: int
    degrees: float
    pad_radius_mm: float = 17.0
    pad_thick_mm: float = 1.5
    pad_hu: float = 20.0
    snap_radius_mm: float = 4.8
    snap_thick_mm: float = 3.5
    lead_mm: float = 100.0
    drift_deg: float = 0.0

    @property
    def ml(self) -> float:
        """Of pad and snap on flat skin."""
        pad = self.pad_radius_mm**2 * self.pad_thick_mm
        snap = self.snap_radius_mm**2 * self.snap_thick_mm
        return float(np.pi * (pad + snap)) * 1e-3


def draw_electrode(patient: Patient, rng: np.random.Generator) -> Electrode:
    """Draw an electrode on the front or side of the patient.

    Raises
    ------
    ScanError
        If the field of view shows no skin there.
    """
    first, last = patient.heights
    for _ in range(TRIES):
        k = round(first + float(rng.uniform(*HEIGHT)) * (last - first))
        degrees = float(rng.uniform(-MOST_DEG, MOST_DEG))
        try:
            at = patient.skin(k, degrees)
        except ScanError as error:
            reason = error.text
            continue
        return Electrode(
            at,
            k,
            degrees,
            float(rng.uniform(*PAD_RADIUS_MM)),
            float(rng.uniform(*PAD_THICK_MM)),
            float(rng.uniform(*PAD_HU)),
            float(rng.uniform(*SNAP_RADIUS_MM)),
            float(rng.uniform(*SNAP_THICK_MM)),
            float(rng.uniform(*LEAD_MM)),
            float(rng.uniform(*LEAD_DRIFT_DEG)),
        )
    raise ScanError(f"No room in {patient.name} for an electrode: {reason}.")


def paint_electrode(
    patient: Patient, electrode: Electrode, rng: np.random.Generator
) -> list[Layer]:
    """Return pad, snap and lead as layers; they lie outside the body, on the skin."""
    at = np.array(electrode.at)
    margin = electrode.pad_radius_mm + 2 * float(patient.steps.max())
    box = patient.box(at - margin, at + margin)
    normal = patient.normal(electrode.at, box)
    # A voxel's depth along the skin's normal; the first outside the body begins at its surface.
    width = float(np.abs(normal) @ patient.steps)
    height = ndimage.distance_transform_edt(~patient.body[box], sampling=patient.steps)
    height = height - width / 2
    offset = np.stack(
        np.meshgrid(
            *(
                np.arange(part.start, part.stop) * s - c
                for part, s, c in zip(box, patient.steps, at, strict=True)
            ),
            indexing="ij",
        ),
        axis=-1,
    )  # (K, J, I, 3)
    aside = np.linalg.norm(offset - (offset @ normal)[..., None] * normal, axis=-1)
    outside = ~patient.body[box]
    thick, across = electrode.pad_thick_mm, float(np.cbrt(patient.steps.prod()))

    def disc(radius: float, low: float, high: float) -> np.ndarray:
        round_part = np.clip((radius - aside) / across + 0.5, 0.0, 1.0)
        return np.asarray(round_part * between(height, low, high, width) * outside, np.float32)

    top = thick + electrode.snap_thick_mm
    layers = [
        Layer(box, disc(electrode.pad_radius_mm, 0.0, thick), electrode.pad_hu),
        Layer(box, disc(electrode.snap_radius_mm, thick, top), float(MAX_STORED_HU)),
    ]
    lead = _lead(patient, electrode, top)
    if len(lead) > 1:
        wire = tube_layer(patient, lead, WIRE_RADIUS_MM, float(MAX_STORED_HU))
        layers.append(Layer(wire.box, wire.cover * ~patient.body[wire.box], wire.hu))
    return layers


def _lead(patient: Patient, electrode: Electrode, above_mm: float) -> list[Point]:
    """Return the lead's course over the skin, up from the electrode, (K, J, I) mm."""
    points = []
    for step in range(int(electrode.lead_mm / LEAD_STEP_MM) + 1):
        k = electrode.k + round(step * LEAD_STEP_MM / patient.steps[0])
        degrees = electrode.degrees + step * electrode.drift_deg
        if k > patient.heights[1]:
            break
        try:
            skin = np.array(patient.skin(k, degrees))
        except ScanError:  # it leaves the field of view
            break
        angle = np.deg2rad(degrees)
        out = above_mm * np.array([0.0, np.cos(angle), np.sin(angle)])
        high = skin + out
        points.append((float(high[0]), float(high[1]), float(high[2])))
    return points


def words(patient: Patient, electrode: Electrode) -> str:
    """Return where it sticks."""
    return f"on the skin, {place_of(electrode.degrees)}, {patient.height(electrode.k)}"
