"""CT noise and texture: correlated in-plane, different in every slice."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import gaussian_filter

from .patient import STREAM_NOISE, Patient, stream

# Width (sigma, mm) of the in-plane correlation of a soft and a sharp reconstruction kernel.
SOFT_KERNEL_MM, SHARP_KERNEL_MM = 0.85, 0.5
SHOULDER_Z_MM = 235.0


def slice_noise(
    patient: Patient, seed: int, index: int, shape: tuple[int, int], spacing: tuple[float, float]
) -> np.ndarray:
    """Unit-variance noise of one slice, (J, I): band-limited as filtered back-projection leaves it.

    A difference of Gaussians: the reconstruction filter removes the lowest frequencies, the
    kernel the highest.
    """
    rng = stream(seed, STREAM_NOISE, index)
    white = rng.standard_normal(shape, dtype=np.float32)
    sigma = SOFT_KERNEL_MM + patient.sharpness * (SHARP_KERNEL_MM - SOFT_KERNEL_MM)
    narrow = [sigma / s for s in spacing[::-1]]
    noise = gaussian_filter(white, narrow) - 0.7 * gaussian_filter(white, [2.4 * n for n in narrow])
    return noise / max(float(noise.std()), 1e-6)


def noise_strength(body: np.ndarray, z: float) -> np.ndarray:
    """Relative noise level (1 in soft tissue at mid depth): higher deep inside and between
    the shoulders, lower in the air outside."""
    depth = np.clip(-body / 110.0, -0.25, 1.0)
    shoulders = 1.0 + 0.5 * np.clip((z - SHOULDER_Z_MM) / 50.0, 0.0, 1.0)
    return (0.75 + 0.6 * depth) * shoulders
