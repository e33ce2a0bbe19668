"""Inputs of the published networks and of the paper's preprocessing, for both sides.

As `oracle_problems`: nothing here is imported from the engine or from an oracle.
"""

from __future__ import annotations

import numpy as np
import torch

# Seeds of weights, inputs and cotangents.
WEIGHT_SEED, INPUT_SEED, SCAN_SEED = 21, 22, 31


def fill_batch_normed(state: dict[str, torch.Tensor], seed: int) -> dict[str, torch.Tensor]:
    """Return float64 weights for a network with batch normalisation, in the order of `state`.

    Convolutions keep the size of their input; no tap of an inflated kernel is zero; running
    statistics are those of no particular data. All values are exact in float32, so that a file in
    single precision holds the same network.
    """
    rng = np.random.default_rng(seed)
    filled = {}
    for key in sorted(state):
        shape = tuple(state[key].shape)
        values = rng.standard_normal(shape)
        if key.endswith("num_batches_tracked"):
            filled[key] = torch.zeros(shape, dtype=torch.int64)
            continue
        if key.endswith("running_var"):
            values = np.exp(0.3 * values)
        elif key.endswith(("running_mean", "bias")):
            values = 0.1 * values
        elif len(shape) == 1:
            values = 1 + 0.2 * values  # scale of a normalisation
        else:
            values = values * np.sqrt(2 / np.prod(shape[1:]))  # 2: half of a ReLU's inputs pass
        filled[key] = torch.from_numpy(values.astype(np.float32)).double()
    return {key: filled[key] for key in state}


def uniform(seed: int, *shape: int) -> torch.Tensor:
    """Return numbers of 0..1, float64."""
    return torch.from_numpy(np.random.default_rng(seed).uniform(0, 1, shape))


def normal(seed: int, *shape: int) -> torch.Tensor:
    """Return standard normal numbers, float64."""
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape))


# --- U-Net: sides that halve to odd numbers, so that bridges are cropped --------------------------

UNET_SIZE, UNET_OUTPUT = (34, 36), (32, 32)

# --- Inflated ResNet: few blocks, of which some widen, some stride and some do neither ------------

RESNET_BLOCKS, RESNET_TARGETS = (2, 2, 1, 1), 5
RESNET_INPUT = (2, 1, 5, 12, 20)  # (N, 1, D, H, W)

# --- Whole classifiers, from a scan that lies on their grid ---------------------------------------

# Name -> (voxels in plane, slices). The phecode wrapper takes 224 only; the other any.
WHOLE_CASES = {"lung_size": (32, 5), "phecodes": (224, 4)}
PHECODE_BLOCKS = (1, 1, 1, 1)
PHECODES = (0, 877, 1691)
# Every so many voxels of a (D, H, W) gradient are kept, so that the file stays small.
KEPT = {
    "lung_size": (slice(None), slice(0, None, 2), slice(1, None, 2)),
    "phecodes": (slice(None), slice(3, None, 12), slice(5, None, 12)),
}
GRID_SPACING = (1.5, 1.5, 3.0)
# 2000 HU in sixteenths: whole HU, and exact as 0..1 in float32.
HU_STEP, HU_LOW = 125, -1000
# Index axes of the stored scan, as columns in LPS: flipped, so that both sides have to turn it.
STORED_DIRECTION = (-1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, -1.0)


def scan_on_grid(name: str) -> np.ndarray:
    """Return a scan (K, J, I), int16 HU, of `GRID_SPACING` and `STORED_DIRECTION`.

    Its values reach beyond -1000..1000 HU on both sides.
    """
    side, slices = WHOLE_CASES[name]
    steps = np.random.default_rng(SCAN_SEED).integers(-4, 21, (slices, side, side))
    return (HU_LOW + HU_STEP * steps).astype(np.int16)


# --- The paper's wrapper of the VQ-GAN ------------------------------------------------------------

# Its 224 -> 256 in small: 28 -> 32 pixels; f = 8.
SLICE_SIZE, NETWORK_SIZE, SLICE_COUNT = 28, 32, 1
WRAPPER_CONFIG = dict(
    ch=32,
    ch_mult=[1, 1, 2, 2],
    num_res_blocks=1,
    attn_resolutions=[16],
    resolution=64,
    z_channels=8,
    in_channels=1,
    out_ch=1,
    double_z=False,
    dropout=0.0,
)
WRAPPER_CODES = dict(embed_dim=8, n_embed=32)


# --- Preprocessing --------------------------------------------------------------------------------

GRID_ORIGIN = (10.0, -20.0, 300.0)
# Of the paper's (D, H, W); strides that hit odd and even voxels.
GRID_KEPT = (slice(0, None, 3), slice(1, None, 3), slice(0, None, 3))


def four_along_each(shape: tuple[int, ...]) -> tuple[np.ndarray, ...]:
    """Return an index of 4 x 4 x 4 voxels within the middle of a volume, of a scan's body."""
    return np.ix_(*(np.linspace(0.3 * n, 0.7 * n, 4).astype(int) for n in shape))


def _about(axis: int, degrees: float) -> np.ndarray:
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    a, b = (n for n in range(3) if n != axis)
    matrix = np.eye(3)
    matrix[[a, a, b, b], [a, b, a, b]] = c, -s, s, c
    return matrix


# Name -> (size (I, J, K), spacing mm, direction as LPS matrix, resolution in plane).
GRID_CASES = {
    "flipped": ((41, 36, 17), (0.9, 1.1, 2.5), np.diag([-1.0, -1.0, 1.0]), 32),
    "plain": ((30, 44, 12), (1.3, 0.8, 5.0), np.eye(3), 24),
    "oblique": ((33, 38, 16), (1.2, 0.7, 2.0), _about(2, 20) @ _about(0, -18.5), 24),
    "coronal": ((36, 20, 31), (1.0, 2.0, 1.7), np.array([[1.0, 0, 0], [0, 0, 1], [0, -1, 0]]), 28),
}
# Shared scans -> resolution in plane.
REAL_SCANS = {
    "head_phantom_oblique.nii.gz": 224,
    "chest_cip64_rot20.nrrd": 224,
    "abdomen_ts.nii.gz": 224,
    "nodule_partsolid.mha": 224,
}


def grid_scan(name: str) -> np.ndarray:
    """Return a scan (K, J, I), float32 HU: smooth, unsymmetric, within and beyond the window."""
    size = GRID_CASES[name][0]
    i, j, k = np.meshgrid(*(np.arange(n) for n in size), indexing="ij")
    waves = np.sin(0.31 * i + 0.2) * np.cos(0.23 * j) + 0.7 * np.sin(0.5 * k + 0.11 * i)
    return (700 * waves + 9 * j - 150).astype(np.float32).transpose(2, 1, 0)  # -> (K, J, I)
