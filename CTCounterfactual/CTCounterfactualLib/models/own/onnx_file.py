"""ONNX networks by onnxruntime: scores only, no gradients."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ...errors import MissingExtraError, ModelError
from ..classifier import NO_GRADIENT
from ..faults import cause_of
from ..files.read_once import read_file
from .onnx_wire import check_whole


def network_from_onnx(path: Path, sha256: str) -> tuple[nn.Module, str]:
    """Return an ONNX network and the SHA-256 of its file; it isn't code, so nobody is asked.

    Raises
    ------
    MissingExtraError
        Without onnxruntime.
    ModelError
        If it is missing, damaged, needs other files, or takes more than one input.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingExtraError("onnxruntime", "onnx", "run an ONNX model") from error
    data, digest = read_file(path, sha256)
    check_whole(data, path.name)

    def start(providers: list[str]) -> Any:
        return onnxruntime.InferenceSession(data, providers=providers)

    try:
        session = start([_ON_CPU])
    except Exception as error:  # onnxruntime has one class of error per status
        raise ModelError(
            f"{path.name} cannot be loaded as ONNX ({_one_line(error)}). It must be whole and in "
            f"one file, with its weights inside."
        ) from error
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type not in _TYPES:
        found = ", ".join(f"{i.name}: {i.type} {i.shape}" for i in inputs)
        raise ModelError(f"{path.name} takes {found}; expected one input of float or float16.")
    has_gpu = _ON_GPU in onnxruntime.get_available_providers()
    return OnnxNetwork(session, path.name, start if has_gpu else None), digest


_ON_GPU, _ON_CPU = "CUDAExecutionProvider", "CPUExecutionProvider"
_TYPES = {
    "tensor(float)": torch.float32,
    "tensor(float16)": torch.float16,
    "tensor(double)": torch.float64,
}


class OnnxNetwork(nn.Module):
    """Runs an onnxruntime session on tensors; refuses to be differentiated.

    Parameters
    ----------
    session : onnxruntime.InferenceSession
        On the CPU.
    name : str
        Of its file.
    start : callable, optional
        Providers -> session, where there is one for GPUs: used for tensors that are on one.
    """

    def __init__(self, session: Any, name: str, start: Callable[[list[str]], Any] | None = None):
        super().__init__()
        self.session = session
        self.name = name
        self.start = start
        self._on_gpu: Any = None

    def _session(self, device: torch.device) -> Any:
        """Return the session for tensors of a device."""
        if device.type != "cuda" or self.start is None:
            return self.session
        if self._on_gpu is None:
            self._on_gpu = self.start([_ON_GPU, _ON_CPU])
        return self._on_gpu

    def forward(self, x: torch.Tensor) -> Any:
        """Return the output tensor for (N, channels, ...), or a dict if there are several."""
        if x.requires_grad and torch.is_grad_enabled():
            raise ModelError(NO_GRADIENT.format(name=self.name))
        (wanted,) = self.session.get_inputs()
        array = x.detach().to("cpu", _TYPES[wanted.type]).contiguous().numpy()
        try:
            returned = self._session(x.device).run(None, {wanted.name: array})
        except Exception as error:  # onnxruntime has one class of error per status
            cause = cause_of(error)
            advice = cause or "Mend axes, channels, crop or depth in its card."
            raise ModelError(
                f"{self.name} {'fails on' if cause else 'cannot take'} an input of "
                f"{tuple(x.shape)}; it was made for {wanted.shape}. {advice} ({_one_line(error)})"
            ) from error
        # onnxruntime gives arrays that it owns; PyTorch wants writable ones.
        tensors = [torch.from_numpy(array.copy()).to(x.device) for array in returned]
        tensors = [t.float() if t.dtype == torch.float16 else t for t in tensors]
        if len(tensors) == 1:
            return tensors[0]
        return {o.name: t for o, t in zip(self.session.get_outputs(), tensors, strict=True)}


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())[:300]
