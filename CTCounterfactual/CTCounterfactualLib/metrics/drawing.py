"""How well an autoencoder draws: likeness of D(E(x)) to x, by tissue, and use of its codes.

    psnr_body_db   peak signal-to-noise ratio within the body, peak 1 (2000 HU)
    ssim_body      structural similarity (Wang et al., "Image quality assessment: from error
                   visibility to structural similarity", IEEE TIP 2004), slice by slice, Gaussian
                   window of 1.5 pixels, mean over the body
    mae_..._hu     mean absolute error in the body where the scan is lung, soft tissue or bone
    frechet        distance of the slices' features `HU_TEXTURE`; see `realism`

A score's reconstruction gap is f(D(E(x))) - f(x), in the target's unit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from scipy import ndimage

from ..counterfactual.gradient import as_slices, decode_slices, encode_slices, score_volume
from ..errors import CTCounterfactualError
from ..models.autoencoder import AutoencoderLike
from ..models.classifier import Classifier
from ..models.reconstruction import compare
from ..scans.body import find_body
from ..scans.grid import PreparedScan
from .realism import hu_texture, realism

# Tissues by the scan's own HU; what lies between is mixed, or fat, and counts in none.
TISSUES = {"lung": (-1000.0, -500.0), "soft_tissue": (-50.0, 150.0), "bone": (300.0, np.inf)}
# Of the similarity: window in pixels, and the two constants for a range of 1.
SSIM_SIGMA, SSIM_C1, SSIM_C2 = 1.5, 0.01**2, 0.03**2


@dataclass(frozen=True)
class Gap:
    """What the autoencoder alone does to a classifier's score."""

    classifier: str
    target: str
    unit: str
    original: float
    reconstruction: float

    @property
    def gap(self) -> float:
        """Reconstruction's score minus the scan's."""
        return self.reconstruction - self.original


@dataclass(frozen=True)
class Drawing:
    """Figures of one scan, or of one patient's slices.

    Parameters
    ----------
    name : str
        Of the scan.
    figures : dict
        As the module says, without those that aren't defined.
    gaps : tuple of Gap
        Of the classifiers that were asked.
    remarks : tuple of str
        Classifiers that have nothing to say, and why.
    """

    name: str
    figures: dict[str, float]
    gaps: tuple[Gap, ...] = ()
    remarks: tuple[str, ...] = ()


@dataclass
class CodeUse:
    """How often each code of a codebook was taken, over all scans so far."""

    taken: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def count(self, autoencoder: Any, slices: torch.Tensor) -> None:
        """Count the codes of slices (D, 1, H, W); nothing for an autoencoder without a codebook."""
        quantize: Any = getattr(getattr(autoencoder, "network", None), "quantize", None)
        if not hasattr(quantize, "indices") or not hasattr(autoencoder, "encode_continuous"):
            return
        with torch.inference_mode():
            for part in slices.split(4):
                indices = quantize.indices(autoencoder.encode_continuous(part))
                counts = np.bincount(indices.flatten().numpy(), minlength=len(quantize.codes()))
                self.taken = counts if not self.taken.size else self.taken + counts

    def figures(self) -> dict[str, float]:
        """Return how many codes there are and were taken, and their perplexity."""
        if not self.taken.sum():
            return {}
        share = self.taken[self.taken > 0] / self.taken.sum()
        return {
            "codes": float(self.taken.size),
            "codes_used": float((self.taken > 0).sum()),
            "perplexity": float(np.exp(-(share * np.log(share)).sum())),
        }


def redraw(autoencoder: AutoencoderLike, volume: np.ndarray) -> np.ndarray:
    """Return D(E(x)) of a prepared volume (K, J, I), 0..1, cut to 0..1."""
    x = as_slices(np.ascontiguousarray(volume, dtype=np.float32), torch.device("cpu"))
    latents = encode_slices(autoencoder, x)
    size = (volume.shape[1], volume.shape[2])
    return decode_slices(autoencoder, latents, size, clipped=True)[:, 0].numpy()


def measure_scan(
    prepared: PreparedScan, drawn: np.ndarray, name: str, classifiers: Sequence[Classifier] = ()
) -> Drawing:
    """Measure a prepared scan's reconstruction (K, J, I), 0..1, and the classifiers' gaps."""
    volume, spec = prepared.volume, prepared.spec
    body = find_body(spec.window.to_hu(volume), spec.spacing)
    gaps, remarks = [], []
    for classifier in classifiers:
        try:
            gaps += _gaps(classifier, prepared, drawn)
        except CTCounterfactualError as error:
            remarks.append(f"{classifier.name}: {error}")
    return Drawing(name, likeness(volume, drawn, body), tuple(gaps), tuple(remarks))


def likeness(x: np.ndarray, drawn: np.ndarray, body: np.ndarray) -> dict[str, float]:
    """Return the figures of two volumes (K, J, I), 0..1, within a body of the same shape."""
    compared = compare(torch.from_numpy(x)[:, None], torch.from_numpy(drawn)[:, None])
    found = {"psnr_body_db": compared.psnr_db, "slope": compared.slope}
    if not body.any():
        return found
    similar = np.stack([ssim(a, b) for a, b in zip(x, drawn, strict=True)])
    found["ssim_body"] = float(similar[body].mean())
    hu, error = 2000.0 * x - 1000.0, 2000.0 * np.abs(drawn - x)
    for tissue, (low, high) in TISSUES.items():
        inside = body & (hu >= low) & (hu < high)
        if inside.any():
            found[f"mae_{tissue}_hu"] = float(error[inside].mean())
    real = realism(hu_texture(x, body), hu_texture(drawn, body))
    return found | {name: real[name] for name in ("frechet", "frechet_floor") if name in real}


def ssim(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the structural similarity at each pixel of two slices (H, W), 0..1."""

    def smooth(image: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(image, SSIM_SIGMA, truncate=3.5)

    x, y = x.astype(np.float64), y.astype(np.float64)
    mean_x, mean_y = smooth(x), smooth(y)
    var_x, var_y = smooth(x * x) - mean_x**2, smooth(y * y) - mean_y**2
    both = smooth(x * y) - mean_x * mean_y
    above = (2 * mean_x * mean_y + SSIM_C1) * (2 * both + SSIM_C2)
    return above / ((mean_x**2 + mean_y**2 + SSIM_C1) * (var_x + var_y + SSIM_C2))


def _gaps(classifier: Classifier, prepared: PreparedScan, drawn: np.ndarray) -> list[Gap]:
    ready = classifier.for_scan(prepared)
    volumes = [
        as_slices(np.ascontiguousarray(part, dtype=np.float32), torch.device("cpu"))
        for part in (prepared.volume, drawn)
    ]
    return [
        Gap(
            classifier.name,
            target.name,
            target.unit,
            *(score_volume(ready, target.name, volume) for volume in volumes),
        )
        for target in classifier.targets
    ]
