"""Networks that PyTorch saved whole: TorchScript (.pt, .ts) and torch.export (.pt2).

Both hold programs. TorchScript can read and write files; the loader of torch.export evaluates
expressions and unpickles parts of its file. So both need consent, and both are read from the bytes
that were hashed.
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...errors import ModelError
from ..files.archives import check_zip
from ..files.read_once import read_file
from .consent import Consent


def network_from_torchscript(path: Path, sha256: str, consent: Consent) -> tuple[nn.Module, str]:
    """Return a TorchScript network and the SHA-256 of its file.

    Raises
    ------
    ModelError
        If it is missing, damaged, no TorchScript, or nobody agreed.
    """
    expected = "a TorchScript archive, written by torch.jit.save"
    data, digest = read_file(path, sha256)
    names = check_zip(data, path.name, expected).namelist()
    # A pickled checkpoint is such a zip file too, but has no code folder.
    if not any("/code/" in name for name in names):
        raise ModelError(
            f"{path.name} holds no TorchScript code; expected {expected}. For a file written by "
            f"torch.save, use source type python with `weights`."
        )
    consent.require(path.name, digest, "TorchScript is a program that runs with the network.")
    with warnings.catch_warnings():
        # That TorchScript is no longer developed is nothing that its user can act on here.
        warnings.simplefilter("ignore", DeprecationWarning)
        network = _load(path, lambda: torch.jit.load(io.BytesIO(data), map_location="cpu"))
    return network, digest


def network_from_export(path: Path, sha256: str, consent: Consent) -> tuple[nn.Module, str]:
    """Return the network of a torch.export program and the SHA-256 of its file.

    Raises
    ------
    ModelError
        If it is missing, damaged, no exported program, or nobody agreed.
    """
    data, digest = read_file(path, sha256)
    check_zip(data, path.name, "a program written by torch.export.save")
    consent.require(
        path.name, digest, "PyTorch evaluates expressions and unpickles parts of a .pt2 file."
    )
    program = _load(path, lambda: torch.export.load(io.BytesIO(data)))
    return ExportedNetwork(program), digest


class ExportedNetwork(nn.Module):
    """An exported program as a module that can change device.

    Such a program has no train or eval mode: it is what it was when it was exported.
    """

    def __init__(self, program: torch.export.ExportedProgram):
        super().__init__()
        self.program = program
        # Not a submodule: an exported module refuses .eval(), which is called on this one.
        self._called: dict[torch.device, Any] = {}

    def forward(self, x: torch.Tensor) -> Any:
        """Return what the program returns for (N, channels, ...)."""
        if x.device not in self._called:
            with torch.inference_mode(False):  # weights moved in it could never give a gradient
                module = _moved(self.program, x.device).module()
                for parameter in module.parameters():
                    parameter.requires_grad_(False)
            self._called = {x.device: module}
        return self._called[x.device](x)


def _moved(
    program: torch.export.ExportedProgram, device: torch.device
) -> torch.export.ExportedProgram:
    """Return the program for a device; its constants know where they were exported."""
    try:
        from torch.export.passes import move_to_device_pass
    except ImportError as error:
        raise ModelError(
            f"A .pt2 model needs PyTorch 2.6 or later, this is {torch.__version__}; update it, or "
            f"give the network as TorchScript or a Python file."
        ) from error
    return move_to_device_pass(program, device)


def _load(path: Path, load) -> Any:
    try:
        return load()
    except MemoryError:
        raise
    except Exception as error:  # a damaged or hostile file may make PyTorch raise anything
        first = next(iter(str(error).strip().splitlines()), "")
        raise ModelError(
            f"{path.name} cannot be loaded ({type(error).__name__}: {first}); it is damaged, or "
            f"was written by another version of PyTorch than {torch.__version__}."
        ) from error
