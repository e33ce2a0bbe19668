"""Time and memory of a whole explanation by its number of slices, each in a process of its own.

    python Testing/Benchmarks/scaling.py --slices 100 200 400 1000 --size 512 \
        [--json FILE] [--plot Testing/Benchmarks/scaling.png]

The scan is a generated chest of 1 mm slices, continued by its mirror image where it ends. Each
process reads it from a file, explains it with default settings and writes the result, first without
and then with the scene (where slicer-core is installed); peak memory is that of the process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "CTCounterfactual"))

SLICE_MM = 1.0
# In plane the generated chest fills this.
FIELD_MM = 384.0
CHEST_SLICES = 300
GOAL_GB = 8.0
MB_PER_GB = 1000.0
STAGES = ("explain", "write", "write with scene")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--slices", type=int, nargs="+", default=[100, 200, 400, 1000])
    parser.add_argument("--size", type=int, default=512, help="rows and columns of a slice")
    parser.add_argument("--json", type=Path, help="write the figures to this file")
    parser.add_argument("--plot", type=Path, help="draw them into this picture")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)  # a process of its own
    options = parser.parse_args()
    if options.one:
        sys.stdout.write(json.dumps(explain_one(options.one)) + "\n")
        return
    chest = make_chest(options.size, min(CHEST_SLICES, max(options.slices)))
    rows = [measure(chest, slices, options.size) for slices in options.slices]
    text = json.dumps({"size": options.size, "spacing_mm": SLICE_MM, "runs": rows}, indent=1)
    if options.json:
        options.json.write_text(text + "\n", encoding="utf-8")
    if options.plot:
        plot(rows, options.plot)


def make_chest(size: int, slices: int) -> np.ndarray:
    """Return a generated chest (K, J, I), int16 HU."""
    from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest

    spacing = (FIELD_MM / size, FIELD_MM / size, SLICE_MM)
    return generate_chest(ChestSettings(spacing=spacing, size=(size, size, slices))).hu


def measure(chest: np.ndarray, slices: int, size: int) -> dict:
    """Explain so many slices in a process of its own; return seconds and GB of each stage."""
    from CTCounterfactualLib import Scan

    numbers = np.pad(np.arange(len(chest)), (0, max(slices - len(chest), 0)), mode="symmetric")
    spacing = (FIELD_MM / size, FIELD_MM / size, SLICE_MM)
    scan = Scan.from_array(chest[numbers[:slices]], spacing, name=f"chest of {slices} slices")
    with tempfile.TemporaryDirectory() as folder:
        import SimpleITK as sitk

        path = Path(folder) / "scan.nrrd"
        sitk.WriteImage(scan.image, str(path))
        del scan
        command = [sys.executable, str(Path(__file__).resolve()), "--one", str(path)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    row = {"slices": slices, **json.loads(done.stdout.splitlines()[-1])}
    told = ", ".join(
        f"{stage} {v['seconds']:.1f} s {v['gb']:.2f} GB" for stage, v in row["stages"].items()
    )
    sys.stdout.write(f"{slices} slices: {told}\n")
    sys.stdout.flush()
    return row


def explain_one(path: Path) -> dict:
    """Explain and write one scan; return the seconds and the peak GB after each stage."""
    import torch

    from CTCounterfactualLib import explain, write_result
    from CTCounterfactualLib.counterfactual.environment import peak_memory_mb
    from CTCounterfactualLib.errors import MissingExtraError

    found, stages, device = {}, {}, torch.device("cpu")
    work = (
        lambda: found.update(result=explain(path)),
        lambda: write_result(found["result"], path.parent / "without", scene=False),
        lambda: write_result(found["result"], path.parent / "with", scene=True),
    )
    for stage, step in zip(STAGES, work, strict=True):
        started = perf_counter()
        try:
            step()
        except MissingExtraError as error:
            sys.stderr.write(f"Left out, {stage}: {error}\n")
            continue
        stages[stage] = {
            "seconds": perf_counter() - started,
            "gb": peak_memory_mb(device) / MB_PER_GB,
        }
    return {"prepared_slices": found["result"].prepared.slices, "stages": stages}


def plot(rows: list[dict], path: Path) -> None:
    """Draw seconds and GB against slices, with a straight line through the seconds."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    slices = np.array([row["slices"] for row in rows])
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    for stage in STAGES:
        measured = [
            (n, row["stages"][stage])
            for n, row in zip(slices, rows, strict=True)
            if stage in row["stages"]
        ]
        if not measured:
            continue
        at = [n for n, _ in measured]
        left.plot(at, [value["seconds"] for _, value in measured], "o", label=stage)
        right.plot(at, [value["gb"] for _, value in measured], "o-", label=f"up to: {stage}")
    if len(slices) > 1:
        seconds = [row["stages"][STAGES[0]]["seconds"] for row in rows]
        slope, constant = np.polyfit(slices, seconds, 1)
        ends = np.array([0, slices.max()])
        left.plot(
            ends,
            constant + slope * ends,
            "-",
            color="0.6",
            label=f"{constant:.0f} s + {1000 * slope:.0f} ms a slice",
        )
    right.axhline(GOAL_GB, color="tab:red", linestyle="--", label=f"{GOAL_GB:g} GB")
    for axes, name in ((left, "seconds"), (right, "peak memory, GB")):
        axes.set(xlabel="slices of the scan", ylabel=name, xlim=(0, None), ylim=(0, None))
        axes.legend(fontsize=8)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
