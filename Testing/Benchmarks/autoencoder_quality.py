"""Compare slice autoencoders by the changes they make: a table of figures and rows of pictures.

    python Testing/Benchmarks/autoencoder_quality.py --card A.json --card B.json \
        --scan chest.nrrd --picture rows.png --json figures.json

Each autoencoder explains each scan once (lung volume, mode whole, default settings). The figures
are explained in `CTCounterfactualLib/metrics/autoencoder.py`.
"""

import argparse
import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CTCounterfactual"))

from CTCounterfactualLib import explain, load_autoencoder, read_scan
from CTCounterfactualLib.metrics.autoencoder import measure
from CTCounterfactualLib.outputs.views import Oriented, busiest

GRAY = {"cmap": "gray", "vmin": -1300, "vmax": 300}
CHANGE = {"cmap": "RdBu_r", "vmin": -400, "vmax": 400}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--card", action="append", required=True, help="name or card; repeat")
    parser.add_argument("--scan", action="append", required=True, help="CT scan; repeat")
    parser.add_argument("--picture", help="PNG with a row for each pair")
    parser.add_argument("--json", help="file for the figures")
    options = parser.parse_args()
    rows, figures = [], {}
    for card in options.card:
        autoencoder = load_autoencoder(card)
        for path in options.scan:
            found = explain(read_scan(path), autoencoder=autoencoder, mode="whole", frames=0)
            quality = measure(autoencoder, found).to_dict()
            label = f"{autoencoder.name}, f = {autoencoder.factor}, {found.scan.name}"
            figures[label] = quality
            rows.append((label, found, quality))
            print(label, json.dumps(quality), flush=True)
    if options.json:
        Path(options.json).write_text(json.dumps(figures, indent=2) + "\n")
    if options.picture:
        draw(rows, options.picture)


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
            loc="left", fontsize=9,
        )
    figure.savefig(path, dpi=90)


if __name__ == "__main__":
    main()
