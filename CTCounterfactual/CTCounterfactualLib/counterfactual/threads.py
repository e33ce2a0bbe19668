"""How many threads compute and how they wait for each other, told to OpenMP before PyTorch loads.

OpenMP's threads spin while they wait for each other. On a machine with other work the spinning
thread holds the core that the awaited one needs, and each of the many thousand short steps of a run
takes a whole time slice. So threads here sleep while they wait. Measured (two cores, eight other
processes on them, a generated slab of 16 prepared slices): see `Testing/Benchmarks/README.md`.

The number is that of the cores that this process may use. It doesn't follow the load: sums over
another number of parts are other sums in their last bits, and results are to come out again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from .machine import cores

COUNT, WAIT_POLICY, SPINS = "OMP_NUM_THREADS", "OMP_WAIT_POLICY", "GOMP_SPINCOUNT"
# macOS and Intel's OpenMP: milliseconds that a thread spins before it sleeps.
BLOCK_TIME = "KMP_BLOCKTIME"


def thread_variables(given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables to add to those `given`; what the user has set stays."""
    wanted = {COUNT: str(cores())}
    if not any(name in given for name in (WAIT_POLICY, SPINS, BLOCK_TIME)):
        wanted |= {WAIT_POLICY: "PASSIVE", BLOCK_TIME: "0"}
    return {name: value for name, value in wanted.items() if name not in given}


def settle_threads() -> None:
    """Choose the threads of this process; call it before PyTorch is imported, later it has no use.

    For programs of ours. A library leaves its host's threads as they are.
    """
    if "torch" not in sys.modules:
        os.environ.update(thread_variables(os.environ))
