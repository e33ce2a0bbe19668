"""What a training writes as it goes: a table that grows, a checkpoint that is replaced."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from ..errors import ModelError
from ..models.checkpoints import read_content


def append_row(path: Path, columns: Sequence[str], row: dict[str, Any]) -> None:
    """Add a row to a CSV table; a new table gets its header first."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, columns)
        if new:
            writer.writeheader()
        writer.writerow(row)


def replace_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint, whole or not at all; the one before stays until then."""
    partial = path.with_name(path.name + ".part")
    torch.save(state, partial)
    os.replace(partial, path)


def read_checkpoint(path: Path, names: Sequence[str]) -> dict[str, Any] | None:
    """Return what `replace_checkpoint` wrote, tensors and numbers only; None if nothing is there.

    Parameters
    ----------
    path : Path
        The checkpoint.
    names : sequence of str
        The parts that it must have, besides the whole number `step`.

    Raises
    ------
    ModelError
        If it is damaged, or no checkpoint of such a training.
    """
    if not path.exists():
        return None
    state = read_content(path)
    whole = isinstance(state, dict) and all(isinstance(state.get(name), dict) for name in names)
    if not whole or type(state.get("step")) is not int:
        raise ModelError(
            f"{path} is no checkpoint of this training: it lacks {', '.join(names)} or step. "
            f"Move it away to begin anew, or train in another folder."
        )
    return state


def restore(path: Path, parts: dict[str, Any], state: dict[str, Any]) -> None:
    """Give each part (network or optimiser) its state of a checkpoint.

    Raises
    ------
    ModelError
        If one doesn't fit: the checkpoint was written with other settings.
    """
    for name, part in parts.items():
        try:
            part.load_state_dict(state[name])
        except (RuntimeError, ValueError, KeyError, TypeError, AttributeError) as error:
            first = next(iter(str(error).strip().splitlines()), type(error).__name__)
            raise ModelError(
                f"The checkpoint {path} doesn't fit these settings ({name}: {first}). Give the "
                f"settings that it was written with, or train in another folder."
            ) from error
