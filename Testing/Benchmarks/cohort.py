#!/usr/bin/env python3
"""What does a cohort cost, and does its table separate positives from negatives? See COHORT.md.

    python Testing/Benchmarks/cohort.py make CHESTS --cases 200
    ct-counterfactual cohort CHESTS/manifest.csv -o OUT --classifier effusion-demo --keep records
    python Testing/Benchmarks/cohort.py speed CHESTS --cases 12     # one worker, two, a plain loop

`make` generates slabs of chests, one a patient, each without and with an effusion that the painters
of the truth bench plant. `speed` explains the first cases by one worker, by two, and in a plain
loop over `explain` in one process, and prints a table; it wants a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

import numpy as np
import SimpleITK as sitk

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARY = REPOSITORY / "CTCounterfactual" / "CTCounterfactualLib"
sys.path.insert(0, str(LIBRARY.parent))

SPACING = (1.5, 1.5, 3.0)
SIZE = (240, 180, 14)  # (I, J, K): a body's width and depth, 42 mm of its middle
SLABS = 1  # of each patient, one above the other
LEAST_ML, MOST_ML, LESS = 60.0, 200.0, 0.7
RAS_IN_LPS = (-1, 0, 0, 0, -1, 0, 0, 0, 1)
CLASSIFIER = "effusion-demo"
OPTIONS = ["--classifier", CLASSIFIER, "--keep", "records", "--frames", "0", "--chunk", "7"]


def make(folder: Path, cases: int) -> None:
    """Write slabs and their manifest: of each patient one, with and without an effusion."""
    from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest

    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for patient in range(-(-cases // (2 * SLABS))):
        size = (*SIZE[:2], SLABS * SIZE[2])
        chest = generate_chest(ChestSettings(spacing=SPACING, size=size, seed=patient))
        for slab in range(SLABS):
            part = slice(slab * SIZE[2], (slab + 1) * SIZE[2])
            origin = (*chest.origin[:2], chest.origin[2] + slab * SIZE[2] * SPACING[2])
            hu, lungs = chest.hu[part], chest.masks["lungs"][part]
            rng = np.random.default_rng([patient, slab])
            name = f"patient{patient:03d}-slab{slab}"
            _write(hu, origin, folder / f"{name}-negative.nrrd")
            _write(_with_effusion(hu, lungs, rng), origin, folder / f"{name}-positive.nrrd")
            for kind, label in (("positive", 1), ("negative", 0)):
                rows.append((f"{name}-{kind}.nrrd", label, f"patient{patient:03d}"))
    with (folder / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label", "group"))
        writer.writerows(rows[:cases])


def _with_effusion(hu: np.ndarray, lungs: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Plant some mL, or as many as there is lung for."""
    from CTCounterfactualLib.errors import ScanError
    from CTCounterfactualLib.planting import plant

    ml = float(rng.uniform(LEAST_ML, MOST_ML))
    while True:
        try:
            return plant("effusion", hu, lungs, SPACING, rng, ml=ml).hu
        except ScanError:
            ml *= LESS
            if ml < 1:
                raise


def _write(hu: np.ndarray, origin: tuple[float, ...], path: Path) -> None:
    from CTCounterfactualLib.scans.scan import Scan

    scan = Scan.from_array(np.round(hu).astype(np.int16), SPACING, origin, RAS_IN_LPS)
    sitk.WriteImage(scan.image, str(path), useCompression=True)


def speed(folder: Path, cases: int) -> None:
    """Time one worker, two, and a plain loop over the same cases; start-up is told apart."""
    with (folder / "manifest.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))[:cases]
    with tempfile.TemporaryDirectory() as scratch:
        manifest = Path(scratch) / "manifest.csv"
        with manifest.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, ["path", "label", "group"])
            writer.writeheader()
            writer.writerows({**row, "path": str((folder / row["path"]).resolve())} for row in rows)
        first = manifest.with_name("first.csv")
        first.write_text("".join(manifest.read_text().splitlines(keepends=True)[:2]))
        found = {}
        for workers in (1, 2):
            for name, listed in (("start-up", first), ("all", manifest)):
                out = Path(scratch) / f"{workers}-{name}"
                started, before = perf_counter(), _cpu()
                _cohort(listed, out, workers)
                found[workers, name] = perf_counter() - started, _cpu() - before
        loop, cpu = _loop([row["path"] for row in rows], folder)
    each, busy = (
        {n: (found[n, "all"][i] - found[n, "start-up"][i]) / (cases - 1) for n in (1, 2)}
        for i in (0, 1)
    )
    print("| | seconds a case | of the processor | start-up and first case | all |")
    print(f"|---|---|---|---|---|\n| a plain loop over `explain` | {loop:.2f} | {cpu:.2f} | | |")
    for n in (1, 2):
        first, whole = found[n, "start-up"][0], found[n, "all"][0]
        print(f"| {n} worker(s) | {each[n]:.2f} | {busy[n]:.2f} | {first:.1f} | {whole:.1f} |")
    print(f"\nTwo workers against one: {each[1] / each[2]:.2f} times the throughput (wanted: 1.7).")
    print(f"One worker against the loop: {100 * (each[1] / loop - 1):+.1f} % of the time,")
    print(f"{100 * (busy[1] / cpu - 1):+.1f} % of the processor's (wanted: 5 at most).")


def _cpu() -> float:
    """Return the processor's seconds that ended child processes, and theirs, have taken."""
    spent = os.times()
    return spent.children_user + spent.children_system


def _cohort(manifest: Path, out: Path, workers: int) -> None:
    command = [sys.executable, str(LIBRARY), "cohort", str(manifest), "-o", str(out)]
    subprocess.run(
        [*command, *OPTIONS, "--workers", str(workers), "--progress", "none"],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def _loop(paths: list[str], folder: Path) -> tuple[float, float]:
    """Return the seconds a case of a plain loop, by the clock and of the processor.

    The first case, which loads everything, isn't counted.

    It writes what `--keep records` does: a record a case.
    """
    code = f"""
import json, sys, time
from pathlib import Path
sys.path.insert(0, {str(LIBRARY.parent)!r})
from CTCounterfactualLib import explain, load_autoencoder, load_classifier
from CTCounterfactualLib.outputs.record import result_record
models = load_classifier({CLASSIFIER!r}), load_autoencoder("ct-vqgan-small")
begun = None
for number, path in enumerate(sys.argv[2:]):
    made = explain(path, models[0], None, models[1], chunk=7, frames=0)
    record = json.dumps(result_record(made, ["result.json"]))
    (Path(sys.argv[1]) / f"{{number}}.json").write_text(record)
    begun = begun or (time.perf_counter(), time.process_time())
print((time.perf_counter() - begun[0]) / number, (time.process_time() - begun[1]) / number)
"""
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as scratch:
        made = subprocess.run(
            [sys.executable, "-c", code, scratch, *(str(folder / path) for path in paths)],
            check=True,
            capture_output=True,
            text=True,
            env=environment,
        )
    clock, cpu = made.stdout.split()
    return float(clock), float(cpu)


def main() -> None:
    """Make chests, or time."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("what", choices=("make", "speed"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cases", type=int, default=200)
    options = parser.parse_args()
    (make if options.what == "make" else speed)(options.folder, options.cases)


if __name__ == "__main__":
    main()
