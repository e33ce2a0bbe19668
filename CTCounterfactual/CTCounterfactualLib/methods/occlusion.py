"""What is seen where a scan isn't kept: the choice decides what an occlusion shows.

In 3D ReX, 0 found the lesions, the mean found nothing, and a healthy scan found other places. All
but the last two here are unlike any scan, so that a classifier may react to their edges. A
counterfactual is the same scan without what the classifier reacts to.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from ..errors import ModelError, SettingsError
from ..models.entry import DEFAULT_AUTOENCODER
from .method import Request

AIR, MEAN, BLUR, COUNTERFACTUAL = "air", "mean", "blur", "counterfactual"
KINDS = (AIR, MEAN, BLUR, COUNTERFACTUAL)
# Wide enough that a lung lobe keeps its grey and loses its form.
BLUR_MM = 20.0


def check_occlusion(occlusion: str) -> str:
    """Return what is allowed, in words, if an occlusion isn't; else nothing."""
    if occlusion in KINDS or _number(occlusion) is not None or Path(occlusion).is_file():
        return ""
    return f"give one of {', '.join(KINDS)}, a number in HU (its own unit), or a scan's file."


def chosen_occlusion(request: Request, occlusion: str | None) -> str:
    """Return an occlusion, or without one the counterfactual; air where there can't be any.

    That is for a black box, and for scans that the embedded autoencoder doesn't draw (no CT).

    Raises
    ------
    ModelError
        If a counterfactual is asked for that there can't be.
    """
    differentiable = request.classifier.differentiable
    if occlusion is None:
        drawn = request.prepared.spec.is_ct or request.autoencoder != DEFAULT_AUTOENCODER
        return COUNTERFACTUAL if differentiable and drawn else AIR
    if occlusion == COUNTERFACTUAL and not differentiable:
        others = ", ".join(kind for kind in KINDS if kind != COUNTERFACTUAL)
        raise ModelError(
            f"{request.classifier.name} is a black box, so there is no counterfactual to occlude "
            f"with. Use another occlusion: {others}, a number in HU, or a scan's file."
        )
    return occlusion


def occluded(request: Request, occlusion: str) -> np.ndarray:
    """Return the volume that shows where the scan isn't kept: (K, J, I), float32, 0..1.

    Parameters
    ----------
    occlusion : str
        One of `KINDS` (air is the least intensity of what isn't CT); a number in HU, or in the
        scan's own unit; or the path of another scan in the same place, such as an
        earlier or a healthy one.
    """
    prepared = request.prepared
    x, spec = prepared.volume, prepared.spec
    value = spec.lowest if occlusion == AIR else _number(occlusion)
    if value is not None:
        return np.full_like(x, spec.window.to_unit(np.array(value)))
    if occlusion == MEAN:
        return np.full_like(x, x[prepared.inside].mean())
    if occlusion == BLUR:
        from scipy import ndimage

        sigma = [BLUR_MM / step for step in spec.spacing[::-1]]  # (I, J, K) -> (K, J, I)
        return ndimage.gaussian_filter(x, sigma)
    if occlusion == COUNTERFACTUAL:
        return _counterfactual(request)
    return _other_scan(request, occlusion)


def _counterfactual(request: Request) -> np.ndarray:
    from ..scans.grid import prepare
    from .latent_shift import counterfactual_of

    explanation = counterfactual_of(request)
    if not explanation.difference.any():
        raise ModelError(
            f"No counterfactual was found for {request.classifier.name}: no change within the "
            f"limit moved the score the wanted way, so there is none to occlude with. Choose "
            f"another occlusion."
        )
    scan = request.prepared.scan
    changed = replace(scan, image=scan.with_array(explanation.counterfactual))
    return prepare(changed, request.prepared.spec, request.reporter.check).volume


def _other_scan(request: Request, path: str) -> np.ndarray:
    from ..scans.grid import prepare, resample_onto
    from ..scans.read import read_scan

    prepared = request.prepared
    scan = read_scan(path, modality=prepared.spec.modality)
    other = prepare(scan, prepared.spec, request.reporter.check)
    cover = resample_onto(
        prepared.as_image(prepared.volume), other.as_image(other.inside.astype(np.float32))
    )
    if not (cover > 0).any():
        raise SettingsError(
            f"The scan {path} that is to occlude lies elsewhere than the one that is explained: "
            f"they have no place in common. Register it first."
        )
    air = prepared.spec.window.to_unit(np.array(prepared.spec.lowest))
    there = resample_onto(prepared.as_image(prepared.volume), other.as_image(other.volume))
    return np.where(cover > 0, there, air).astype(np.float32)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if np.isfinite(value) else None
