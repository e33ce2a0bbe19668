"""Scan the same patient otherwise: with another kernel, a lower dose, a tilted gantry."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from ..planting.noise import Noise
from ..scans.hounsfield import AIR_HU, MAX_STORED_HU, MIN_STORED_HU
from .patient import Patient

# Sharpening adds this much of what a blur of this sigma takes away; a soft kernel is that blur.
SHARPEN, BLUR_SIGMA_MM, SOFT_CHANCE = (0.6, 2.0), (0.6, 1.2), 0.5
# Of a quarter to a twentieth of the dose, where 10 HU were before.
NOISE_HU = (15.0, 45.0)
TILT_DEG = (6.0, 20.0)


@dataclass(frozen=True)
class Kernel:
    """Another reconstruction kernel: `amount` below 0 softens by `sigma_mm`, above 0 sharpens."""

    amount: float
    sigma_mm: float


@dataclass(frozen=True)
class NoiseLevel:
    """More noise of the scan's own grain: its standard deviation, HU."""

    hu: float


@dataclass(frozen=True)
class Tilt:
    """A tilted gantry that nobody put right: slices slide to Anterior the higher they lie."""

    degrees: float


def draw_kernel(patient: Patient, rng: np.random.Generator) -> Kernel:
    """Draw a softer or a sharper kernel."""
    soft = rng.random() < SOFT_CHANCE
    amount = -1.0 if soft else float(rng.uniform(*SHARPEN))
    return Kernel(amount, float(rng.uniform(*BLUR_SIGMA_MM)))


def apply_kernel(patient: Patient, kernel: Kernel, rng: np.random.Generator) -> np.ndarray:
    """Return the scan with that kernel, (K, J, I), HU; slice by slice, as kernels are."""
    sigma = (0.0, *(kernel.sigma_mm / patient.steps[1:]))
    fine = patient.hu - ndimage.gaussian_filter(patient.hu, sigma)
    return _stored(patient.hu + np.float32(kernel.amount) * fine)


def draw_noise(patient: Patient, rng: np.random.Generator) -> NoiseLevel:
    """Draw how much noise is added."""
    return NoiseLevel(float(rng.uniform(*NOISE_HU)))


def apply_noise(patient: Patient, level: NoiseLevel, rng: np.random.Generator) -> np.ndarray:
    """Return the scan with more noise, (K, J, I), HU; none where nothing was scanned."""
    more = Noise(level.hu, patient.noise.grain).draw(rng, patient.hu.shape)
    return _stored(np.where(patient.hu < MIN_STORED_HU, patient.hu, patient.hu + more))


def draw_tilt(patient: Patient, rng: np.random.Generator) -> Tilt:
    """Draw a tilt, either way."""
    return Tilt(float(rng.uniform(*TILT_DEG) * rng.choice((-1, 1))))


def apply_tilt(patient: Patient, tilt: Tilt, rng: np.random.Generator) -> np.ndarray:
    """Return the scan sheared along J, (K, J, I), HU; the middle slice stays, air comes in."""
    sheared = np.empty_like(patient.hu)
    middle = (len(patient.hu) - 1) / 2
    slope = np.tan(np.deg2rad(tilt.degrees)) * patient.steps[0] / patient.steps[1]
    for k, one in enumerate(patient.hu):
        sheared[k] = ndimage.shift(
            one, ((k - middle) * slope, 0.0), order=1, mode="constant", cval=AIR_HU
        )
    return sheared


def _stored(hu: np.ndarray) -> np.ndarray:
    """Cut to what a scanner stores; padding below that stays."""
    return np.where(hu < MIN_STORED_HU, hu, np.minimum(hu, MAX_STORED_HU)).astype(np.float32)


def kernel_words(patient: Patient, kernel: Kernel) -> str:
    """Return what was done, in words."""
    if kernel.amount < 0:
        return f"softer, blur of {kernel.sigma_mm:.1f} mm"
    return f"sharper, {kernel.amount:.1f} of the detail below {kernel.sigma_mm:.1f} mm added"


def noise_words(patient: Patient, level: NoiseLevel) -> str:
    """Return what was done, in words."""
    return f"{level.hu:.0f} HU more noise"


def tilt_words(patient: Patient, tilt: Tilt) -> str:
    """Return what was done, in words."""
    return f"tilted by {tilt.degrees:.0f} degrees"
