"""Gradients in little memory: compute again in the backward pass what needn't be kept."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.utils.checkpoint import checkpoint


def keeping_inputs(function: Callable[..., torch.Tensor], *inputs: Any) -> torch.Tensor:
    """Return function(*inputs), for which autograd keeps the inputs and nothing between.

    Without autograd it is a plain call. The function runs again in the backward pass, so it must
    neither draw random numbers nor change its inputs (Chen et al., "Training Deep Nets with
    Sublinear Memory Cost", 2016).
    """
    return checkpoint(function, *inputs, use_reentrant=False, preserve_rng_state=False)
