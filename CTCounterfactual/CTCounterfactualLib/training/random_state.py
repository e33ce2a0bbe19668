"""The state of random generators as plain values, so that a checkpoint can hold it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch


def random_state(generators: Sequence[np.random.Generator]) -> dict[str, Any]:
    """Return PyTorch's state on the CPU, and those of NumPy's generators as JSON texts."""
    return {
        "torch": torch.get_rng_state(),
        "numpy": [json.dumps(generator.bit_generator.state) for generator in generators],
    }


def set_random_state(generators: Sequence[np.random.Generator], state: dict[str, Any]) -> None:
    """Give generators the states that `random_state` returned of them.

    Raises
    ------
    ValueError, KeyError, TypeError, RuntimeError
        If they are none.
    """
    for generator, text in zip(generators, state["numpy"], strict=True):
        generator.bit_generator.state = json.loads(text)
    torch.set_rng_state(state["torch"])
