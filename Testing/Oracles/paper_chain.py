"""Run the paper's MONAI chain, by its own data set, on generated and shared scans."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch

import published_problems as problems
from oracle_problems import FIXTURES

# The shared scans, beside the repository.
SHARED = FIXTURES.parents[3] / "shared" / "data" / "ct"


def prepared(name: str, folder: Path) -> torch.Tensor:
    """Return a scan through the paper's data set: (1, 1, H, W, D), float64."""
    import SimpleITK as sitk

    image = sitk.GetImageFromArray(problems.scan_on_grid(name))
    image.SetSpacing(problems.GRID_SPACING)
    image.SetDirection(problems.STORED_DIRECTION)
    image.SetOrigin((10.0, -20.0, 300.0))
    sitk.WriteImage(image, str(folder / "scan.nii.gz"))
    return through_dataset(folder, problems.WHOLE_CASES[name][0])["image"][None].double()


def through_dataset(folder: Path, resolution: int) -> dict:
    """Return what the paper's data set makes of the one scan in a folder."""
    from ct_counterfactuals.datasets import NIFTI_Dataset

    return NIFTI_Dataset(f"{folder}/", resolution=resolution)[0]


def as_tensor(volume) -> torch.Tensor:
    """Return a plain tensor of MONAI's."""
    return torch.as_tensor(np.asarray(volume))


def run_grids() -> dict[str, np.ndarray]:
    """Return what the paper's MONAI chain makes of the grid cases and of the shared scans.

    Per scan: shape (D, H, W), the affine of (H, W, D) in RAS mm, the mean, and every so many
    voxels; of a shared scan 4 along each axis.
    """
    import SimpleITK as sitk

    arrays = {}
    for name, (_, spacing, direction, resolution) in problems.GRID_CASES.items():
        image = sitk.GetImageFromArray(problems.grid_scan(name))
        image.SetSpacing(spacing)
        image.SetDirection(direction.ravel().tolist())
        image.SetOrigin(problems.GRID_ORIGIN)
        arrays |= _through_chain(name, image, resolution, problems.GRID_KEPT)
    for name, resolution in problems.REAL_SCANS.items():
        image = sitk.ReadImage(str(SHARED / name))
        arrays |= _through_chain(name.split(".")[0], image, resolution, None)
    return arrays


def _through_chain(name: str, image, resolution: int, kept) -> dict[str, np.ndarray]:
    import SimpleITK as sitk

    with tempfile.TemporaryDirectory() as folder:
        sitk.WriteImage(image, str(Path(folder) / "scan.nii.gz"))
        volume = through_dataset(Path(folder), resolution)["image"]
    affine = np.asarray(volume.affine)
    values = as_tensor(volume)[0].permute(2, 0, 1).numpy()  # (1, H, W, D) -> (D, H, W)
    kept = kept or problems.four_along_each(values.shape)
    return {
        f"{name} shape": np.array(values.shape),
        f"{name} affine": affine,
        f"{name} mean": np.array(values.mean(dtype=np.float64)),
        f"{name} values": values[kept],
    }
