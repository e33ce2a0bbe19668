"""The inputs of the oracles: seeded weights, slices and small models that both sides run.

Nothing here is imported from the engine or from an oracle, so that `make_fixtures.py` (the oracle's
side) and the tests (the engine's side) start from the same numbers.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

FIXTURES = Path(__file__).resolve().parent / "fixtures"

# --- VQ-GAN ---------------------------------------------------------------------------------------

# Name -> (config in the words of taming-transformers, height and width of the slices). Together
# they cover attention at the coarsest, at an inner and at no level, 1 and 2 residual blocks, levels
# that widen and that don't, several channels, slices that aren't square, and f = 1, 2, 4 and 32.
VQGAN_CASES = {
    "coarse_attention": (
        dict(
            ch=32,
            ch_mult=(1, 1, 2),
            num_res_blocks=1,
            attn_resolutions=(8,),
            resolution=32,
            z_channels=16,
            embed_dim=8,
            n_embed=48,
        ),
        (24, 24),
    ),
    "inner_attention": (
        dict(
            ch=32,
            ch_mult=(1, 2, 2),
            num_res_blocks=2,
            attn_resolutions=(16, 8),
            resolution=32,
            z_channels=8,
            embed_dim=12,
            n_embed=32,
        ),
        (16, 24),
    ),
    "no_attention": (
        dict(
            ch=64,
            ch_mult=(1, 2),
            num_res_blocks=2,
            attn_resolutions=(),
            resolution=32,
            z_channels=4,
            embed_dim=8,
            n_embed=16,
            in_channels=3,
            out_ch=3,
        ),
        (16, 16),
    ),
    "six_levels": (
        dict(
            ch=32,
            ch_mult=(1, 1, 1, 2, 2, 4),
            num_res_blocks=1,
            attn_resolutions=(4,),
            resolution=128,
            z_channels=16,
            embed_dim=16,
            n_embed=64,
        ),
        (32, 64),
    ),
    "one_level": (
        dict(
            ch=32,
            ch_mult=(1,),
            num_res_blocks=1,
            attn_resolutions=(16,),
            resolution=16,
            z_channels=8,
            embed_dim=8,
            n_embed=24,
        ),
        (8, 8),
    ),
}


def fill(state: dict[str, torch.Tensor], seed: int) -> dict[str, torch.Tensor]:
    """Return float64 weights for a state dict's keys and shapes, whatever order they come in.

    Convolutions keep the size of their input (1 / sqrt(fan-in)); scales lie around 1.
    """
    rng = np.random.default_rng(seed)
    filled = {}
    for key in sorted(state):
        shape = tuple(state[key].shape)
        values = rng.standard_normal(shape)
        if "norm" in key and key.endswith("weight"):
            values = 1 + 0.2 * values
        elif key.endswith("bias"):
            values = 0.1 * values
        elif key != "quantize.embedding.weight":
            values = values / np.sqrt(np.prod(shape[1:]))
        filled[key] = torch.from_numpy(values)
    return filled


def vqgan_inputs(config: dict, size: tuple[int, int], seed: int) -> dict[str, torch.Tensor]:
    """Return slices, a shift that leaves the codebook, and a gradient in the image; float64."""
    rng = np.random.default_rng(seed)
    channels = config.get("in_channels", 1)
    f = 2 ** (len(config["ch_mult"]) - 1)
    latent = (2, config["embed_dim"], size[0] // f, size[1] // f)
    return {
        "slices": torch.from_numpy(rng.uniform(-1, 1, (2, channels, *size))),
        "shift": torch.from_numpy(0.3 * rng.standard_normal(latent)),
        "cotangent": torch.from_numpy(rng.standard_normal((2, channels, *size))),
    }


# --- Latent Shift ---------------------------------------------------------------------------------

SLICES, CHANNELS, SIDE = 5, 3, 8  # latents (5, 3, 8, 8) <-> slices (5, 1, 16, 16)
LATENT_STEP = 0.25
# The decoder's pictures are 0.5 +- contrast: within 0..1, so that cutting them changes nothing; or
# in some cases beyond it, as a real decoder's are.
CONTRAST, BEYOND = 0.25, {"beyond_rose": 0.9, "beyond_change": 0.9}


class SmallAutoencoder:
    """Slices (N, 1, 16, 16) in 0..1 <-> latents (N, 3, 8, 8) on a lattice; float64, smooth."""

    def __init__(self, seed: int = 7, contrast: float = CONTRAST):
        rng = np.random.default_rng(seed)
        self.down = torch.from_numpy(rng.standard_normal((CHANNELS, 1, 2, 2)))
        self.up = torch.from_numpy(rng.standard_normal((CHANNELS, 1, 2, 2)))
        self.contrast = contrast

    def encode(self, x: torch.Tensor) -> torch.Tensor:
        """Return latents on the lattice of `LATENT_STEP`, which stands for a codebook."""
        return torch.round(F.conv2d(x - 0.5, self.down, stride=2) / LATENT_STEP) * LATENT_STEP

    def decode(self, z: torch.Tensor, size: tuple[int, int] | None = None) -> torch.Tensor:
        """Return slices between 0.5 - contrast and 0.5 + contrast."""
        return 0.5 + self.contrast * torch.tanh(F.conv_transpose2d(z, self.up, stride=2))


class SmallClassifier:
    """A smooth score of all voxels: (N, 1, D, H, W) -> (N,), float64.

    `shape` is `logistic` (a probability that a shift can push down for ever) or `valley` (a
    parabola around `target`, which a shift can walk through and up the other side).
    """

    def __init__(self, shape: str, scale: float, bias: float, seed: int = 11):
        rng = np.random.default_rng(seed)
        side = 2 * SIDE
        self.weights = torch.from_numpy(rng.standard_normal((1, 1, SLICES, side, side)))
        self.shape, self.scale, self.bias = shape, scale, bias

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        evidence = (self.weights * (x - 0.5)).mean(dim=(1, 2, 3, 4)) * 10
        if self.shape == "logistic":
            return torch.sigmoid(self.bias + self.scale * evidence)
        return 0.3 + self.scale * (evidence - self.bias) ** 2


# Name -> (shape, scale, bias, greatest change). One for each rule that can end the search.
SHIFT_CASES = {
    "rose": ("valley", 0.8, -0.1, 0.5),
    "very_low": ("logistic", 6.0, 0.5, 0.5),
    "fell_enough": ("logistic", 8.0, 3.0, 0.9),
    "lambda_bound": ("logistic", 0.05, 0.2, 0.5),
    "change": ("logistic", 3.0, 1.0, 0.05),
    "low_at_once": ("logistic", 1.0, -4.0, 0.05),
    "beyond_rose": ("valley", 0.2, -0.8, 0.5),
    "beyond_change": ("logistic", 0.6, 1.0, 0.05),
}
# Every so many rows and columns of the paper's heatmap are kept.
HEATMAP_STRIDE = 5


def shift_problem(name: str) -> tuple[SmallAutoencoder, SmallClassifier, torch.Tensor, float]:
    """Return autoencoder, classifier, slices (D, 1, H, W) and the greatest change of one case."""
    shape, scale, bias, max_change = SHIFT_CASES[name]
    slices = np.random.default_rng(5).uniform(0.1, 0.9, (SLICES, 1, 2 * SIDE, 2 * SIDE))
    classifier = SmallClassifier(shape, scale, bias)
    autoencoder = SmallAutoencoder(contrast=BEYOND.get(name, CONTRAST))
    return autoencoder, classifier, torch.from_numpy(slices), max_change
