"""The caller's networks for the time of a run: given back on their device and in their mode."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from ...errors import ModelError


@contextmanager
def borrowed(models: tuple[Any, ...], device: torch.device) -> Iterator[None]:
    """Have the networks of models on a device, in eval mode and frozen; put back what they were.

    Parameters
    ----------
    models : tuple
        Networks, or objects that hold some as attributes, in lists or in dicts.
    device : torch.device
        Where they run meanwhile.

    Raises
    ------
    ModelError
        If a network has sizes only, no weights (the device `meta`).
    """
    networks = [network for model in models for network in networks_of(model)]
    if device.type != "meta":
        _check_weights(networks)
    before = [_Condition(network) for network in networks]
    try:
        with torch.inference_mode(False):  # weights moved in it could never give a gradient
            for network in networks:
                network.to(device)
                network.eval()
                for parameter in network.parameters():
                    parameter.requires_grad_(False)
        yield
    finally:
        for condition in before:
            condition.restore()


def networks_of(model: Any) -> list[nn.Module]:
    """Return the networks that a model is or holds."""
    if isinstance(model, nn.Module):
        return [model]
    found = []
    for value in getattr(model, "__dict__", {}).values():
        if isinstance(value, dict):
            value = tuple(value.values())
        found += [
            each
            for each in (value if isinstance(value, tuple | list) else (value,))
            if isinstance(each, nn.Module)
        ]
    return found


def training_modules(model: Any) -> list[str]:
    """Return the names of modules that are in training mode; "itself" for the whole network."""
    return [
        name or "itself"
        for network in networks_of(model)
        for name, module in network.named_modules()
        if getattr(module, "training", False)
    ]


def _check_weights(networks: list[nn.Module]) -> None:
    for network in networks:
        for name, tensor in (*network.named_parameters(), *network.named_buffers()):
            if tensor.is_meta:
                raise ModelError(
                    f"{name!r} of {type(network).__name__} has no numbers (it lies on the device "
                    f"'meta'). Make the network on the CPU and load its weights."
                )


class _Condition:
    """Devices, modes and gradient flags of a network."""

    def __init__(self, network: nn.Module):
        self.network = network
        self.modes = [(m, m.training) for m in network.modules() if hasattr(m, "training")]
        self.flags = [(p, p.requires_grad) for p in network.parameters()]
        self.parameters = [
            (module._parameters, key, p, p.data)
            for module in network.modules()
            if not isinstance(module, torch.jit.ScriptModule)
            for key, p in module._parameters.items()
            if p is not None
        ]
        self.buffers = [
            (module._buffers, key, buffer)
            for module in network.modules()
            if not isinstance(module, torch.jit.ScriptModule)
            for key, buffer in module._buffers.items()
            if buffer is not None
        ]
        first = next(network.parameters(), None)
        self.device = None if first is None else first.device

    def restore(self) -> None:
        """Put it all back; on another device the numbers of before."""
        if isinstance(self.network, torch.jit.ScriptModule) and self.device is not None:
            self.network.to(self.device)
        for held, key, parameter, data in self.parameters:
            if held.get(key) is not parameter or parameter.device != data.device:
                held[key] = parameter
                if parameter.device != data.device:
                    parameter.data = data
        for holder, key, buffer in self.buffers:
            now = holder.get(key)
            if now is not None and now.device != buffer.device:
                holder[key] = buffer
        for parameter, flag in self.flags:
            parameter.requires_grad_(flag)
        for module, training in self.modes:
            if module.training != training:
                module.training = training
