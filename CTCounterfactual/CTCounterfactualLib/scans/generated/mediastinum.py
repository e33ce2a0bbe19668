"""Heart, great vessels, oesophagus and the mediastinal outline the lungs fold around."""

from __future__ import annotations

import numpy as np

from .patient import Patient
from .shapes import bump, ellipsoid, ramp, smooth_min
from .thorax import cage_front_y, diaphragm_height, spine_y
from .tubes import Tubes, join, spline_tube

# Reference positions (mm) that several organs share.
CARINA = np.array([-1.0, 22.0, 188.0])
HILUM_RIGHT = np.array([-46.0, 14.0, 158.0])
HILUM_LEFT = np.array([48.0, 17.0, 164.0])
GROOVE_MM = 6.0
PERICARDIUM_MM = 3.0  # epicardial fat and pericardium around the heart muscle


def heart_centre(patient: Patient) -> np.ndarray:
    """Centre of the ventricles (reference mm), resting on the diaphragm."""
    x, y, lift = patient.heart_centre
    floor = float(diaphragm_height(patient, np.float64(x), np.float64(y)))
    return np.array([x, y, max(floor, 66.0) + 35.0 * patient.heart_scale + lift])


def _heart_axes(patient: Patient) -> np.ndarray:
    """Rows: long axis (to the left, front and down), then two across it."""
    c, s = np.cos(0.6 + patient.heart_turn), np.sin(0.6 + patient.heart_turn)
    long = np.array([0.93 * c, -0.93 * s, -0.37])
    long /= np.linalg.norm(long)
    across = np.cross([0.0, 0.0, 1.0], long)
    across /= np.linalg.norm(across)
    return np.stack([long, across, np.cross(long, across)])


def heart_distances(patient: Patient, x, y, z) -> tuple[np.ndarray, ...]:
    """Signed distances to the heart's outer surface, its muscle and the blood in its chambers."""
    c, s, axes = heart_centre(patient), patient.heart_scale, _heart_axes(patient)
    ventricles = ellipsoid(x, y, z, c, np.array([61.0, 46.0, 44.0]) * s, axes)
    right = c + np.array([-40.0, 6.0, 10.0]) * s
    left = c + np.array([-16.0, 41.0, 20.0]) * s
    right_atrium = ellipsoid(x, y, z, right, np.array([27.0, 30.0, 36.0]) * s)
    left_atrium = ellipsoid(x, y, z, left, np.array([37.0, 20.0, 25.0]) * s)
    atria = smooth_min(right_atrium, left_atrium, 8.0)
    heart = smooth_min(ventricles, atria, 16.0)
    # The atrioventricular groove: muscle keeps away from the seam, fat and coronaries fill it.
    muscle = heart + GROOVE_MM * bump(ventricles - atria, 0.0, 5.0)

    def chamber(offset, radii):
        # Offset along the heart's own axes: towards the apex, across, and up.
        return ellipsoid(x, y, z, c + s * (axes.T @ np.array(offset)), np.array(radii) * s, axes)

    left_ventricle = chamber((6.0, 13.0, 4.0), (40.0, 17.0, 20.0))
    right_ventricle = chamber((-2.0, -24.0, 0.0), (42.0, 13.0, 30.0))
    blood = np.minimum(left_ventricle, right_ventricle)
    blood = np.minimum(blood, np.minimum(right_atrium, left_atrium) + 3.0)
    return heart, muscle, blood


def great_vessels(patient: Patient) -> dict[str, Tubes]:
    """Arteries and veins of the mediastinum as tubes in reference mm, by territory."""
    ra = patient.aorta_radius
    top = heart_centre(patient)[2] + 36.0 * patient.heart_scale
    low, mid = spine_y(patient, 30.0), spine_y(patient, 120.0)
    high = spine_y(patient, 185.0)
    aorta = spline_tube(
        [
            [4, -22, top - 14],
            [-8, -30, top + 8],
            [-14, -32, 178],
            [-6, -22, 199],
            [10, -2, 206],
            [24, 18, 201],
            [29, high - 16, 184],
            [28, mid - 9, 130],
            [21, spine_y(patient, 70.0) - 16, 70],
            [10, low - 27, 20],
            [6, low - 28, -30],
        ],
        np.array([1.1, 1.15, 1.12, 1.05, 0.98, 0.93, 0.9, 0.85, 0.8, 0.75, 0.7]) * ra,
    )
    branches = [
        spline_tube(
            [[-3, -16, 204], [-13, -10, 228], [-19, -3, 255], [-24, 0, 310]], [6.0, 6, 5.5, 4]
        ),
        spline_tube([[9, -3, 210], [13, -2, 240], [20, 2, 310]], [4.5, 4, 3.5]),
        spline_tube([[20, 12, 206], [26, 14, 235], [38, 8, 258], [75, -12, 268]], [5.5, 5, 5, 4.5]),
    ]
    pulmonary = [
        spline_tube([[20, -44, top - 6], [21, -30, top + 14], [18, -8, 172]], [14.0, 14, 13]),
        spline_tube([[18, -10, 171], [2, 0, 168], [-20, 6, 164], HILUM_RIGHT], [11.5, 11.5, 11, 8]),
        spline_tube([[18, -8, 172], [34, 6, 174], HILUM_LEFT], [11.5, 11.5, 8]),
    ]
    back = heart_centre(patient) + np.array([-16.0, 41.0, 20.0]) * patient.heart_scale
    for x, y, z in ([-50, 12, 128], [-46, 6, 146], [50, 16, 132], [48, 4, 150]):
        ostium = back + np.array([0.4 * x, -2.0, 0.0])
        pulmonary.append(spline_tube([ostium, [x, y, z]], [7.5, 6.0]))
    veins = [
        spline_tube([[-24, -12, top - 12], [-24, -20, 180], [-22, -28, 206]], [9.5, 9.5, 9]),
        spline_tube(
            [[-22, -28, 206], [2, -40, 216], [26, -34, 232], [34, -20, 300]], [7.5, 7, 7, 5.5]
        ),
        spline_tube([[-22, -28, 206], [-30, -26, 234], [-34, -16, 300]], [7.5, 7.5, 6]),
        spline_tube([[-24, -2, 112], [-24, 8, 60], [-22, 12, -30]], [13.0, 12, 12]),
        spline_tube(
            [
                [-9, low - 19, 0],
                [-9, mid - 18, 120],
                [-11, high - 16, 178],
                [-20, 4, 188],
                [-22, -14, 184],
            ],
            [3.0, 4, 4, 4, 4],
        ),
    ]
    return {"aorta": join([aorta, *branches]), "pulmonary": join(pulmonary), "veins": join(veins)}


def main_airways(patient: Patient) -> dict[str, Tubes]:
    """Lumina of the trachea and the main bronchi in reference mm."""
    r = patient.trachea_radius
    fork = CARINA + np.array([0.0, 0.0, 4.0])
    down = [[0, 4, 320], [0, 9, 262], [-1, 16, 225], fork]
    right = [fork, [-18, 22, 172], [-34, 20, 160]]
    left = [fork, [18, 24, 174], [42, 25, 160]]
    return {
        "trachea": spline_tube(down, np.full(4, r)),
        "right bronchus": spline_tube(right, np.array([0.85, 0.75, 0.7]) * r),
        "left bronchus": spline_tube(left, np.array([0.82, 0.7, 0.64]) * r),
    }


def oesophagus(patient: Patient) -> Tubes:
    """The oesophagus (outer wall) in reference mm."""
    heights = np.array([310.0, 250.0, 200.0, 160.0, 120.0, 80.0, 45.0])
    x = np.array([2.0, 5, 6, 3, 4, 12, 26])
    y = spine_y(patient, heights) - np.array([17.0, 19, 22, 24, 26, 32, 38])
    return spline_tube(np.stack([x, y, heights], 1), np.array([6.5, 7, 7, 7, 7.5, 8, 9]))


def septum_distance(patient: Patient, x, y, z) -> np.ndarray:
    """Signed distance to the fat column between the lungs, without the organs in it."""
    front = cage_front_y(patient, z)
    half = 5.0 + 13.0 * bump(y, 10.0, 26.0)
    half = half + 24.0 * ramp(z, 192.0, 232.0) * bump(y, front + 26.0, 36.0)
    half = half + 9.0 * bump(z, 185.0, 30.0) * bump(y, front + 16.0, 16.0)
    half = half + 9.0 * ramp(-z, -120.0, -85.0) * bump(y, front + 12.0, 18.0)  # cardiophrenic fat
    return 0.9 * (np.abs(x - 2.0) - half)


def spine_envelope(patient: Patient, x, y, z) -> np.ndarray:
    """Signed distance to the vertebral column with its soft tissue, open to the back."""
    forward = np.minimum(y - spine_y(patient, z), 0.0)
    return np.sqrt(x**2 + (1.12 * forward) ** 2) - 22.0
