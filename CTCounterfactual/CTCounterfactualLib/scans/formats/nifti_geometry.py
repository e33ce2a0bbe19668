"""Where a NIfTI-1 file says that its voxels lie, and what is doubtful about it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...errors import ScanError
from ..checks import check_axes, mm
from ..oblique import straight_enough

# Low three bits of xyzt_units -> millimetres; 0 means unknown, and millimetres are the custom.
UNIT_BITS = 7
MM_PER_UNIT = {0: 1.0, 1: 1000.0, 2: 1.0, 3: 0.001}
# Two voxel sizes or directions in one header are the same up to rounding of float32 and of the
# few digits that some programs write.
SAME_SPACING = 0.01
SAME_DIRECTION = 0.02
_RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0])


def nifti_geometry(path: Path, header: Mapping[str, np.ndarray]):
    """Return spacing (I, J, K; mm), origin (LPS mm), direction (9, row-major) and warnings.

    The sform counts before the qform, as the standard suggests for scanner coordinates and as
    other readers have it; a file with neither is read along LPS and flagged.

    Raises
    ------
    ScanError
        Unknown unit, voxel size of 0 or less, or axes that span no volume.
    """
    unit = int(header["xyzt_units"]) & UNIT_BITS
    if unit not in MM_PER_UNIT:
        raise ScanError(
            f"The unit of length of {path} has the code {unit}; meter, mm or micron are expected. "
            f"Export it again."
        )
    pixdim = np.asarray(header["pixdim"][1:4], float)
    affine, warnings = _affine(path, header, pixdim)
    if np.isinf(affine).any():
        raise ScanError(f"The position or orientation in {path} isn't finite. Export it again.")
    affine = _RAS_TO_LPS @ affine * MM_PER_UNIT[unit]
    spacing = np.linalg.norm(affine[:, :3], axis=0)
    direction = affine[:, :3] / np.where(spacing > 0, spacing, 1.0)
    if not (np.isfinite(spacing).all() and spacing.min() > 0):
        raise ScanError(
            f"{path} has a voxel size of {mm(spacing)}; each must be a number above 0. "
            f"Export it again with its voxel size."
        )
    check_axes(direction, str(path))
    return (
        spacing.tolist(), affine[:, 3].tolist(), straight_enough(direction).ravel().tolist(),
        warnings,
    )  # fmt: skip


def _affine(path: Path, header: Mapping[str, np.ndarray], pixdim: np.ndarray):
    """Return the matrix (3, 4) from voxel indices to RAS in the file's unit, and warnings."""
    has_sform, has_qform = header["sform_code"] > 0, header["qform_code"] > 0
    if has_sform:
        sform = np.asarray(header["srow"], float)
        return sform, _disagreement(sform, _qform(header, pixdim) if has_qform else None, pixdim)
    if not np.isfinite(pixdim).all() or pixdim.min() <= 0:
        raise ScanError(
            f"{path} has a voxel size of {mm(pixdim)}; each must be a number above 0. "
            f"Export it again with its voxel size."
        )
    if has_qform:
        return _qform(header, pixdim), ()
    along_lps = np.column_stack([_RAS_TO_LPS @ np.diag(pixdim), np.zeros(3)])
    return along_lps, (
        (
            "unknown-orientation",
            "The file doesn't say how the patient lies (no qform, no sform): it was read as if its "
            "axes grew to Left, Posterior and Superior. Left and right may be swapped.",
        ),
    )


def _qform(header: Mapping[str, np.ndarray], pixdim: np.ndarray) -> np.ndarray:
    """Return the matrix (3, 4) of the quaternion (method 2 of nifti1.h)."""
    b, c, d = (float(v) for v in header["quatern"])
    length = b * b + c * c + d * d
    if length > 1.0:  # rounding: a half turn has a = 0
        b, c, d = (v / np.sqrt(length) for v in (b, c, d))
    a = np.sqrt(max(0.0, 1.0 - length))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    handed = -1.0 if header["pixdim"][0] < 0 else 1.0
    return np.column_stack([rotation * pixdim * [1.0, 1.0, handed], header["qoffset"]])


def _disagreement(sform: np.ndarray, qform: np.ndarray | None, pixdim: np.ndarray):
    """Return a warning if a header says two voxel sizes or two orientations."""
    spacing = np.linalg.norm(sform[:, :3], axis=0)
    if not np.allclose(spacing, pixdim, rtol=SAME_SPACING):
        return (
            (
                "two-voxel-sizes",
                f"The file says two voxel sizes: {mm(spacing)} in its sform, which was taken, and "
                f"{mm(pixdim)} in pixdim.",
            ),
        )
    if qform is not None:
        with np.errstate(invalid="ignore", divide="ignore"):
            turned = np.abs(sform[:, :3] / spacing - qform[:, :3] / pixdim).max()
        if not turned <= SAME_DIRECTION:
            return (
                (
                    "two-orientations",
                    "The file says two orientations: that of its sform was taken, its qform "
                    "differs.",
                ),
            )
    return ()
