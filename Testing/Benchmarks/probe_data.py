"""Effusions planted into scans for training, as slabs with a list for `ct-counterfactual probe`.

    python Testing/Benchmarks/probe_data.py -o probe
    ct-counterfactual probe probe/list.csv --backbone astra-resnet152 --name effusion-probe -o probe

Each effusion gives two slabs of one place: with it and without it. None of the scans is one of
those that `methods.py` measures on.
"""

from __future__ import annotations

import argparse
import csv
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path.insert(0, str(REPOSITORY / "CTCounterfactual"))

from methods import SHARED, SLAB_MM, make_bench  # noqa: E402
from methods_cases import slab_cases  # noqa: E402
from truth import generated  # noqa: E402

SCANS = (
    "chest_lidc0314_2mm.nii.gz",
    "chest_lidc0001_1mm.nii.gz",
    "chest_cmbcrc_lung.nii.gz",
    "chest_acrinflt001_small.nii.gz",
    "slab_lungfcp0001_small.nii.gz",
)
GENERATED_SEEDS = (70001, 70002, 70003)
PER_SCAN, LABEL = 3, "effusion"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("probe"))
    options = parser.parse_args()
    output = options.output
    scans = [str(SHARED / name) for name in SCANS]
    scans += [str(generated(output / "scans", seed)) for seed in GENERATED_SEEDS]
    bench = make_bench(output, scans, PER_SCAN)
    rows = [("scan", "patient", LABEL)]
    for case in slab_cases(bench, output / "slabs", SLAB_MM):
        patient = case.name.rsplit(f"-{LABEL}", 1)[0]
        for name, value in (("scan", "1"), ("clean", "0")):
            rows.append((f"slabs/{case.name}/{name}.nrrd", patient, value))
    with (output / "list.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    print(f"{len(rows) - 1} slabs in {output / 'list.csv'}")


if __name__ == "__main__":
    main()
