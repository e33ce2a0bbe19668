"""What a training writes: its folder, a checkpoint that is replaced, and at last a model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from ..errors import ModelError, OutputError, SettingsError
from ..models.files.cards import MOST_CARD_BYTES
from ..models.files.checkpoints import read_content
from ..storage.atomic import check_free, made_parents, whole_file, write_json
from ..storage.hashing import file_sha256
from ..storage.lock import locked
from ..storage.names import check_name, check_plain_name, reason
from ..storage.objects import read_object
from .machine import is_first

LOCK = "training.lock"
# What a training leaves beside its model, to go on from and to plot.
CHECKPOINT, LOG = "checkpoint.pt", "losses.csv"
# Of the two files of a model: weights and card.
SUFFIXES = (".safetensors", ".json")


def replace_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint, whole or not at all; the one before stays until then."""
    with whole_file(path) as partial:
        torch.save(state, partial)


@contextmanager
def claim_training(folder: str | Path, name: str, force: bool = False) -> Iterator[Path]:
    """Yield the folder of a training, made if it lacks, which is this training's until the end.

    Where `torchrun` has started several processes, the first one holds it for all of them.

    Parameters
    ----------
    folder : str or Path
        Gets checkpoint, table and model.
    name : str
        Of the model that the training will write there.
    force : bool
        A model of that name that is there may be replaced.

    Raises
    ------
    SettingsError
        If the name is none for a file.
    OutputError
        If another training runs there, a model of that name is there (without `force`), or the
        folder can't be written to.
    """
    check_plain_name(name, "The name of the model", SettingsError)  # before a folder is made
    path = check_name(folder).absolute()
    if not is_first():
        yield path
        return
    try:
        with made_parents(path / "model"), locked(path / LOCK, f"The training folder {path}"):
            check_model_name(path, name, force)
            yield path
    except OSError as error:
        raise OutputError(
            f"Cannot write into {path}: {reason(error)}. Choose another folder."
        ) from error


def check_model_name(folder: Path, name: str, force: bool = False) -> None:
    """Make sure that a model of this name can be written without harm to anything else.

    Raises
    ------
    SettingsError
        If the name is none for a file.
    OutputError
        If its files are there: without `force`, or if they aren't a model's.
    """
    check_plain_name(name, "The name of the model", SettingsError)
    weights, path = (Path(folder) / f"{name}{suffix}" for suffix in SUFFIXES)
    for file in (weights, path):
        check_free(file, force)
    if path.exists() and not _is_card(path, weights.name):
        raise OutputError(f"{path} exists and is no card of a model; choose another name.")
    if weights.exists() and not path.exists():
        raise OutputError(f"{weights} exists without a card of its own; choose another name.")


def _is_card(path: Path, weights: str) -> bool:
    try:
        card = read_object(path, MOST_CARD_BYTES)
    except (OSError, ValueError):
        return False
    return "schema" in card and card.get("weights") == weights


def write_model(
    folder: Path,
    name: str,
    tensors: dict[str, torch.Tensor],
    card: dict[str, Any],
    force: bool = False,
) -> Path:
    """Write `NAME.safetensors`, and the card `NAME.json` that names it with its digest.

    Parameters
    ----------
    card : dict
        All fields of the card but `weights` and `sha256`.
    force : bool
        Replace a model of that name.

    Returns
    -------
    Path
        The card's.

    Raises
    ------
    OutputError
        If a file is there already (without `force`) or can't be written; each is whole or not
        there.
    """
    from safetensors.torch import save_file

    check_model_name(folder, name, force)
    weights, path = (Path(folder) / f"{name}{suffix}" for suffix in SUFFIXES)
    with whole_file(weights, overwrite=force) as partial:
        save_file(tensors, partial)
        digest = file_sha256(partial)
    write_json(path, {**card, "weights": weights.name, "sha256": digest}, overwrite=force)
    return path


def half_precision(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return a network's tensors for `write_model`: fractions as float16, whole numbers as are."""
    return {
        key: (tensor.half() if tensor.is_floating_point() else tensor).contiguous()
        for key, tensor in network.state_dict().items()
    }


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
