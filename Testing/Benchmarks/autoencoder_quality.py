"""Compare slice autoencoders by the changes they make: a table of figures and rows of pictures.

    python Testing/Benchmarks/autoencoder_quality.py --card A.json --card B.json \
        --scan chest.nrrd --picture rows.png --json figures.json

Each autoencoder explains each scan once (lung volume, mode whole, default settings). The figures
are explained in `CTCounterfactualLib/metrics/autoencoder.py`. How well it draws alone, on scans and
on single slices of patients held out of a training (median over patients, with the lowest):

    python Testing/Benchmarks/autoencoder_quality.py --card A.json --only-drawing \
        --scan chest.nrrd --slices slices.npz --leave-out 5
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CTCounterfactual"))

from CTCounterfactualLib import explain, load_autoencoder, prepare, read_scan
from CTCounterfactualLib.counterfactual.gradient import decode_slices, encode_slices
from CTCounterfactualLib.metrics.autoencoder import measure
from CTCounterfactualLib.models.reconstruction import Reconstruction, compare
from CTCounterfactualLib.outputs.views import Oriented, busiest
from CTCounterfactualLib.training.slice_file import read_slices

GRAY = {"cmap": "gray", "vmin": -1300, "vmax": 300}
CHANGE = {"cmap": "RdBu_r", "vmin": -400, "vmax": 400}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--card", action="append", required=True, help="name or card; repeat")
    parser.add_argument("--scan", action="append", default=[], help="CT scan; repeat")
    parser.add_argument(
        "--slices",
        action="append",
        default=[],
        metavar="NPZ",
        help="single slices, as `train-vqgan --slices` takes them; repeat",
    )
    parser.add_argument(
        "--leave-out",
        type=int,
        metavar="N",
        help="of --slices, only patients whose number is a multiple of N",
    )
    parser.add_argument("--only-drawing", action="store_true", help="explain no scan")
    parser.add_argument("--picture", help="PNG with a row for each pair")
    parser.add_argument("--json", help="file for the figures")
    options = parser.parse_args()
    rows, figures = [], {}
    for card in options.card:
        autoencoder = load_autoencoder(card)
        for path in options.slices:
            slices = read_slices(path).split(options.leave_out)[options.leave_out is not None]
            told = drawing_of_patients(autoencoder, slices)
            tell(figures, f"{autoencoder.name}, {slices.name}", told)
        for path in options.scan:
            scan = read_scan(path)
            label = f"{autoencoder.name}, f = {autoencoder.factor}, {scan.name}"
            if options.only_drawing:
                found = drawing(autoencoder, prepare(scan).volume)
                tell(figures, label, {"psnr_body_db": found.psnr_db, "slope": found.slope})
                continue
            found = explain(scan, autoencoder=autoencoder, mode="whole", frames=0)
            quality = measure(autoencoder, found).to_dict()
            rows.append((label, found, quality))
            tell(figures, label, quality)
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=2) + "\n")
    if options.picture and rows:
        draw(rows, options.picture)


def tell(figures: dict, label: str, values: dict) -> None:
    """Keep and print the figures of one autoencoder on one scan or file, to four digits."""
    figures[label] = {name: float(f"{value:.4g}") for name, value in values.items()}
    print(label, json.dumps(figures[label]), flush=True)


def drawing(autoencoder, volume: np.ndarray) -> Reconstruction:
    """Return how well an autoencoder draws a prepared volume (K, J, I), 0..1."""
    x = torch.from_numpy(np.ascontiguousarray(volume))[:, None]  # (K, J, I) -> (D, 1, H, W)
    decoded = decode_slices(autoencoder, encode_slices(autoencoder, x), x.shape[2:], clipped=True)
    return compare(x, decoded)


def drawing_of_patients(autoencoder, slices) -> dict[str, float]:
    """Return median and least PSNR and the median slope over the patients of a `SliceFile`.

    A patient's own figure is the mean over the slices, so that people count and not slices.
    """
    psnr, slope = [], []
    for patient in np.unique(slices.patient):
        found = [
            drawing(autoencoder, slices.prepared(int(index))[None])
            for index in np.flatnonzero(slices.patient == patient)
        ]
        psnr.append(np.mean([one.psnr_db for one in found]))
        slope.append(np.mean([one.slope for one in found]))
    return {
        "patients": len(psnr),
        "psnr_body_db": float(np.median(psnr)),
        "psnr_body_db_least": float(np.min(psnr)),
        "slope": float(np.median(slope)),
    }


def draw(rows: list, path: str) -> None:
    """Draw scan, counterfactual and change of each row, axial and coronal."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(15, 2.7 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), 6, squeeze=False)
    for line, (label, found, quality) in zip(axes, rows, strict=True):
        scan = found.scan
        volumes = [
            Oriented.of(scan.with_array(v))
            for v in (np.asarray(scan.array), found.counterfactual, found.difference)
        ]
        for column, plane in ((0, "axial"), (3, "coronal")):
            index = busiest(volumes[2], plane)
            for offset, volume in enumerate(volumes):
                style = CHANGE if offset == 2 else GRAY
                line[column + offset].imshow(
                    volume.plane(plane, index), aspect=volume.aspect(plane), **style
                )
                line[column + offset].set_axis_off()
        line[0].set_title(
            f"{label}: lung volume {-quality['reduction']:+.1%}, change {quality['change']:.1%}",
            loc="left",
            fontsize=9,
        )
    figure.savefig(path, dpi=90)


if __name__ == "__main__":
    main()
