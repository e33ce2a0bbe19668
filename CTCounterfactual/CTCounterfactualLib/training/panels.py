"""Pictures of how an autoencoder draws: rows of slice, drawing and difference, as a PNG."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import SimpleITK as sitk
import torch

from ..storage.atomic import whole_file

# Grey values of a 0..1 window of 2000 HU: most of a chest lies within -1000..400 HU.
WHITE_AT = 0.7
# A difference of this much, 0..1, is black or white; none is middle grey.
FULL_DIFFERENCE = 0.1
GAP_PIXELS = 4
GREY, WHITE = 128, 255


def panel(real: torch.Tensor, drawn: torch.Tensor) -> np.ndarray:
    """Return a picture (H, W), uint8, with a row for each slice: itself, as drawn, the difference.

    Parameters
    ----------
    real, drawn : torch.Tensor
        (N, 1, h, w), 0..1; rows grow to Anterior, columns to Right, so they are turned about.
    """
    rows = []
    for one, other in zip(_turned(real), _turned(drawn), strict=True):
        difference = GREY * (1 + (other - one) / FULL_DIFFERENCE)
        shown = [WHITE * one / WHITE_AT, WHITE * other / WHITE_AT, difference]
        rows.append(_beside([np.clip(part, 0, WHITE).astype(np.uint8) for part in shown]))
    return _beside([row.T for row in rows]).T


def write_panel(path: Path, picture: np.ndarray) -> None:
    """Write a picture (H, W), uint8, as a PNG, whole or not at all.

    Raises
    ------
    OutputError
        If it can't be written.
    """
    with whole_file(path, parents=True) as partial:
        try:
            sitk.WriteImage(sitk.GetImageFromArray(picture), str(partial), True)
        except RuntimeError as error:  # ITK's words are many, and name the temporary file
            raise OSError("the picture could not be written") from error


def _turned(slices: torch.Tensor) -> np.ndarray:
    """Return slices (N, h, w) as radiologists see them: anterior above, patient's left at right."""
    return slices[:, 0].flip(-2, -1).float().cpu().numpy()


def _beside(parts: list[np.ndarray]) -> np.ndarray:
    """Put pictures of one height side by side, white between them."""
    gap = np.full((parts[0].shape[0], GAP_PIXELS), WHITE, np.uint8)
    joined = [parts[0]]
    for part in parts[1:]:
        joined += [gap, part]
    return np.concatenate(joined, axis=1)
