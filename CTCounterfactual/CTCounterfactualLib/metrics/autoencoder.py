"""Quality of a slice autoencoder for counterfactuals: how well it draws, and how it changes.

A good reconstruction isn't the aim: with the change added to the scan, the decoder's blur never
shows. What counts is whether a *change* looks like anatomy. So a scan is explained once (mode
`whole`) and the change itself is measured.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch
from scipy import ndimage

from ..counterfactual.gradient import decode_slices, encode_slices
from ..counterfactual.result import Explanation
from ..errors import SettingsError
from ..models.autoencoder import SliceAutoencoder
from ..models.catalogue import load_classifier
from ..scans.body import find_body
from ..scans.grid import prepare
from ..scans.scan import Scan
from .smoothness import slice_roughness

# Slices encoded at a time.
SLICE_BATCH = 4

# Anatomy changes over centimetres, speckle over pixels: a wavelength of 9 mm is 6 pixels of 1.5 mm.
SPECKLE_WAVELENGTH_MM = 9.0
# A change that a reader would see; smaller ones drown in noise.
VISIBLE_HU = 50.0
# Neighbourhood whose darkest and brightest voxel bound what a changed voxel may plausibly be.
TISSUE_RADIUS_MM = 12.0
TISSUE_MARGIN_HU = 50.0


@dataclass(frozen=True)
class Quality:
    """Figures of one autoencoder on one scan.

    Parameters
    ----------
    psnr_body_db : float
        Peak signal-to-noise ratio of D(E(x)) within the body; peak = the whole 2000 HU window.
    score_error : float
        (f(D(E(x))) - f(x)) / f(x): for `lung-volume` the relative error of the lung's volume.
    reduction : float
        (f(x) - f(x')) / f(x) of the whole counterfactual within its change limit.
    change : float
        Fraction of the image that it changed.
    speckle_share : float
        Share of the change's in-plane energy at wavelengths below `SPECKLE_WAVELENGTH_MM`.
    component_ml : float
        Volume of the connected visible change (|change| > `VISIBLE_HU`) that a visible changed
        voxel lies in, averaged over those voxels.
    implausible_share : float
        Share of visibly changed voxels outside the range of tissues within `TISSUE_RADIUS_MM`.
    redraw_ratio : float
        mean |D(E(x')) - x'| / mean |D(E(x)) - x|: above 1, x' is harder to draw than the scan.
    code_distance : float
        Mean distance of shifted latents to their nearest codes, over that of the encoder's own
        latents before quantisation.
    slice_roughness : float
        mean |change between neighbouring slices| / mean in-plane |gradient| per mm of the change.
    """

    psnr_body_db: float
    score_error: float
    reduction: float
    change: float
    speckle_share: float
    component_ml: float
    implausible_share: float
    redraw_ratio: float
    code_distance: float
    slice_roughness: float

    def to_dict(self) -> dict[str, float]:
        """Return the figures rounded to four digits."""
        return {name: float(f"{value:.4g}") for name, value in asdict(self).items()}


def measure(autoencoder: SliceAutoencoder, found: Explanation) -> Quality:
    """Measure drawing and change of an autoencoder that explained a scan (mode `whole` or `both`).

    Parameters
    ----------
    autoencoder : SliceAutoencoder
        On the CPU.
    found : Explanation
        What `explain(scan, autoencoder=autoencoder, mode="whole")` returned, with a classifier of
        the catalogue.

    Raises
    ------
    SettingsError
        If the explanation has no search of the whole volume.
    """
    if found.whole is None:
        raise SettingsError(
            "Quality is measured on a change of the whole volume, but this explanation searched "
            "chunks only. Explain with mode 'whole' or 'both'."
        )
    prepared = prepare(found.scan, load_classifier(found.classifier.name).grid)
    changed_scan = Scan(found.scan.with_array(found.counterfactual))
    changed = prepare(changed_scan, prepared.spec).volume
    x = torch.from_numpy(prepared.volume)[:, None]  # (K, J, I) -> (D, 1, H, W)
    latents = encode_slices(autoencoder, x)
    size = (prepared.volume.shape[1], prepared.volume.shape[2])
    decoded = decode_slices(autoencoder, latents, size, clipped=True)[:, 0].numpy()
    to_hu = prepared.spec.window.hu_per_unit
    change_hu = (changed - prepared.volume) * to_hu
    return Quality(
        psnr_body_db=_psnr(prepared, decoded),
        score_error=found.scores.reconstruction / found.scores.original - 1,
        reduction=1 - found.scores.counterfactual / found.scores.original,
        change=found.whole.change,
        speckle_share=speckle_share(change_hu, prepared.spec.spacing),
        component_ml=component_ml(change_hu, prepared.spec.spacing),
        implausible_share=_implausible_share(prepared, changed, change_hu),
        redraw_ratio=_redraw_ratio(autoencoder, prepared.volume, decoded, changed),
        code_distance=_code_distance(autoencoder, x, torch.from_numpy(changed)[:, None]),
        slice_roughness=slice_roughness(change_hu, prepared.spec.spacing),
    )


def speckle_share(change: np.ndarray, spacing: tuple[float, float, float]) -> float:
    """Return the share of a change's (K, J, I) in-plane energy at short wavelengths."""
    spectrum = np.abs(np.fft.fft2(change, axes=(1, 2))) ** 2
    per_mm_j = np.fft.fftfreq(change.shape[1], spacing[1])[:, None]
    per_mm_i = np.fft.fftfreq(change.shape[2], spacing[0])[None, :]
    fine = np.hypot(per_mm_j, per_mm_i) > 1 / SPECKLE_WAVELENGTH_MM
    return float(spectrum[:, fine].sum() / max(spectrum.sum(), np.finfo(float).tiny))


def component_ml(change_hu: np.ndarray, spacing: tuple[float, float, float]) -> float:
    """Return the mean volume (mL) of the connected visible change that a changed voxel lies in."""
    labels, count = ndimage.label(np.abs(change_hu) > VISIBLE_HU)
    if not count:
        return 0.0
    sizes = np.bincount(labels.ravel())[1:] * float(np.prod(spacing)) * 1e-3
    return float((sizes**2).sum() / sizes.sum())


def _psnr(prepared, decoded: np.ndarray) -> float:
    body = find_body(prepared.spec.window.to_hu(prepared.volume), prepared.spec.spacing)
    error = float(((decoded - prepared.volume)[body] ** 2).mean())
    return -10 * float(np.log10(error))


def _implausible_share(prepared, changed: np.ndarray, change_hu: np.ndarray) -> float:
    visible = np.abs(change_hu) > VISIBLE_HU
    if not visible.any():
        return 0.0
    size = [2 * round(TISSUE_RADIUS_MM / s) + 1 for s in prepared.spec.spacing[::-1]]  # K, J, I
    margin = TISSUE_MARGIN_HU / prepared.spec.window.hu_per_unit
    low = ndimage.minimum_filter(prepared.volume, size) - margin
    high = ndimage.maximum_filter(prepared.volume, size) + margin
    return float(((changed < low) | (changed > high))[visible].mean())


def _redraw_ratio(autoencoder, volume, decoded, changed) -> float:
    slices = torch.from_numpy(changed)[:, None]  # (K, J, I) -> (D, 1, H, W)
    latents = encode_slices(autoencoder, slices)
    again = decode_slices(autoencoder, latents, changed.shape[1:], clipped=True)
    return float(np.abs(again[:, 0].numpy() - changed).mean() / np.abs(decoded - volume).mean())


@torch.inference_mode()
def _code_distance(autoencoder, x: torch.Tensor, changed: torch.Tensor) -> float:
    """Return how far from the codebook the changed slices' latents lie, relative to the scan's."""
    quantize = autoencoder.network.quantize

    def distance(slices: torch.Tensor) -> float:
        total = 0.0
        for part in slices.split(SLICE_BATCH):
            latents = quantize.project(autoencoder.encode_continuous(part))
            total += float((latents - quantize.nearest(latents)).norm(dim=1).sum())
        return total

    return distance(changed) / max(distance(x), float(np.finfo(np.float32).tiny))
