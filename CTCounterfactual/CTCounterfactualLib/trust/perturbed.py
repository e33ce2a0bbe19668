"""What the tests of stability share: the scan changed as if it had been taken again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk

from ..scans.hounsfield import in_type
from ..scans.scan import Scan
from .kind import TrustTest
from .subject import Again, Subject
from .verdict import Verdict

NOISE_HU = 1.0
# Dense bone, contrast and metal look alike in it, as in many preprocessings.
WINDOW_HU = (-1000.0, 400.0)


def compare(
    test: TrustTest, subject: Subject, runs: Sequence[Again], sentences: dict[str, str]
) -> Verdict:
    """Return the verdict of explanations made anew: how much of the strongest places they share."""
    if not subject.values.any():
        return test.not_run("The explanation is empty: there is nothing to compare.")
    found = [subject.like(run.values) for run in runs]
    facts: dict = {
        name: float(np.mean([each[name] for each in found]))
        for name in ("correlation", "dice_chance")
    }
    facts["runs"] = found
    gains = [run.gain for run in runs if run.gain is not None]
    if gains:
        drops = np.array([subject.gain, *gains])
        facts["drops"] = drops.tolist()
        facts["drop_variation"] = float(drops.std() / max(abs(drops.mean()), np.finfo(float).tiny))
    return test.of(float(np.mean([each["dice"] for each in found])), sentences, **facts)


def noisy(scan: Scan, seed: int, hu: float = 1.0) -> Scan:
    """Return a scan with Gaussian noise of `NOISE_HU`; `hu` is 1 HU in the scan's own unit."""
    noise = np.random.default_rng(seed).normal(0.0, NOISE_HU * hu, scan.array.shape)
    return _with(scan, scan.array + noise)


def windowed(scan: Scan) -> Scan:
    """Return a scan cut to `WINDOW_HU`."""
    return _with(scan, np.clip(scan.array.astype(np.float32), *WINDOW_HU))


def half_a_voxel(scan: Scan) -> Scan:
    """Return a scan resampled to a grid half a voxel on, linearly; one voxel less along each axis.

    The patient stays in place.
    """
    image = scan.image
    size = [max(n - 1, 1) for n in image.GetSize()]
    shift = [0.5 if n > 1 else 0.0 for n in image.GetSize()]
    origin = image.TransformContinuousIndexToPhysicalPoint(shift)
    resampled = sitk.Resample(
        image,
        size,
        sitk.Transform(),
        sitk.sitkLinear,
        origin,
        image.GetSpacing(),
        image.GetDirection(),
        0.0,
        sitk.sitkFloat32,
    )
    values = in_type(sitk.GetArrayFromImage(resampled), scan.array.dtype)
    moved = sitk.GetImageFromArray(values)
    moved.CopyInformation(resampled)
    return _named(scan, moved)


def _with(scan: Scan, values: np.ndarray) -> Scan:
    return _named(scan, scan.with_array(in_type(values, scan.array.dtype)))


def _named(scan: Scan, image: sitk.Image) -> Scan:
    return Scan(image, scan.name, warnings=scan.warnings, modality=scan.modality)
