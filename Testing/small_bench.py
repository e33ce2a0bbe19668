"""A bench of equal cases for tests."""

import csv
from pathlib import Path

import SimpleITK as sitk

from CTCounterfactualLib.bench.layout import COLUMNS


def write_bench(folder: Path, pair, names=("one",), **changed) -> Path:
    """Write a bench of equal cases; `changed` replaces cells of the last row."""
    rows = []
    for name in names:
        (folder / name).mkdir(parents=True)
        files = dict(zip(("scan", "clean", "mask", "lungs"), pair, strict=True))
        for file, image in files.items():
            sitk.WriteImage(image, str(folder / name / f"{file}.nrrd"), useCompression=True)
        row = {file: f"{name}/{file}.nrrd" for file in files}
        rows.append(
            row
            | {
                "case": name,
                "finding": "effusion",
                "ml": 400,
                "place": "left, lower",
                "seed": 3,
                "other": "",
                "other_mask": "",
            }
        )
    rows[-1] |= changed
    with (folder / "cases.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return folder
