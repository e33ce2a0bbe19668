"""Which machine this is, what it holds, and waiting for its accelerator."""

from __future__ import annotations

import os
import platform
from pathlib import Path

import torch

GB = 1e9


def choose(name: str) -> torch.device:
    """Return the device of `--device`: auto takes CUDA where there is one."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)


def synchronize(device: torch.device) -> None:
    """Wait until the device has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def free_bytes(device: torch.device) -> float:
    """Return how much memory can still be had there (infinite where nothing says so)."""
    if device.type == "cuda":
        return float(torch.cuda.mem_get_info(device)[0])
    path = Path("/proc/meminfo")
    if not path.is_file():
        return float("inf")
    rows = dict(line.split(":") for line in path.read_text(encoding="utf-8").splitlines())
    return float(rows["MemAvailable"].split()[0]) * 1024


def describe(device: torch.device) -> str:
    """Return the machine in one line: processor, threads, memory, accelerator, versions."""
    parts = [f"{_processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads"]
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        parts.append(f"{properties.name}, {properties.total_memory / GB:.0f} GB")
    parts.append(f"torch {torch.__version__}, Python {platform.python_version()}")
    return "; ".join(parts)


def _processor() -> str:
    path = Path("/proc/cpuinfo")
    if path.is_file():
        for line in path.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()
