"""Where a training runs: one process or several, on CPUs or GPUs, in full or mixed precision.

Lightning Fabric brings up the processes that `torchrun` has started, chooses their devices, and
runs mixed precision. Gradients are averaged here, in one buffer after the last of a step's parts,
and not by PyTorch's DistributedDataParallel: its hooks expect one forward a backward, and a GAN's
two networks go through several.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

import torch

from ..errors import MissingExtraError, SettingsError

# What `torchrun` tells each process that it starts.
PROCESSES, PROCESSES_HERE, NUMBER = "WORLD_SIZE", "LOCAL_WORLD_SIZE", "RANK"


class Machine:
    """The processes and the device of a training.

    Parameters
    ----------
    device : str
        `cpu`, `cuda` or `cuda:N`; of several processes each takes a GPU of its own.
    bfloat16 : bool
        Run forward and backward in mixed precision.

    Raises
    ------
    MissingExtraError
        If Lightning Fabric isn't installed.
    SettingsError
        If there are fewer GPUs than processes.
    """

    def __init__(self, device: str = "cpu", bfloat16: bool = False):
        try:
            from lightning_fabric import Fabric
            from lightning_fabric.strategies import DDPStrategy
        except ImportError as error:
            raise MissingExtraError("lightning_fabric", "training", "train a model") from error
        # It tells at each start that precision is mixed, which was asked for.
        logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
        wanted = torch.device(device)
        processes = int(os.environ.get(PROCESSES, "1"))
        here = int(os.environ.get(PROCESSES_HERE, str(processes)))
        gpu = wanted.type == "cuda"
        if gpu and here > torch.cuda.device_count():
            raise SettingsError(
                f"{here} processes were started here, but there are {torch.cuda.device_count()} "
                f"GPUs; start as many as there are, or train on the CPU."
            )
        devices: int | list[int] = [wanted.index or 0] if gpu and processes == 1 else here
        self._fabric: Any = Fabric(
            accelerator="cuda" if gpu else "cpu",
            devices=devices,
            num_nodes=max(1, processes // here),
            strategy=DDPStrategy(process_group_backend="nccl" if gpu else "gloo")
            if processes > 1
            else "auto",
            precision="bf16-mixed" if bfloat16 else "32-true",
        )
        self._fabric.launch()

    @property
    def device(self) -> torch.device:
        """The device of this process."""
        return self._fabric.device

    @property
    def processes(self) -> int:
        """How many train together."""
        return self._fabric.world_size

    @property
    def number(self) -> int:
        """Which of them this one is, from 0."""
        return self._fabric.global_rank

    @property
    def writes(self) -> bool:
        """Whether this process is the one that writes files and speaks."""
        return self._fabric.is_global_zero

    def mixed(self) -> AbstractContextManager:
        """Return a context in which networks run in the training's precision."""
        return self._fabric.autocast()

    def share(self, batch: torch.Tensor) -> torch.Tensor:
        """Return this process's part of what all have drawn alike, (N, ...), on its device."""
        own = len(batch) // self.processes
        return batch[self.number * own : (self.number + 1) * own].to(self.device)

    def joined(self, part: torch.Tensor) -> torch.Tensor:
        """Return all processes' parts (n, ...) one after the other, (N, ...); undoes `share`."""
        if self.processes == 1:
            return part
        return self._fabric.all_gather(part.contiguous()).flatten(0, 1)

    def mean(self, value: torch.Tensor) -> torch.Tensor:
        """Return the mean over all processes, the same in each."""
        if self.processes == 1:
            return value
        return self._fabric.all_reduce(value, reduce_op="mean")

    def sum(self, value: torch.Tensor) -> torch.Tensor:
        """Return the sum over all processes, the same in each."""
        if self.processes == 1:
            return value
        return self._fabric.all_reduce(value, reduce_op="sum")

    def any(self, flag: bool) -> bool:
        """Tell whether it is true in any process; all get the same answer."""
        if self.processes == 1:
            return flag
        return bool(self.sum(torch.tensor(float(flag), device=self.device)) > 0)

    def average_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
        """Replace gradients by their mean over all processes."""
        if self.processes == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        mean = self.mean(torch.cat([gradient.flatten() for gradient in gradients]))
        sizes = [gradient.numel() for gradient in gradients]
        for gradient, new in zip(gradients, mean.split(sizes), strict=True):
            gradient.copy_(new.view_as(gradient))

    def wait(self) -> None:
        """Wait until all processes have come here."""
        self._fabric.barrier()

    def close(self) -> None:
        """Let the processes part, where there are several."""
        if self.processes > 1 and torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


def is_first() -> bool:
    """Tell whether this process is the one that writes and speaks, before there is a machine."""
    return int(os.environ.get(NUMBER, "0")) == 0


def alone() -> Machine:
    """Return the machine of a training that runs in one process on the CPU.

    Raises
    ------
    SettingsError
        If `torchrun` has started several.
    """
    if int(os.environ.get(PROCESSES, "1")) > 1:
        raise SettingsError(
            "This training runs in one process: it is small. Start it without torchrun."
        )
    return Machine()
