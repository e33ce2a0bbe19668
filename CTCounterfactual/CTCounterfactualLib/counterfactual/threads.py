"""How many threads compute and how they wait for each other, told to OpenMP before PyTorch loads.

OpenMP's threads spin while they wait for each other, for milliseconds. On a machine with other
work the spinning thread holds the core that the awaited one needs, so that each of a run's many
thousand short steps takes time slices. Threads of ours spin for microseconds, then sleep. A
generated slab of 16 prepared slices, two cores, PyTorch 2.13, wall time in seconds (with imports):

    threads, spins              nothing else runs      load of 12
    1                           6.6, 6.7               20, 35
    2, as OpenMP does           4.9, 5.0, 5.0, 5.1     163, 270
    2, at most 1000 spins       5.1, 5.2               39, 43
    2, no spins (passive)       5.3, 5.4, 5.4, 5.4     29, 37

The number is that of the cores that this process may use. It doesn't follow the load: sums over
another number of parts are other sums in their last bits, and results are to come out again.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

from .machine import cores

COUNT, SPINS = "OMP_NUM_THREADS", "GOMP_SPINCOUNT"
# Of Intel's OpenMP, as on Windows, and LLVM's, as on macOS: milliseconds of spinning.
BLOCK_TIME = "KMP_BLOCKTIME"
WAIT_POLICY = "OMP_WAIT_POLICY"
# Some 10 microseconds: most waits end within, and a time slice is hundreds of times as long.
MOST_SPINS = 1000


def thread_variables(given: Mapping[str, str]) -> dict[str, str]:
    """Return the environment variables to add to those `given`; what the user has set stays."""
    wanted = {COUNT: str(cores())}
    if not any(name in given for name in (WAIT_POLICY, SPINS, BLOCK_TIME)):
        wanted |= {SPINS: str(MOST_SPINS), BLOCK_TIME: "0"}
    return {name: value for name, value in wanted.items() if name not in given}


def settle_threads() -> None:
    """Choose the threads of this process; call it before PyTorch is imported, later it has no use.

    For programs of ours. A library leaves its host's threads as they are.
    """
    if "torch" not in sys.modules:
        os.environ.update(thread_variables(os.environ))
