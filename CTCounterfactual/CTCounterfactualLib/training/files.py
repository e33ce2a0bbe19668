"""What a training writes as it goes: a table that grows, a checkpoint that is replaced."""

from __future__ import annotations

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch


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
