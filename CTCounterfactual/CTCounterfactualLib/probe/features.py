"""Features of many scans; each is kept in a file, so that a stopped run goes on."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ..errors import CTCounterfactualError, ScanError
from ..events import Reporter
from ..models.backbones.backbone import Backbone
from ..models.backbones.pooling import BOTH, MAXIMUM, MEAN
from ..models.files.cards import canonical_sha256
from ..scans.grid import prepare
from ..scans.read import read_scan
from ..storage.atomic import whole_file

FOLDER = "features"


def features_of(
    scans: Sequence[Path],
    backbone: Backbone,
    pooling: str,
    folder: Path,
    device: torch.device,
    reporter: Reporter,
) -> np.ndarray:
    """Return the features (N, F), float64, of scans; those that are in `folder` are taken there.

    A file is named by the scan's voxels and the backbone, so another scan of the same name, or
    other weights, are computed anew.

    Raises
    ------
    ScanError
        Naming the scan that can't be read; what was computed before it stays.
    """
    backbone.network.to(device)
    # As it was asked for: the last layer gets its name only when the first volume has gone through.
    layer = getattr(backbone, "layer", None)
    rows = []
    for number, path in enumerate(scans):
        try:
            scan = read_scan(path)
            prepared = prepare(scan, backbone.grid, reporter.check)
        except CTCounterfactualError as error:
            told = str(error) if path.name in str(error) else f"{path}: {error}"
            raise ScanError(told) from error
        key = {
            "volume": hashlib.sha256(prepared.volume.tobytes()).hexdigest(),
            "shape": prepared.volume.shape,
            "backbone": [backbone.name, backbone.sha256, layer],
        }
        file = folder / FOLDER / f"{canonical_sha256(key)[:32]}.npy"
        known = file.is_file()
        if not known:
            x = torch.from_numpy(prepared.volume).to(device)[None, None]
            with torch.no_grad():
                found = backbone.features(x, BOTH)[0].double().cpu().numpy()
            file.parent.mkdir(parents=True, exist_ok=True)
            with whole_file(file) as partial, partial.open("wb") as stream:
                np.save(stream, found)
        rows.append(np.load(file))
        reporter.report(
            "features",
            f"{path.name}: features {'were there' if known else 'computed'}",
            0.95 * (number + 1) / len(scans),
            scan=str(path),
        )
    both = np.stack(rows)  # of every pooling, so that another one costs nothing
    half = both.shape[1] // 2
    return {MEAN: both[:, :half], MAXIMUM: both[:, half:], BOTH: both}[pooling]
