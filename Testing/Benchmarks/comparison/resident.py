"""Peak resident memory of one side in a process of its own: everything counts, libraries too."""

from __future__ import annotations

import subprocess
import sys

import torch

from .engine import CHUNK, run_engine
from .environment import REPOSITORY, THIS_ONE
from .sizes import SIZES
from .tasks import cost_task

SIDES = ("theirs", "ours")
MB_PER_GB = 1000.0


def measure_side(side: str, size: str) -> float:
    """Return the peak GB of a process that runs one side of the random-weight task on the CPU.

    Theirs: one chunk, its gradient and one evaluation. Ours: the whole reference run.
    """
    command = [
        sys.executable,
        "-W",
        "ignore",
        str(REPOSITORY / "Testing/Benchmarks/compare.py"),
        "--env",
        THIS_ONE,
        "--size",
        size,
        "--peak",
        side,
    ]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return float(done.stdout.splitlines()[-1])


def run_side(side: str, size: str, search: type) -> float:
    """Run one side here; return this process's peak GB so far."""
    from CTCounterfactualLib.counterfactual.environment import peak_memory_mb

    device = torch.device("cpu")
    task = cost_task(SIZES[size].cost, search, device)
    if side == "theirs":
        start = task.slices // 2 // CHUNK * CHUNK
        task.paper.evaluate(start, start + CHUNK, 2)
    else:
        run_engine(task, "reference", device)
    return peak_memory_mb(device) / MB_PER_GB
