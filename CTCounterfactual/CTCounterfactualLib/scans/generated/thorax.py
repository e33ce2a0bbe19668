"""The large surfaces of the chest: skin, rib cage, spine curve, diaphragm (reference mm)."""

from __future__ import annotations

from typing import Any

import numpy as np

from .patient import Patient
from .shapes import bump, ellipsoid, ramp, smooth_min

APEX_Z = 262.0  # top of the lungs in the reference chest
CAP_HEIGHT = 108.0  # the cage narrows to its apex over this height
SHELL_MM = 13.0  # chest wall from pleura to the outside of the ribs


def spine_y(patient: Patient, z: Any) -> Any:
    """Centre of the vertebral bodies (y, mm) at one or many z: the thoracic kyphosis."""
    return 57.0 - patient.kyphosis * ((z - 95.0) / 185.0) ** 2


def cage_front_y(patient: Patient, z: np.ndarray) -> np.ndarray:
    """Inner face of the anterior chest wall (y, mm), sloping back towards the neck."""
    return patient.cage_front + 38.0 * ramp(z, 115.0, 262.0)


def _cage_frame(patient: Patient, z: np.ndarray):
    """Centre y, half depth and half width of the cage before its apical cap."""
    back, front = spine_y(patient, z) + 32.0, cage_front_y(patient, z)
    narrow = 1.0 - 0.05 * ramp(-z, -70.0, 20.0)
    return 0.5 * (back + front), 0.5 * (back - front), patient.cage_half_width * narrow


def cage_distance(patient: Patient, x, y, z) -> np.ndarray:
    """Signed distance to the inner face of the rib cage (parietal pleura); negative inside.

    A superellipse in the axial plane closed above by an ellipsoidal cap, indented behind by the
    spine so that the lungs reach into the paravertebral gutters.
    """
    centre, depth, width = _cage_frame(patient, z)
    u, v = np.abs(x) / width, (y - centre) / depth
    n = patient.cage_exponent
    axial = (u**n + np.abs(v) ** n) ** (1.0 / n)
    axial = axial * (1.0 + 0.3 * bump(x, 0.0, 23.0) * np.clip(1.6 * v, 0.0, 1.0))
    height = np.maximum(z - (APEX_Z - CAP_HEIGHT), 0.0)
    rho = np.sqrt(axial**2 + (height / CAP_HEIGHT) ** 2)
    # Radial distance to the surface, shortened where the surface is oblique to the radius.
    radius = np.sqrt(x**2 + (y - centre) ** 2 + height**2)
    return 0.93 * radius * (1.0 - 1.0 / np.maximum(rho, 0.05))


def cage_angle(patient: Patient, x, y, z) -> np.ndarray:
    """Position around the cage: 0 at the spine, 0.5 lateral, 1 at the sternum, both sides."""
    centre, depth, width = _cage_frame(patient, z)
    return np.arctan2(np.abs(x) / width, (y - centre) / depth) / np.pi


def rib_height(angle: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Height of the spinal end of the rib running through a point of the cage wall (z, mm).

    Ribs fall from the spine to the front and their cartilage climbs back to the sternum; the
    upper ribs fall less.
    """
    fall = 108.0 * ramp(angle, -0.12, 0.88) - 42.0 * ramp(angle, 0.8, 1.02)
    return z + fall * (0.6 + 0.4 * ramp(-z, -235.0, -120.0))


def body_distance(patient: Patient, x, y, z) -> np.ndarray:
    """Signed distance to the skin: trunk, shoulders under raised arms, breasts."""
    wall = SHELL_MM + patient.muscle
    width = patient.cage_half_width + wall + patient.fat + 4.0 + 7.0 * bump(z, 205.0, 45.0)
    width = width - 6.0 * ramp(-z, -60.0, 20.0)
    front = cage_front_y(patient, z) - wall - 0.7 * patient.fat + 16.0 * ramp(z, 225.0, 290.0)
    back = spine_y(patient, z) + 65.0 + 0.45 * patient.fat
    centre, depth = 0.5 * (front + back), 0.5 * (back - front)
    u, v = np.abs(x) / width, (y - centre) / depth
    n = 2.35
    # Flattened front and back midlines: sternal hollow and the furrow over the spine.
    furrow = bump(x, 0.0, 20.0) * (0.045 * ramp(v, 0.2, 0.9) + 0.05 * ramp(-v, 0.2, 0.9))
    rho = (u**n + np.abs(v) ** n) ** (1.0 / n) + furrow
    distance = np.hypot(x, y - centre) * (1.0 - 1.0 / np.maximum(rho, 0.05))
    if patient.breast > 0.0:
        breast_front = patient.cage_front - wall - 0.4 * patient.fat
        bulge = ellipsoid(
            np.abs(x), y, z, (80.0, breast_front + 8.0, 122.0), (62.0, patient.breast + 6, 50.0)
        )
        distance = smooth_min(distance, bulge, 20.0)
    return distance


def _dome(patient: Patient, x, y, side: float, top: float, recess: np.ndarray) -> np.ndarray:
    """Height of one hemidiaphragm (z, mm); `side` is -1 right, +1 left."""
    centre_x, centre_y = side * 58.0, -8.0
    lateral = patient.cage_half_width - 58.0 - 5.0
    outward = side * (x - centre_x)
    front = centre_y - patient.cage_front - 4.0
    back = spine_y(patient, np.float32(30.0)) + 32.0 - centre_y - 4.0
    u = np.where(outward > 0, outward / lateral, outward / 88.0)
    v = np.where(y < centre_y, (y - centre_y) / front, (y - centre_y) / back)
    q = np.abs(u) ** 2.2 + np.abs(v) ** 2.2
    return recess + (top - recess) * np.maximum(1.0 - q, 0.0) ** 0.58


def diaphragm_height(patient: Patient, x, y) -> np.ndarray:
    """Height of the diaphragm (z, mm) at (x, y): two domes above the costophrenic recesses."""
    recess = 20.0 - 0.24 * (y + 8.0)
    right = _dome(patient, x, y, -1.0, patient.dome_right, recess)
    left = _dome(patient, x, y, 1.0, patient.dome_left, recess)
    return -smooth_min(-right, -left, 14.0)


def diaphragm_distance(patient: Patient, x, y, z) -> np.ndarray:
    """Signed distance to the space below the diaphragm; negative in the abdomen.

    The height difference over the local slope (finite differences over 2 mm).
    """
    height = diaphragm_height(patient, x, y)
    dx = (diaphragm_height(patient, x + 1.0, y) - diaphragm_height(patient, x - 1.0, y)) / 2.0
    dy = (diaphragm_height(patient, x, y + 1.0) - diaphragm_height(patient, x, y - 1.0)) / 2.0
    return (z - height) / np.sqrt(1.0 + dx * dx + dy * dy)
