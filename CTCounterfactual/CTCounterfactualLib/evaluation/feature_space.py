"""The features of a named network, and how far counterfactuals lie from real scans in them.

A sample is one place of the network's last maps, not one volume: a result has a single
counterfactual, and hundreds of places. Distances are thus of what pieces of a body look like, after
Nash et al., "Generating Images with Sparse Representations", ICML 2021 (sFID, of places, too).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import ScanError, SettingsError
from ..events import Reporter
from ..metrics.realism import kernel
from ..scans.grid import prepare
from ..scans.read import read_scan
from ..scans.scan import Scan

if TYPE_CHECKING:
    import torch

    from ..models.backbones.backbone import Backbone
    from ..models.own.consent import Consent

# Fewer places than this are no distribution: the volume is smaller than what the network looks at.
LEAST_PLACES = 8
# The kernel distance is of pairs: of more places than this, as many are taken, evenly spread.
MOST_PLACES = 2048
# Of the features' distances, in this order in tables.
FRECHET, KERNEL, PLACES, PERCEPTUAL = (
    "feature_frechet",
    "feature_kernel",
    "feature_places",
    "perceptual",
)
# The places of a scan, and of its counterfactual: (P, C) each, float64.
Pair = tuple[np.ndarray, np.ndarray]


@dataclass
class FeatureSpace:
    """A network, and the real scans that counterfactuals are laid beside.

    Parameters
    ----------
    backbone : Backbone
        On its device.
    references : tuple of Path
        Scans of other patients; none: the perceptual distance alone can be told.
    device : torch.device
        Where the network is.
    """

    backbone: Backbone
    references: tuple[Path, ...]
    device: torch.device
    _real: np.ndarray | None = field(default=None, repr=False)

    @classmethod
    def load(
        cls,
        name: str | Path,
        references: Sequence[str | Path] = (),
        layer: str | None = None,
        consent: Consent | None = None,
    ) -> FeatureSpace:
        """Load a network by the name of a backbone, or a classifier's name or card.

        Raises
        ------
        ModelError
            If there is no such model, it isn't here, or shows no such layer.
        ScanError
            If a reference isn't there.
        """
        from ..counterfactual.environment import choose_device
        from ..models.catalogue import load_backbone

        paths = tuple(Path(one) for one in references)
        missing = [str(path) for path in paths if not path.exists()]
        if missing:
            raise ScanError(f"There is no reference scan {', '.join(missing)}. Check the path.")
        backbone, device = load_backbone(name, layer, consent), choose_device("auto")
        backbone.network.to(device)
        return cls(backbone, paths, device)

    @property
    def words(self) -> str:
        """What the numbers are of, for the record."""
        layer = getattr(self.backbone, "layer", None)
        of = f"{self.backbone.name}{f', layer {layer}' if layer else ''}"
        digest = f", SHA-256 {self.backbone.sha256}" if self.backbone.sha256 else ""
        return f"{of}{digest}; {len(self.references)} reference scan(s)"

    def stages(self, scan: Scan, reporter: Reporter) -> tuple[torch.Tensor, ...]:
        """Return the network's maps (1, C, ...) of a scan, of several depths, the last ones last.

        Raises
        ------
        ScanError
            If the scan is of another modality than the network is for.
        """
        import torch

        prepared = prepare(scan, self.backbone.grid, reporter.check)
        x = torch.from_numpy(prepared.volume).to(self.device)[None, None]
        reporter.check()
        with torch.no_grad():
            return self.backbone.stages(x)

    def real(self, reporter: Reporter) -> np.ndarray:
        """Return the places of all reference scans: (P, C); computed once.

        Raises
        ------
        ScanError
            Naming the scan that can't be read.
        """
        if self._real is None:
            found = []
            for path in self.references:
                found.append(places_of(self.stages(read_scan(path), reporter)[-1]))
                reporter.report("features", f"Features of {path.name}", 0.7)
            self._real = np.concatenate(found)
        return self._real

    def distances(self, pair: Pair, reporter: Reporter) -> dict[str, float]:
        """Return Frechet and kernel distance of counterfactuals to the references.

        Beside each, as its floor, stands the scans' own: what real scans of these patients have.

        Returns
        -------
        dict
            Empty without references, or where there are fewer than `LEAST_PLACES`.
        """
        from ..metrics.feature_distance import frechet_distance

        scans, counterfactuals = pair
        if not self.references or len(counterfactuals) < LEAST_PLACES:
            return {}
        real = self.real(reporter)
        if len(real) < LEAST_PLACES:
            return {}
        if real.shape[1] != scans.shape[1]:
            raise SettingsError(
                f"Features of {self.backbone.name} number {real.shape[1]} for the reference scans "
                f"and {scans.shape[1]} for the explained one: the layer depends on the scan's "
                f"size. Choose another layer or backbone."
            )
        found = {PLACES: float(len(counterfactuals))}
        for name, part in ((FRECHET, counterfactuals), (f"{FRECHET}_floor", scans)):
            found[name] = frechet_distance(self.backbone.name, part, real).value
        for name, part in ((KERNEL, counterfactuals), (f"{KERNEL}_floor", scans)):
            found[name] = kernel(_some(part), _some(real))
        return found


def _some(rows: np.ndarray) -> np.ndarray:
    """Return at most `MOST_PLACES` rows, evenly spread."""
    return rows[:: -(-len(rows) // MOST_PLACES)]


def places_of(maps: torch.Tensor) -> np.ndarray:
    """Return maps (1, C, ...) as one row of features a place: (P, C), float64."""
    flat = maps.flatten(2) if maps.ndim > 2 else maps[..., None]  # (1, C, P)
    return flat[0].T.double().cpu().numpy()
