"""What a training of a VQ-GAN is asked to do: a configuration in YAML, options, or both.

A configuration has the options' names; lists and paths in it are of the same kind. `data` and
`training` group them as `VQGANData` and `TrainSettings` do. An option that is given counts more.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..checked import check_fields, check_known
from ..errors import MissingExtraError, SettingsError
from ..storage.bounded import MOST_SETTINGS_BYTES, read_bytes
from ..storage.names import printable, reason
from .settings_file import read_settings

if TYPE_CHECKING:
    from ..training.data_settings import VQGANData
    from ..training.start import Start
    from ..training.train_settings import TrainSettings

DEFAULT_NAME = "my-vqgan"
SUFFIXES = (".yaml", ".yml")
# Of a configuration's `data`, what are paths.
PATHS = ("scans", "folders", "slices")


@dataclass(frozen=True)
class Plan:
    """A training to run.

    Parameters
    ----------
    output, name, start_from, device, licence : str
        As the options say; `start_from` is a card, or empty.
    data : VQGANData
        What it is trained on.
    training : dict
        `TrainSettings` as values, without what the weights to start from say.
    """

    output: str
    data: VQGANData
    training: dict[str, Any]
    name: str = DEFAULT_NAME
    start_from: str = ""
    device: str = "auto"
    licence: str = ""

    def settings(self, start: Start | None) -> TrainSettings:
        """Return the settings; the network's sizes are those of the start, if none are given."""
        from ..training.train_settings import TrainSettings

        values = dict(self.training)
        if start is not None:
            values.setdefault("config", start.network.config.to_dict())
        return TrainSettings.from_dict(values)


def plan_from(options: argparse.Namespace) -> Plan:
    """Return what is to be run, of a configuration (if one is given) and options.

    Raises
    ------
    SettingsError
        If something is unknown, of another kind, or can't go together.
    """
    from ..training.data_settings import VQGANData

    given = list(options.scans)
    config: dict[str, Any] = {}
    if given and Path(given[0]).suffix.lower() in SUFFIXES:
        config = read_config(given.pop(0), options.data)
    elif options.data:
        raise SettingsError("--data is what paths in a configuration are relative to; give one.")
    data = dict(config.get("data") or {})
    if given:
        data["scans"] = given
    for field in fields(VQGANData):
        value = getattr(options, field.name, None)
        if field.name != "scans" and value is not None:
            data[field.name] = value
    training = dict(config.get("training") or {})
    if options.settings:
        training = read_settings(options.settings)
    if options.steps is not None:
        training["steps"] = options.steps
    own = {
        name: getattr(options, name) if getattr(options, name) is not None else config.get(name)
        for name in ("output", "name", "start_from", "device", "licence")
    }
    told = {name: value for name, value in own.items() if value is not None}
    if "output" not in told:
        raise SettingsError("Where to? Give -o DIR, or output in the configuration.")
    plan = Plan(data=VQGANData.from_dict(data), training=training, **told)
    if not plan.start_from:
        plan.settings(None)  # what is wrong is told before anything is made
    return plan


def read_config(path: str, root: str | None) -> dict[str, Any]:
    """Return a configuration's values, its paths made whole.

    Parameters
    ----------
    root : str or None
        What its paths of data are relative to; None: its own folder. The card to start from is
        relative to that in any case; where it writes, to the working folder.

    Raises
    ------
    SettingsError
        If it can't be read, is no YAML, or has fields that aren't known.
    """
    try:
        import yaml
    except ImportError as error:
        raise MissingExtraError("yaml", "training", "read a configuration") from error
    file = Path(path)
    try:
        text = read_bytes(file, MOST_SETTINGS_BYTES).decode("utf-8")
        if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text)):
            raise ValueError("it repeats parts by * aliases, which can fill the memory")
        values = yaml.safe_load(text)
    except OSError as error:
        raise SettingsError(f"Cannot read {path}: {reason(error)}.") from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        words = printable(" ".join(str(error).split()))
        raise SettingsError(f"Cannot read {path} as YAML: {words}.") from error
    where = f"The configuration {path}"
    skip = ("data", "training")
    check_known(values, [field.name for field in fields(Plan)], where)
    check_fields(Plan, {"output": "", "data": None, "training": None, **values}, where, skip)
    for name in skip:
        if values.get(name) is not None and not isinstance(values[name], dict):
            raise SettingsError(f"{where}: {name} must be a group of fields.")
    base = Path(root) if root else file.parent
    data = dict(values.get("data") or {})
    for name in PATHS:
        if isinstance(data.get(name), list):
            data[name] = [str(base / str(part)) for part in data[name]]
    start = values.get("start_from")
    whole = {"start_from": str(file.parent / start)} if start else {}
    return {**values, "data": data, **whole}
