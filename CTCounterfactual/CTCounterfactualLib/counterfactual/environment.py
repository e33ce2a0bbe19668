"""Where a run happens: device, peak memory and versions, for provenance."""

from __future__ import annotations

import platform
import sys
from importlib import metadata

import torch

from .. import __version__
from ..errors import SettingsError
from ..storage.sizes import BYTES_PER_MB
from ..wording import say


def choose_device(name: str) -> torch.device:
    """Return the torch device of a setting; `auto` is CUDA where there is one.

    Raises
    ------
    SettingsError
        If CUDA is asked for and isn't there; the message says what to do.
    """
    available = torch.cuda.is_available()
    if name == "auto":
        return torch.device("cuda" if available else "cpu")
    device = torch.device(name)
    if device.type == "cuda":
        if not available:
            raise SettingsError(
                f"Device cuda was asked for, but PyTorch finds no CUDA GPU on this machine. "
                f"Use {say('device', 'cpu')}, or install a CUDA build of PyTorch."
            )
        if device.index is not None and device.index >= torch.cuda.device_count():
            raise SettingsError(
                f"Device {name} was asked for, but there are {torch.cuda.device_count()} GPU(s). "
                f"Count from 0: use {say('device', 'cuda:0')}."
            )
    return device


def describe_device(device: torch.device) -> str:
    """Return the device in words: `cpu` with its threads, or the GPU's name."""
    if device.type == "cuda":
        return f"cuda ({torch.cuda.get_device_name(device)})"
    return f"cpu ({torch.get_num_threads()} threads)"


def peak_memory_mb(device: torch.device) -> float:
    """Return this process's peak resident memory in MB (0 where the system doesn't tell)."""
    if sys.platform == "win32":
        return 0.0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak if sys.platform == "darwin" else peak * 1024, 0) / BYTES_PER_MB


def versions() -> dict[str, str]:
    """Return the versions that decide a result: this package, Python and the libraries."""
    found = {"python": platform.python_version(), "ct-counterfactual": __version__}
    for package in ("torch", "numpy", "scipy", "SimpleITK"):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed as a package"
    return found
