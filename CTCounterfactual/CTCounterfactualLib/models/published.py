"""Published models from their fetched files: the right network for each, strictly filled."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import torch

from ..errors import ModelError
from ..scans.hounsfield import IntensityWindow
from .autoencoder import SliceAutoencoder
from .backbones.inflated import InflatedBackbone
from .backbones.parts import joined
from .classifier import Classifier
from .classifiers.inflated_resnet import InflatedResNet, InflatedTrunk
from .classifiers.lung_size import LungSize
from .classifiers.phecodes import Phecodes, read_targets
from .classifiers.resunet import ResUNet
from .files.cards import CARD_SCHEMA
from .files.checkpoints import read_tensors, tensors_of
from .files.loading import load_strict
from .store.cache import ModelCache
from .store.conversions import conversion_name, converted
from .vqgan.card import autoencoder_from_card
from .vqgan.taming import convert_checkpoint

if TYPE_CHECKING:
    from .entry import CatalogueEntry


def published_classifier(entry: CatalogueEntry, cache: ModelCache, resources: Path) -> Classifier:
    """Load a published classifier from the cache.

    Raises
    ------
    ModelError
        If its file isn't there, isn't the one expected, or doesn't fit the network.
    """
    (file,) = entry.files
    path, digest = cache.checked(file)
    if entry.architecture == "lungmask-r231":
        unet = ResUNet()
        load_strict(unet, _tensors(path, digest), str(path))
        return LungSize(unet, digest)
    if entry.architecture == "merlin-phecodes":
        resnet = InflatedResNet()
        load_strict(resnet, _tensors(path, digest), str(path))
        return Phecodes(resnet, read_targets(resources), digest)
    raise ModelError(f"The catalogue names an unknown architecture {entry.architecture!r}.")


def published_backbone(entry: CatalogueEntry, cache: ModelCache) -> InflatedBackbone:
    """Load a published backbone, whose file comes in parts, from the cache.

    The entry's `options` say the parts' `member` of each package, the `sha256` of the whole, and
    the `window` in HU that the network saw as 0..1.

    Raises
    ------
    ModelError
        If a part isn't there, isn't the one expected, or the whole doesn't fit the network.
    """
    packages = [cache.path(file) for file in entry.files]
    digest = entry.options["sha256"]
    trunk = InflatedTrunk()
    data = joined(packages, entry.options["member"], digest)
    load_strict(trunk, tensors_of(data, entry.name, may_repeat=True), entry.name)
    window = IntensityWindow(*entry.options["window"])
    return InflatedBackbone(trunk, window, entry.name, entry.description, digest)


def _tensors(path: Path, digest: str) -> dict[str, torch.Tensor]:
    """Return a file's tensors if its bytes are still those that the cache checked."""
    return read_tensors(path, sha256=digest, whose="the record of its first use", may_repeat=True)


def published_autoencoder(entry: CatalogueEntry, cache: ModelCache) -> SliceAutoencoder:
    """Load a published slice VQ-GAN; its checkpoint is converted to safetensors at the first use.

    Raises
    ------
    ModelError
        If a file isn't there, isn't the one expected, or doesn't fit.
    """
    checked = {Path(file.name).suffix: cache.checked(file) for file in entry.files}
    checkpoint, sha256 = checked[".ckpt"]
    yaml, yaml_sha256 = checked.get(".yaml", (None, ""))
    about = {"description": entry.description, "licence": entry.licence, **entry.options}

    def convert(folder: Path, name: str) -> Path:
        return convert_checkpoint(checkpoint, folder, name, yaml, sha256, **about)

    name = conversion_name(entry.name, sha256, yaml=yaml_sha256, schema=CARD_SCHEMA, **about)
    with converted(cache.folder, name, convert) as card:
        return autoencoder_from_card(card)
