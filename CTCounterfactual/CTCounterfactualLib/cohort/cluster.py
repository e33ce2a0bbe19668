"""Workers: processes of this computer that don't fight over its cores, or a Dask cluster."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from ..counterfactual.machine import cores, memory_limit
from ..counterfactual.threads import BLOCK_TIME, COUNT, MOST_SPINS, SPINS
from ..errors import CTCounterfactualError, MissingExtraError, SettingsError
from ..storage.sizes import BYTES_PER_GB

# What a case of a chest may take at its greatest: workers by default are as many as have that.
BYTES_PER_WORKER = 4 * BYTES_PER_GB
# A worker that takes more of its share of the memory is ended, before the system ends any process.
MOST_OF_SHARE = 0.95
CONNECT_S = 30
LOOPBACK = "127.0.0.1"
# PyTorch and whom it calls read one each.
_THREAD_COUNTS = (COUNT, "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
_SETTINGS = {
    # What a case needs it needs: to pause a worker, or to move what it holds to the disk, doesn't
    # lessen it, and a paused worker never goes on.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": MOST_OF_SHARE,
    # A case that ends its worker is tried once more by us; Dask needn't.
    "distributed.scheduler.allowed-failures": 0,
    # A core that is busy for minutes is no dead worker.
    "distributed.scheduler.worker-ttl": None,
}


@dataclass(frozen=True)
class Cluster:
    """Where cases are explained.

    Parameters
    ----------
    scheduler : str
        Address of a running scheduler (`tcp://`, `tls://`), or empty: workers of this computer.
    workers : int
        Processes of this computer; 0: one a GPU, or one a core as far as memory goes.
    threads : int
        Of each. Another number gives other results in their last bits: it isn't made to depend on
        how many workers there are.
    """

    scheduler: str = ""
    workers: int = 0
    threads: int = 1

    def __post_init__(self) -> None:
        if self.scheduler and self.workers:
            raise SettingsError(
                "Both a scheduler and a number of workers are given: workers of a running cluster "
                "are started beside its scheduler. Give one of them."
            )
        for name, least in (("workers", 0), ("threads", 1)):
            if getattr(self, name) < least:
                raise SettingsError(
                    f"The number of {name} is {getattr(self, name)}; it must be {least} or more."
                )


def default_workers(gpus: int, threads: int) -> int:
    """Return how many workers this computer has room for."""
    if gpus:
        return gpus
    by_memory = int((memory_limit() or BYTES_PER_WORKER) // BYTES_PER_WORKER)
    return max(1, min(cores() // threads, by_memory))


@contextmanager
def open_client(cluster: Cluster, gpus: int = 0) -> Iterator[Any]:
    """Yield a Dask client of a cluster; workers of this computer end with the block.

    They listen on the loopback only, and where `cryptography` is installed they talk to nobody
    without this run's own certificate.

    Raises
    ------
    SettingsError
        Within Slicer, whose process can't have such workers; or if no scheduler answers.
    MissingExtraError
        Without Dask.
    """
    check_process()
    if find_spec("distributed") is None:
        raise MissingExtraError("distributed", "cohort", "explain a cohort")
    import dask
    from distributed import Client

    if cluster.scheduler:
        try:
            client = Client(cluster.scheduler, timeout=CONNECT_S, set_as_default=False)
        except (OSError, ValueError, TypeError, RuntimeError) as error:
            said = " ".join(str(error).split()) or type(error).__name__
            raise SettingsError(
                f"No scheduler answers at {cluster.scheduler}: {said}. Start one (`dask "
                f"scheduler`) and give the address that it says, such as tcp://host:8786."
            ) from error
        with client:
            yield client
        return
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # we say what happens ourselves
    with dask.config.set(_SETTINGS), _local(cluster, gpus) as made:
        client = Client(made, set_as_default=False)
        try:
            yield client
        finally:
            client.close()


def _local(cluster: Cluster, gpus: int) -> Any:
    from distributed import Nanny, Scheduler, SpecCluster
    from distributed.security import Security

    count = cluster.workers or default_workers(gpus, cluster.threads)
    security = Security.temporary() if find_spec("cryptography") is not None else None
    share = int((memory_limit() or 0) / count)
    environment = {name: str(cluster.threads) for name in _THREAD_COUNTS}
    environment |= {SPINS: str(MOST_SPINS), BLOCK_TIME: "0"}
    dashboard = f"{LOOPBACK}:0" if find_spec("bokeh") is not None else None
    workers = {
        number: {
            "cls": Nanny,
            "options": {
                "nthreads": 1,  # cases at once
                "host": LOOPBACK,
                "memory_limit": share or None,
                "security": security,
                "silence_logs": logging.CRITICAL,
                "dashboard": False,
                "env": environment | ({"CUDA_VISIBLE_DEVICES": str(number % gpus)} if gpus else {}),
            },
        }
        for number in range(count)
    }
    scheduler = {
        "cls": Scheduler,
        "options": {
            "host": LOOPBACK,
            "port": 0,
            "dashboard": dashboard is not None,
            "dashboard_address": dashboard,
            "security": security,
        },
    }
    return SpecCluster(
        workers=workers,
        scheduler=scheduler,
        security=security,
        silence_logs=logging.CRITICAL,
        name="ct-counterfactual",
    )


def check_process() -> None:
    """Raise an error within Slicer, whose process can't have such workers."""
    if hasattr(sys.modules.get("slicer"), "app"):
        raise CTCounterfactualError(
            "A cohort can't be explained from within Slicer, whose process can't have workers of "
            "this kind. Use the command line; Slicer opens the finished cohort."
        )
