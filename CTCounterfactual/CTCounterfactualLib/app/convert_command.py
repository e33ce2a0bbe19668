"""The verb `models convert`: taming-transformers checkpoints to cards, and cards to checkpoints."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from ..errors import OutputError, SettingsError
from ..models.store.cache import ModelCache
from ..storage.atomic import made_parents
from ..storage.names import check_name, check_plain_name, reason


def add_convert_options(verbs: Any) -> None:
    """Add the verb to those of `models`."""
    converting = verbs.add_parser(
        "convert",
        help="make weights and a card from a taming-transformers VQ-GAN checkpoint, or back",
    )
    converting.add_argument(
        "checkpoint",
        type=Path,
        metavar="CKPT|CARD",
        help=".ckpt, .pt or .pth; or a JSON card, which becomes a .ckpt with its yaml",
    )
    converting.add_argument("-o", "--output", type=Path, required=True, metavar="DIR")
    converting.add_argument("--name", default="my-vqgan", help="default: %(default)s")
    converting.add_argument(
        "--force", action="store_true", help="replace a model of that name in DIR"
    )
    converting.add_argument(
        "--yaml",
        type=Path,
        metavar="YAML",
        help="its configuration (default: sizes are read off the tensors)",
    )
    converting.set_defaults(models_run=convert_command)


def convert_command(options: argparse.Namespace, cache: ModelCache) -> None:
    """Convert a checkpoint to a card, whose mappings can be edited; or a card to a checkpoint."""
    from ..models.vqgan.taming import convert_checkpoint
    from ..models.vqgan.taming_export import export_checkpoint
    from ..training.files import check_model_name

    check_plain_name(options.name, "The name of the model", SettingsError)
    folder = check_name(options.output)
    if options.checkpoint.suffix.lower() == ".json":
        checkpoint = folder / f"{options.checkpoint.stem}.ckpt"
        yaml = export_checkpoint(options.checkpoint, checkpoint, options.force)
        sys.stderr.write(f"Checkpoint written: {checkpoint}, its configuration: {yaml}\n")
        return
    try:
        with made_parents(folder / "model"):
            check_model_name(folder, options.name, options.force)
            card = convert_checkpoint(options.checkpoint, folder, options.name, options.yaml)
    except OSError as error:
        raise OutputError(
            f"Cannot write into {folder}: {reason(error)}. Choose another folder."
        ) from error
    sys.stderr.write(f"Card written: {card}; try it with: ct-counterfactual check-model {card}\n")
