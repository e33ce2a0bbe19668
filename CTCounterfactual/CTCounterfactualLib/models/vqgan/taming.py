"""Published taming-transformers VQ-GANs: from a checkpoint, with or without its yaml, to a card.

A checkpoint is read once (`convert_checkpoint`), by the restricted reader of `checkpoints`; from
then on the safetensors file and the JSON card beside it are all that is needed.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import torch

from ...errors import MissingExtraError, ModelError
from ...storage.atomic import whole_file, write_json
from ...storage.hashing import file_sha256
from ..building import building_for
from ..files.cards import CARD_SCHEMA
from ..files.checkpoints import read_state_dict
from ..files.loading import load_strict
from ..files.read_once import read_text
from .config import VQGANConfig
from .network import VQGAN

# Tensors of the training loss (discriminator, perceptual network) that a checkpoint also holds.
LOSS_PREFIX = "loss."
# Published configurations have 2 kB.
MOST_YAML_BYTES = 1 << 17
MESSAGE_LENGTH = 200
# With attention, a level's height at `resolution` names it; without a yaml any resolution that the
# levels divide will do, as nothing else depends on it.
ASSUMED_RESOLUTION = 256
# What the published layout leaves no choice about.
PUBLISHED_LAYOUT: dict[str, Any] = {
    "patch": 1,
    "mid_attention": True,
    "cosine_codebook": False,
    "code_groups": 1,
}


def convert_checkpoint(
    checkpoint: str | Path,
    folder: str | Path,
    name: str,
    yaml: str | Path | None = None,
    sha256: str = "",
    **card: Any,
) -> Path:
    """Write `<name>.safetensors` and `<name>.json` from a taming-transformers checkpoint.

    Parameters
    ----------
    checkpoint : str or Path
        A Lightning `.ckpt` or a plain state dict.
    folder : str or Path
        Existing folder for the two files; files of that name are replaced.
    name : str
        Of the model.
    yaml : str or Path, optional
        Its training configuration (`model.params`). None infers the sizes from the tensors.
    sha256 : str
        What the checkpoint's digest must be; empty for anything.
    **card
        Further fields of the card (`to_network`, `from_network`, `resize`, `transpose`,
        `description`, `licence`).

    Returns
    -------
    Path
        The card, for `load_autoencoder`.

    Raises
    ------
    ModelError
        If the checkpoint is unsafe, damaged or no VQ-GAN, or doesn't fit its yaml.
    """
    from safetensors.torch import save_file

    read, digest = read_state_dict(Path(checkpoint), sha256, "the record of its first use")
    tensors = {
        key: tensor.detach().contiguous().clone()  # tensors may share storage; files may not
        for key, tensor in read.items()
        if not key.startswith(LOSS_PREFIX)
    }
    del read
    config = infer_config(tensors, str(checkpoint)) if yaml is None else config_from_yaml(yaml)
    try:
        with building_for(tensors, str(checkpoint)):
            network = VQGAN(config)
    except (TypeError, ValueError, RuntimeError) as error:
        raise ModelError(
            f"The sizes stated in {yaml or checkpoint} make no VQ-GAN: {error}."
        ) from error
    load_strict(network, tensors, str(checkpoint))
    folder = Path(folder)
    weights = folder / f"{name}.safetensors"
    with whole_file(weights) as partial:
        save_file(tensors, partial)
        weights_sha256 = file_sha256(partial)
    content = {
        "schema": CARD_SCHEMA,
        "name": name,
        "kind": "autoencoder",
        "weights": weights.name,
        "sha256": weights_sha256,
        "converted_from": digest,
        "config": config.to_dict(),
        **card,
    }
    path = folder / f"{name}.json"
    write_json(path, content)
    return path


def config_from_yaml(path: str | Path) -> VQGANConfig:
    """Return the sizes that a taming-transformers yaml states under `model.params`.

    Raises
    ------
    ModelError
        If it can't be read or lacks them.
    """
    try:
        import yaml
    except ImportError as error:
        raise MissingExtraError("yaml", "models", "read a checkpoint's yaml") from error
    if not Path(path).is_file():
        raise ModelError(f"Cannot read {path}: there is no such file.")
    try:
        text = read_text(Path(path), MOST_YAML_BYTES)
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise ValueError("it repeats parts by * aliases, which can fill the memory")
        params = yaml.safe_load(text)["model"]["params"]
        values = {
            **params["ddconfig"],
            "embed_dim": params["embed_dim"],
            "n_embed": params["n_embed"],
        }
    except (yaml.YAMLError, ValueError, KeyError, TypeError, RecursionError) as error:
        words = " ".join(str(error).split())[:MESSAGE_LENGTH]
        raise ModelError(
            f"{path} is no VQ-GAN configuration ({words}); expected model.params with ddconfig, "
            f"embed_dim and n_embed, as taming-transformers writes it."
        ) from error
    return VQGANConfig.from_dict({**PUBLISHED_LAYOUT, **values})


def infer_config(tensors: dict[str, torch.Tensor], source: str) -> VQGANConfig:
    """Return the sizes that the names and shapes of a VQ-GAN's tensors imply.

    `resolution` and `dropout` leave no trace in them; neither changes what the network computes,
    as long as the levels with attention are right.

    Raises
    ------
    ModelError
        If names that every such VQ-GAN has are missing.
    """
    try:
        ch, in_channels = tensors["encoder.conv_in.weight"].shape[:2]
        levels = _count(tensors, "encoder.down.")
        widths = [
            tensors[f"encoder.down.{level}.block.0.conv1.weight"].shape[0]
            for level in range(levels)
        ]
        n_embed, embed_dim = tensors["quantize.embedding.weight"].shape
        z_channels = tensors["decoder.conv_in.weight"].shape[1]
        encoded = tensors["encoder.conv_out.weight"].shape[0]
        out_ch = tensors["decoder.conv_out.weight"].shape[0]
        blocks = _count(tensors, "encoder.down.0.block.")
    except (KeyError, ValueError, IndexError) as error:
        raise ModelError(
            f"{source} is no taming-transformers VQ-GAN: its tensors lack {error}; expected "
            f"encoder.*, decoder.*, quantize.embedding.weight, quant_conv.* and post_quant_conv.*."
        ) from error
    resolution = max(ASSUMED_RESOLUTION, 2 ** (levels - 1))
    attention = sorted(
        {resolution // 2**level for level in _numbers(tensors, r"encoder\.down\.(\d+)\.attn\.")}
    )
    return VQGANConfig(
        ch=ch,
        ch_mult=tuple(width // ch for width in widths),
        num_res_blocks=blocks,
        attn_resolutions=tuple(attention),
        resolution=resolution,
        in_channels=in_channels,
        out_ch=out_ch,
        z_channels=z_channels,
        embed_dim=embed_dim,
        n_embed=n_embed,
        double_z=encoded == 2 * z_channels,
        **PUBLISHED_LAYOUT,
    )


def _count(tensors: dict[str, torch.Tensor], prefix: str) -> int:
    """Return how many parts a module list has; raise `KeyError` naming it if it has none."""
    numbers = _numbers(tensors, re.escape(prefix) + r"(\d+)\.")
    if not numbers:
        raise KeyError(f"{prefix}*")
    return 1 + max(numbers)


def _numbers(tensors: dict[str, torch.Tensor], pattern: str) -> set[int]:
    """Return all numbers that a pattern's group matches at the beginning of tensor names."""
    return {int(match[1]) for name in tensors if (match := re.match(pattern, name))}
