"""The ceiling: a classifier that knows the planted finding, so that no score misleads the search.

    f(x) = sum over the finding's voxels of max(0, (x - c) / (s - c)) x cover x mL of a voxel

with s the scan, c the clean scan: each voxel counts as much as it still looks like the finding, 1
as planted and 0 as clean; denser than planted is more, beyond clean is no less than clean. What a
method recovers with it is what its autoencoder and its search allow; what it recovers less with a
trained classifier is that classifier's share.

The finding counts as present while half of it is left, and a scan as free of it where 5 % are: the
last mL lie at the border, and a search that is to draw them changes much else for little.
"""

from __future__ import annotations

import numpy as np
import torch

from ..errors import ScanError
from ..models.classifier import Classifier, Rescorer
from ..models.rescore.per_slice import PerSliceRescorer
from ..models.targets import Target
from ..scans.grid import GridSpec, prepare
from ..scans.scan import Scan
from .volumes import MASK_GRID

IDEAL = "ideal"
# A voxel whose clean value is nearer than that looks like the finding anyhow, as a vessel in fluid.
LEAST_CONTRAST_HU = 100.0
ML_PER_LITRE = 1000.0
# Shares of the planted finding: the decision, and what may stay of it.
PRESENT_SHARE, GONE_SHARE = 0.5, 0.05
TARGET = "planted finding"


class IdealClassifier(Classifier):
    """Scores how much of one case's finding is left; see the module's text.

    Parameters
    ----------
    clean, contrast, weight : numpy.ndarray
        (K, J, I) of the prepared grid, float32: c in 0..1; s - c in 0..1 units, never 0; mL that a
        voxel counts, 0 outside the finding.
    """

    name = IDEAL
    description = "What is left of the planted finding, in mL, from the case's own truth"
    grid = GridSpec()

    def __init__(self, clean: np.ndarray, contrast: np.ndarray, weight: np.ndarray):
        self._clean, self._contrast, self._weight = (
            torch.from_numpy(np.ascontiguousarray(part, np.float32))[:, None]  # -> (D, 1, H, W)
            for part in (clean, contrast, weight)
        )
        planted = float(weight.sum(dtype=np.float64))
        self.targets = (
            Target(TARGET, "mL", threshold=PRESENT_SHARE * planted, negatives=GONE_SHARE * planted),
        )

    @classmethod
    def of(cls, scan: Scan, clean: Scan, mask: Scan) -> IdealClassifier:
        """Make the classifier of a case.

        Parameters
        ----------
        scan, clean : Scan
            With and without the finding, HU, on one grid.
        mask : Scan
            On that grid, 0 or 1: the finding.

        Raises
        ------
        ScanError
            If scan and clean scan don't differ within the finding.
        """
        planted, truth = (prepare(volume, cls.grid).volume for volume in (scan, clean))
        cover = prepare(mask, MASK_GRID).volume
        contrast = planted - truth
        telling = np.abs(contrast) >= LEAST_CONTRAST_HU / cls.grid.window.hu_per_unit
        weight = np.where(telling, cover, 0) * cls.grid.voxel_litres * ML_PER_LITRE
        if not weight.any():
            raise ScanError(
                f"Scan and clean scan of {scan.name} don't differ by {LEAST_CONTRAST_HU:g} HU "
                f"anywhere in the finding's mask: there is nothing for an ideal classifier to see."
            )
        return cls(truth, np.where(telling, contrast, 1.0), weight)

    def score(self, x: torch.Tensor, target: str | None = None) -> torch.Tensor:
        """Return the mL of each volume that still look like the finding; see `Classifier.score`.

        Raises
        ------
        ScanError
            If the volumes aren't of this case's prepared grid.
        """
        self.find_target(target)
        self._check(x)
        return torch.stack([self._left(one.transpose(0, 1), 0).sum() for one in x])

    def rescorer(self, x: torch.Tensor, target: str | None = None) -> Rescorer:
        """Return a function that scores only replaced slices; see `Classifier.rescorer`."""
        self.find_target(target)
        self._check(x)
        return PerSliceRescorer(self._left, x)

    def _left(self, slices: torch.Tensor, start: int) -> torch.Tensor:
        """Return what each slice adds: (n, 1, H, W) -> (n,), mL, float64."""
        clean, contrast, weight = (
            part[start : start + len(slices)].to(slices.device)
            for part in (self._clean, self._contrast, self._weight)
        )
        left = ((slices - clean) / contrast).clamp(min=0) * weight
        return left.sum(dim=(1, 2, 3), dtype=torch.float64)

    def _check(self, x: torch.Tensor) -> None:
        wanted = (len(self._clean), *self._clean.shape[2:])
        if tuple(x.shape[2:]) != wanted:
            raise ScanError(
                f"The ideal classifier of a case knows volumes of {wanted} voxels (K, J, I), its "
                f"own scan's; this one has {tuple(x.shape[2:])}."
            )
