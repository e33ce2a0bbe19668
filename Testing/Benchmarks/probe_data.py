"""Effusions planted into scans for training, as slabs with a list for `ct-counterfactual probe`.

    python Testing/Benchmarks/probe_data.py -o probe
    ct-counterfactual probe probe/list.csv --backbone astra-resnet152 --name effusion-probe -o probe

Each effusion gives two slabs of one place on the prepared grid: with it and without it. None of the
scans is one of those that `methods.py` measures on.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path.insert(0, str(REPOSITORY / "CTCounterfactual"))

import numpy as np  # noqa: E402
from methods import SEED, SHARED, SLAB_MM  # noqa: E402
from methods_cases import in_plane  # noqa: E402

from CTCounterfactualLib.metrics.findings import plant_findings  # noqa: E402
from CTCounterfactualLib.outputs.volumes import write_image  # noqa: E402
from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest  # noqa: E402
from CTCounterfactualLib.scans.grid import GridSpec, prepare  # noqa: E402
from CTCounterfactualLib.scans.read import read_scan  # noqa: E402
from CTCounterfactualLib.scans.scan import Scan  # noqa: E402

SCANS = (
    "chest_lidc0314_2mm.nii.gz",
    "chest_lidc0001_1mm.nii.gz",
    "chest_cmbcrc_lung.nii.gz",
    "chest_acrinflt001_small.nii.gz",
    "slab_lungfcp0001_small.nii.gz",
)
GENERATED_SEEDS = (70001, 70002, 70003)
PER_SCAN, LABEL = 2, "effusion"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("probe"))
    output = parser.parse_args().output
    folder = output / "slabs"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [("scan", "patient", LABEL)]
    for number, scan in enumerate(subjects()):
        prepared = prepare(scan)
        planted = plant_findings(
            scan.name, prepared.volume, prepared.lungs, (LABEL,), PER_SCAN, SEED + number
        )
        box = in_plane(prepared.body, prepared.spec.spacing)
        for count, case in enumerate(planted):
            kept = (slab(case.cover), *box)
            for word, volume in (("with", case.planted), ("without", case.clean)):
                path = folder / f"{scan.name}-{count}-{word}.nrrd"
                write(volume[kept], path)
                rows.append((f"slabs/{path.name}", scan.name, str(int(word == "with"))))
            sys.stderr.write(f"{scan.name}: {case.ml:.0f} mL, {case.place}\n")
    with (output / "list.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def subjects() -> Iterator[Scan]:
    """Yield the scans: real ones, and generated chests of the default grid."""
    for name in SCANS:
        scan = read_scan(SHARED / name)
        yield Scan(scan.image, name.split(".")[0])
    for seed in GENERATED_SEEDS:
        chest = generate_chest(ChestSettings(spacing=GridSpec().spacing, seed=seed))
        yield Scan.from_array(chest.hu, chest.spacing, chest.origin, name=f"generated-{seed}")


def slab(cover: np.ndarray) -> slice:
    """Return the slices (K) of the slab around a finding's centre of mass."""
    per_slice = cover.sum(axis=(1, 2))
    count = min(round(SLAB_MM / GridSpec().spacing[2]), len(per_slice))
    centre = float(np.average(np.arange(len(per_slice)), weights=per_slice))
    first = min(max(round(centre - count / 2), 0), len(per_slice) - count)
    return slice(first, first + count)


def write(volume: np.ndarray, path: Path) -> None:
    """Write a prepared volume, 0..1, as a scan in HU."""
    hu = np.rint(GridSpec().window.to_hu(volume)).astype(np.int16)
    # Prepared axes grow to Anterior and Right, a scan's here to Posterior and Left.
    write_image(Scan.from_array(hu[:, ::-1, ::-1].copy(), GridSpec().spacing).image, path)


if __name__ == "__main__":
    main()
