"""The card of a user's own model, read strictly.

The README has an example for every way, and `Resources/Templates` has them as files.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from ...errors import ModelError
from ...scans.grid import GridSpec
from ...scans.hounsfield import IntensityWindow
from ...scans.modality import CT, HU, INTENSITIES, PERCENTILE, RAW, USUAL_WINDOWS
from ..autoencoder import FROM_NETWORK, TO_NETWORK, Affine
from ..files.fields import SCALES, Table, affine
from ..vqgan.config import MOST_FACTOR
from .input import InputSpec
from .kind import AUTOENCODER, CLASSIFIER
from .output import CardTarget, OutputSpec
from .source import BUNDLE, EXPORT, ONNX, SourceSpec

# Voxels of a prepared volume: (above, at most); finer ones fill the memory, coarser ones are none.
SPACINGS_MM = (0.05, 100.0)
# Codes of modalities have two letters in DICOM; others are given leave.
LONGEST_MODALITY = 16
_COMMON = ("schema", "kind", "name", "description", "licence", "source")


@dataclass(frozen=True)
class ClassifierCard:
    """What the card of a classifier says."""

    name: str
    description: str
    licence: str
    grid: GridSpec
    input: InputSpec
    source: SourceSpec
    output: OutputSpec
    targets: tuple[CardTarget, ...]


@dataclass(frozen=True)
class AutoencoderCard:
    """What the card of an autoencoder says.

    Parameters
    ----------
    factor : int
        Pixels per latent position along each side.
    channels : int
        Of a slice, as the network wants it: the one channel is repeated, and averaged afterwards.
    encode, decode : str
        Names of the network's methods.
    to_network, from_network : Affine
        0..1 to the network's intensities, and back.
    scale, transpose, modality
        See `SliceAutoencoder`.
    """

    name: str
    description: str
    licence: str
    source: SourceSpec
    factor: int
    channels: int
    encode: str
    decode: str
    to_network: Affine
    from_network: Affine
    scale: float
    transpose: bool
    modality: str = CT


def classifier_card(card: dict[str, Any], path: Path) -> ClassifierCard:
    """Return a classifier's card, checked; raise `ModelError` naming the first thing wrong."""
    where = f"The model card {path}"
    table = Table(card, where, (*_COMMON, "grid", "input", "output", "targets"))
    table.choice("kind", (CLASSIFIER,))
    source = SourceSpec.from_table(card.get("source"), f"{where}, source", path.parent)
    output = OutputSpec.from_table(card.get("output"), f"{where}, output")
    rows = card.get("targets")
    if not isinstance(rows, list) or not rows:
        raise table.refuse("targets", "a list of at least one table with a name")
    targets = tuple(
        output.target(row, number, f"{where}, target {number + 1}")
        for number, row in enumerate(rows)
    )
    names = [target.name.casefold() for target in targets]
    if len(set(names)) < len(names):
        raise ModelError(f"{where} has two targets of the same name; names must differ.")
    return ClassifierCard(
        table.text("name"),
        table.text("description", ""),
        table.text("licence", "not stated"),
        _grid(table.table("grid"), f"{where}, grid"),
        InputSpec.from_table(table.table("input"), f"{where}, input"),
        source,
        output,
        targets,
    )


def autoencoder_card(card: dict[str, Any], path: Path) -> AutoencoderCard:
    """Return an autoencoder's card, checked; raise `ModelError` naming the first thing wrong."""
    where = f"The model card {path}"
    table = Table(card, where, (*_COMMON, *AutoencoderCard.__dataclass_fields__))
    table.choice("kind", (AUTOENCODER,))
    source = SourceSpec.from_table(card.get("source"), f"{where}, source", path.parent)
    if source.type in (EXPORT, ONNX, BUNDLE):
        raise ModelError(
            f"{where}: an autoencoder needs two methods, encode and decode, and a gradient through "
            f"decode, which type {source.type} can't give. Use python, torchscript or monai."
        )
    return AutoencoderCard(
        table.text("name"),
        table.text("description", ""),
        table.text("licence", "not stated"),
        source,
        table.integer("factor", most=MOST_FACTOR),
        table.integer("channels", 1),
        _method(table, "encode"),
        _method(table, "decode"),
        affine(table, "to_network", TO_NETWORK),
        affine(table, "from_network", FROM_NETWORK),
        table.number("scale", 1.0, *SCALES),
        table.flag("transpose", False),
        modality_in(table),
    )


def _method(table: Table, name: str) -> str:
    """Return the name of a method of the network's own: none that every module has, or hides."""
    value = table.text(name, name)
    common = value != "forward" and hasattr(nn.Module, value)
    if not value.isidentifier() or value.startswith("_") or common:
        raise table.refuse(name, "the name of a method that the network itself defines")
    return value


def modality_in(table: Table) -> str:
    """Return what scans a card is for: `CT`, or another modality by its DICOM code."""
    value = table.text("modality", CT).strip().upper()
    if not value.isalnum() or len(value) > LONGEST_MODALITY:
        raise table.refuse("modality", "CT, or another modality by its code, such as MR or PT")
    return value


def _grid(values: dict, where: str) -> GridSpec:
    default = GridSpec()
    table = Table(values, where, GridSpec.__dataclass_fields__)
    modality = modality_in(table)
    default_of = (HU,) if modality == CT else ()  # of another modality it must be said
    intensity = table.choice("intensity", INTENSITIES, *default_of)
    if (intensity == HU) != (modality == CT):
        others = ", ".join(name for name in INTENSITIES if name != HU)
        raise table.refuse(
            "intensity", f"hu for modality CT, and one of {others} for any other (here {modality})"
        )
    crop = table.integers("crop", 2) if "crop" in values else default.crop
    return GridSpec(
        table.numbers("spacing", 3, default.spacing, *SPACINGS_MM),
        _window(table, values, intensity),
        crop,
        table.flag("antialias", default.antialias),
        table.flag("monai_layout", default.monai_layout),
        modality,
        intensity,
    )


def _window(table: Table, values: dict, intensity: str) -> IntensityWindow:
    """Return what becomes 0..1, in HU or as `intensity` has it."""
    default = GridSpec().window
    if intensity == RAW and "window" not in values:
        raise table.refuse("window", "the two ends of what becomes 0..1, in the scan's own unit")
    usual = USUAL_WINDOWS.get(intensity, (default.low_hu, default.high_hu))
    low, high = table.numbers("window", 2, usual)
    unit = {HU: "HU", RAW: "value"}.get(intensity, intensity)
    if low >= high:
        raise table.refuse("window", f"the lower {unit} before the higher")
    if intensity == PERCENTILE and not 0 <= low < high <= 100:
        raise table.refuse("window", "two percentages between 0 and 100")
    return IntensityWindow(low, high)
