"""Running code on meta tensors: shapes without numbers, so that any size runs on any machine.

Code that asks a tensor for a number (`float(score)`, `if x.any()`) or for its voxels
(`.cpu().numpy()`) cannot run there by itself; `MadeUpValues` answers.
"""

from __future__ import annotations

from functools import cache

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

aten = torch.ops.aten
_ASKS_FOR_A_NUMBER = (
    aten._local_scalar_dense.default,
    aten.item.default,
    aten.is_nonzero.default,
)
MADE_UP_NUMBER = 0.5
# Operations known to compute by themselves; asking takes longer than most of them.
_WITHOUT_PARTS = {aten.detach.default}


class DecomposingMode(TorchDispatchMode):
    """See the operations that compute, also inside `torch.inference_mode`.

    There, composite operations (convolutions, group norm) reach a mode whole.
    """

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        answered = self.answer(func, args, kwargs)
        if answered is not NotImplemented:
            return answered
        if func not in _WITHOUT_PARTS:
            with self:
                parts = func.decompose(*args, **kwargs)
            if parts is not NotImplemented:
                return parts
            _WITHOUT_PARTS.add(func)
        return self.run(func, args, kwargs)

    def answer(self, func, args, kwargs):
        """Return a result in place of an operation, or NotImplemented to let it run."""
        return NotImplemented

    def run(self, func, args, kwargs):
        """Run one operation that has no parts."""
        return func(*args, **kwargs)


class MadeUpValues(DecomposingMode):
    """Answer what meta tensors cannot: any number is 0.5 (True, 0); copies are zeros."""

    def answer(self, func, args, kwargs):
        if not args or not isinstance(args[0], torch.Tensor) or not args[0].is_meta:
            return NotImplemented
        if func in _ASKS_FOR_A_NUMBER:
            if args[0].dtype == torch.bool or func is aten.is_nonzero.default:
                return True
            return MADE_UP_NUMBER if args[0].is_floating_point() else 0
        device = kwargs.get("device")
        if func is aten._to_copy.default and device is not None and device.type == "cpu":
            return torch.zeros(args[0].shape, dtype=kwargs.get("dtype") or args[0].dtype)
        return NotImplemented


class RememberedShapes(TorchDispatchMode):
    """Run an operation on meta tensors once, and repeat its outputs' shapes after that.

    torch works most of them out in Python, far slower than it computes small ones. To be entered
    before all other modes, so that those see every operation.
    """

    def __init__(self):
        super().__init__()
        self._outputs: dict[tuple, tuple[tuple, bool]] = {}

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        leaves, layout = tree_flatten((args, kwargs))
        tensors = [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
        if not tensors or not all(t.is_meta for t in tensors) or not _makes_new(func):
            return func(*args, **kwargs)
        key = (func, layout, *(_described(leaf) for leaf in leaves))
        if key not in self._outputs:
            result = func(*args, **kwargs)
            made = result if isinstance(result, tuple | list) else (result,)
            if not all(isinstance(m, torch.Tensor) and m.is_meta for m in made):
                return result
            self._outputs[key] = (
                tuple((m.shape, m.stride(), m.dtype) for m in made),
                isinstance(result, torch.Tensor),
            )
            return result
        described, alone = self._outputs[key]
        made = tuple(
            torch.empty_strided(shape, stride, dtype=dtype, device="meta")
            for shape, stride, dtype in described
        )
        return made[0] if alone else made


@cache
def _makes_new(func) -> bool:
    """Return whether an operation's outputs are new tensors, neither views nor inputs."""
    return torch.Tag.data_dependent_output not in func.tags and not any(
        argument.alias_info for argument in (*func._schema.arguments, *func._schema.returns)
    )


def _described(leaf) -> tuple:
    """Return what an operation's output shapes can depend on."""
    if isinstance(leaf, torch.Tensor):
        return tuple(leaf.shape), leaf.stride(), leaf.dtype
    return type(leaf), leaf
