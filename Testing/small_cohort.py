"""A cohort as small as can be: scans of 6 x 32 x 32, models of a few numbers, and what goes wrong.

What a scan does to its worker is written into its corner voxel, in HU.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import SimpleITK as sitk

SHAPE = (6, 32, 32)  # (K, J, I)
SPACING = (1.5, 1.5, 3.0)
BODY_HU, AIR_HU = 40, -1000
# The worker is killed; killed the first time only; hangs; has no memory.
KILLS, KILLS_ONCE, HANGS, NO_MEMORY = 950, 850, 750, 650

CLASSIFIER = """
import os, signal, time
from pathlib import Path
from torch import nn

MARKS = Path(__file__).resolve().parent
class Net(nn.Module):
    def forward(self, x):
        corner = float(x.detach()[0, 0, 0, 0, 0]) * 2000 - 1000
        if corner > 900 or 800 < corner < 900 and not (MARKS / "killed").exists():
            (MARKS / "killed").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if 700 < corner < 800:
            time.sleep(600)
        if 600 < corner < 700:
            raise MemoryError
        return 20 * x[..., 2:-2, 2:-2].mean(dim=(1, 2, 3, 4)) - 8
def build():
    return Net()
"""
AUTOENCODER = """
from torch import nn
class Net(nn.Module):
    def encode(self, x):
        return nn.functional.avg_pool2d(x, 2)
    def decode(self, z):
        return nn.functional.interpolate(z, scale_factor=2.0, mode="bilinear")
def build():
    return Net()
"""
_SOURCE = {"type": "python", "factory": "build"}
CARDS = {
    "classifier": {
        "kind": "classifier",
        "grid": {"spacing": list(SPACING), "window": [-1000, 1000]},
        "output": {"kind": "score"},
        "targets": [
            {"name": "bright", "unit": "logit", "threshold": 0.0},
            {"name": "again", "unit": "mL"},
        ],
    },
    "autoencoder": {"kind": "autoencoder", "factor": 2},
}


def write_models(folder: Path) -> dict[str, str]:
    """Write both models; return the paths of their cards."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {}
    for kind, text in (("classifier", CLASSIFIER), ("autoencoder", AUTOENCODER)):
        (folder / f"{kind}.py").write_text(text)
        card = {
            "schema": 1,
            "name": f"small-{kind}",
            "description": "A few numbers",
            "licence": "MIT",
            "source": {**_SOURCE, "file": f"{kind}.py"},
            **CARDS[kind],
        }
        path = folder / f"{kind}.json"
        path.write_text(json.dumps(card))
        paths[kind] = str(path)
    return paths


def write_scan(path: Path, seed: int, corner_hu: int = AIR_HU) -> None:
    """Write a body with something bright in it."""
    noise = np.random.default_rng(seed).normal(0, 20, SHAPE)
    hu = np.full(SHAPE, float(AIR_HU))
    hu[:, 4:-4, 4:-4] = BODY_HU
    hu[1:4, 10:20, 10:22] = 300
    hu += noise
    hu[0, 0, 0] = corner_hu
    image = sitk.GetImageFromArray(hu.round().astype(np.int16))
    image.SetSpacing(SPACING)
    image.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))  # to Right and Anterior: as it is prepared
    path.parent.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(image, str(path))


def write_cohort(folder: Path, corners: dict[str, int], columns: str = "") -> str:
    """Write scans and their manifest; return its path. `corners`: id -> HU of its corner."""
    rows = [f"path,label,group,id{columns}"]
    for number, (name, corner) in enumerate(corners.items()):
        write_scan(folder / f"{name}.nrrd", number, corner)
        rows.append(f"{name}.nrrd,{number % 2},p{number // 2},{name}" + "," * columns.count(","))
    path = folder / "manifest.csv"
    path.write_text("\n".join(rows) + "\n")
    return str(path)
