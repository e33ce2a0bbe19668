"""Paint bones: cortical shell, marrow inside; ribs, sternum, clavicles, scapulae."""

from __future__ import annotations

import numpy as np

from .canvas import Canvas
from .fields import tubes_to_patient
from .shapes import ellipsoid, ramp, segment_2d, smooth_max, smooth_min
from .spine import VERTEBRA_LEVELS, paint_spine
from .tubes import join, spline_tube, tube_distance

CORTEX_HU = 780.0
CARTILAGE_HU = 95.0
RIB_DEPTH_MM = 7.0  # middle of a rib outside the pleura
RIB_HALF_THICK, RIB_HALF_TALL = 4.0, 7.0
# How far round each rib is bone: 0 at the spine, 1 at the sternum (see `thorax.cage_angle`).
RIB_BONE_END = np.array([0.84, 0.8, 0.8, 0.8, 0.8, 0.79, 0.77, 0.74, 0.7, 0.66, 0.5, 0.34])
RIB_CARTILAGE_END = np.array([0.93, 1, 1, 1, 1, 1, 1, 0.9, 0.82, 0.74, 0.5, 0.34])


def paint_bone(canvas: Canvas, distance, marrow, cortex_mm, window=None) -> None:
    """Paint a bone from its signed distance: cortex outside, marrow within, and its mask."""
    part = canvas.block.edge_mm
    cover = np.clip(0.5 - distance / part, 0.0, 1.0)
    canvas.paint(cover, CORTEX_HU, window)
    canvas.paint(np.clip(0.5 - (distance + cortex_mm) / part, 0.0, 1.0), marrow, window)
    canvas.mark("bone", cover, window)


def paint_skeleton(canvas: Canvas) -> None:
    """Paint all bones of the block."""
    _paint_ribs(canvas)
    paint_spine(canvas, paint_bone)
    _paint_sternum(canvas)
    _paint_clavicles(canvas)
    _paint_scapulae(canvas)


def _paint_ribs(canvas: Canvas) -> None:
    """Twelve pairs of ribs, told apart by the height of their spinal end."""
    cage, rib, angle = canvas.field("cage"), canvas.field("rib"), canvas.field("angle")
    wall = np.flatnonzero(np.abs(cage.ravel() - RIB_DEPTH_MM) < RIB_HALF_THICK + 3.0)
    if not len(wall):
        return
    depth = cage.ravel()[wall] - RIB_DEPTH_MM
    height, around = rib.ravel()[wall], angle.ravel()[wall]
    levels = VERTEBRA_LEVELS + 6.0
    number = np.interp(-height, -levels, np.arange(12.0))
    nearest = np.clip(np.rint(number), 0, 11).astype(int)
    # The slope of the rib makes its section taller in z than it is across.
    across = 0.86 * (height - levels[nearest])
    tall = RIB_HALF_TALL * (1.0 - 0.25 * ramp(around, 0.55, 0.1))
    unit = np.sqrt((depth / RIB_HALF_THICK) ** 2 + (across / tall) ** 2)
    slope = np.sqrt((depth / RIB_HALF_THICK**2) ** 2 + (across / tall**2) ** 2)
    section = unit * (unit - 1.0) / np.maximum(slope, 1e-4)
    # Arc length to the ends: the half circumference of the cage is about 330 mm.
    to_bone_end = 330.0 * (around - RIB_BONE_END[nearest])
    to_cartilage_end = 330.0 * (around - RIB_CARTILAGE_END[nearest])
    near_spine = 330.0 * (0.045 - around)
    bone = np.maximum(np.maximum(section, to_bone_end), near_spine).astype(np.float32)
    cartilage = np.maximum(section, np.maximum(to_cartilage_end, -to_bone_end - 1.0))
    patient, edge, flat = canvas.patient, canvas.block.edge_mm, canvas.hu.reshape(-1)

    def blend(distance, hu):
        cover = np.clip(0.5 - distance / edge, 0.0, 1.0)
        flat[wall] += cover * (hu - flat[wall])
        return cover

    blend(cartilage, CARTILAGE_HU + 260.0 * patient.calcified)
    blend(cartilage + 1.3, CARTILAGE_HU)
    cover = blend(bone, CORTEX_HU)
    blend(bone + 1.5, patient.marrow + 90.0)
    mask = np.zeros(canvas.block.shape, np.float32)
    mask.reshape(-1)[wall] = cover
    canvas.mark("bone", mask)


def _paint_sternum(canvas: Canvas) -> None:
    """Manubrium and body of the sternum, on the front of the cage."""
    x, z, cage = canvas.field("x"), canvas.field("z"), canvas.field("cage")
    front = canvas.field("angle") > 0.75
    half = 13.0 + 4.0 * ramp(-z, -150.0, -105.0) + 14.0 * ramp(z, 192.0, 225.0)
    plate = smooth_max(np.abs(x) - half, np.abs(cage - 8.0) - 5.5, 5.0)
    plate = smooth_max(plate, np.maximum(z - 236.0, 92.0 - z), 6.0)
    joint = 2.5 - np.abs(z - 194.0)  # manubriosternal joint
    plate = np.where(front, np.maximum(plate, joint), 50.0)
    paint_bone(canvas, plate, canvas.patient.marrow - 20.0, 1.3)


def _paint_clavicles(canvas: Canvas) -> None:
    """Both clavicles, rising to the side under raised arms."""
    way = np.array([[20, -62, 238], [52, -58, 248], [92, -34, 258], [128, -4, 270], [150, 10, 284]])
    parts = []
    for side in (-1.0, 1.0):
        tube = spline_tube(way * [side, 1, 1], np.array([9.0, 6, 5.5, 6, 7]))
        parts.append(tubes_to_patient(canvas.patient, tube))
    distance = tube_distance(canvas.block, join(parts), 4.0)
    distance = np.maximum(distance, canvas.field("body") + 6.0)
    if distance.min() < 2.0:
        paint_bone(canvas, distance, canvas.patient.marrow + 60.0, 1.7)


def _paint_scapulae(canvas: Canvas) -> None:
    """Scapular blades with their spine and neck; the arms are out of the scan."""
    z = canvas.field("z")
    if z.max() < 120.0:
        return
    x, y = np.abs(canvas.field("x")), canvas.field("y")
    rise = np.clip((z - 128.0) / 120.0, 0.0, 1.0)
    medial_x, medial_y = 96.0 - 30.0 * rise, 86.0 + 4.0 * rise
    lateral_x, lateral_y = 118.0 + 26.0 * rise, 69.0 - 36.0 * rise
    gap, along = segment_2d(x, y, medial_x, medial_y, lateral_x, lateral_y)
    blade = gap - (2.0 + 3.2 * along**3 + 1.0 * (1.0 - along) ** 4)
    ends = np.maximum(128.0 - z, z - 252.0 - 8.0 * along)
    blade = smooth_max(blade, ends, 5.0)
    spine_x, spine_y = medial_x + 30.0, medial_y - 14.0
    gap, along = segment_2d(x, y, spine_x, spine_y, spine_x + 34.0, spine_y + 12.0)
    crest = smooth_max(gap - 2.6, np.abs(z - 238.0 - 10.0 * along) - 6.0, 4.0)
    neck = ellipsoid(x, y, z, (138.0, 34.0, 262.0), (11.0, 13.0, 17.0))
    bone = smooth_min(smooth_min(blade, crest, 4.0), neck, 5.0)
    bone = np.maximum(bone, canvas.field("body") + 7.0)  # never through the skin
    paint_bone(canvas, bone, canvas.patient.marrow + 40.0, 1.6)
