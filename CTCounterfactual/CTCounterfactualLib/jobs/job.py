"""The job file: one explanation to run, as JSON, for the command line and Slicer alike.

Schema 1. Paths may be relative to the job file's folder. Only `schema`, `input` and `output` are
needed; a key that isn't listed here is refused.

    schema          1
    input           {"path", "series", "assume_hu", "name", "copy_of"}: a scan to read, or
                    {"generated": {"seed", "effusion_ml"}}: a chest made on the spot
    classifier      name in the catalogue, or path of a card (.json, .toml)
    method          name of the method: latent-shift (the default) or another
    method_options  options of another method that differ from its defaults
    target          name, or null for the classifier's first
    autoencoder     name in the catalogue, or path of a card (.json, .toml)
    settings        settings that differ from the defaults, or all
    region          mask image on the scan's grid, outside which nothing changes; auto: one that the
                    run finds; or null
    region_name     what to call the region; empty: the file's name
    output          the result folder
    force           replace an earlier result there
    scene           write scene.mrb: true, false, or null: if slicer-core is installed
    with_scan       write the scan itself along, as scan.nrrd
    report          write report.html along
    dicom           write the result as DICOM along, into dicom/
    stream          folder that gets each chunk's heatmap as soon as it is found, or null
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from ..checked import check_fields
from ..counterfactual.settings import ExplainSettings
from ..errors import OutputError, SettingsError
from ..methods.registry import LATENT_SHIFT, find_method
from ..models.entry import DEFAULT_AUTOENCODER, DEFAULT_CLASSIFIER
from ..models.files.cards import CARD_SUFFIXES
from ..setting_choices import AUTO_REGION
from ..storage.atomic import write_json
from ..storage.bounded import MOST_SETTINGS_BYTES
from ..storage.names import check_name
from ..storage.objects import read_json, read_object

SCHEMA = 1
# Fields that are paths; the models' are so only where they end as a card does.
_PATHS = ("output", "region", "stream")
_CARDS = ("classifier", "autoencoder")
# Options of methods that are paths.
_FILE_OPTIONS = ("segments",)


@dataclass(frozen=True)
class FileInput:
    """A scan to read: arguments of `read_scan`, and a name that replaces the file's own.

    `copy_of` is a file that says of which scan this is a copy (`copies.write_facts`), or None.
    """

    path: str
    series: str | None = None
    assume_hu: bool = False
    name: str = ""
    copy_of: str | None = None


@dataclass(frozen=True)
class GeneratedInput:
    """A chest CT to generate: seed, and millilitres of pleural fluid."""

    seed: int = 0
    effusion_ml: float = 0.0


@dataclass(frozen=True)
class Job:
    """One explanation to run; see the module's text for the fields. Paths are as given.

    Raises
    ------
    SettingsError
        Naming the key, its value and what is allowed (from `read` and `from_dict`).
    """

    input: FileInput | GeneratedInput
    output: str
    classifier: str = DEFAULT_CLASSIFIER
    target: str | None = None
    autoencoder: str = DEFAULT_AUTOENCODER
    settings: ExplainSettings = field(default_factory=ExplainSettings)
    method: str = LATENT_SHIFT
    method_options: dict[str, Any] = field(default_factory=dict)
    region: str | None = None
    region_name: str = ""
    force: bool = False
    scene: bool | None = None
    with_scan: bool = False
    report: bool = False
    dicom: bool = False
    stream: str | None = None

    @classmethod
    def read(cls, path: str | Path) -> Job:
        """Read a job file; its relative paths become absolute."""
        path = check_name(path, SettingsError).absolute()
        try:
            values = read_json(path, MOST_SETTINGS_BYTES, pipes=True)
        except OSError as error:
            raise SettingsError(f"Cannot read the job file {path}: {error.strerror}.") from error
        except ValueError as error:
            raise SettingsError(f"The job file {path} is no valid JSON: {error}.") from error
        return cls.from_dict(values, f"Job file {path}")._with_paths(
            lambda given: os.path.normpath(path.parent / given)
        )

    def write(self, path: str | Path, overwrite: bool = False) -> Path:
        """Write a job file; paths within its folder become relative, all others absolute.

        Raises
        ------
        OutputError
            If it exists (without `overwrite`, or is no job file) or can't be written.
        """
        path = check_name(path).absolute()
        if overwrite and path.is_file() and not _is_job(path):
            raise OutputError(f"{path} exists and is no job file; choose another name.")

        def shorten(given: str) -> str:
            whole = Path(os.path.abspath(given))
            inside = whole.is_relative_to(path.parent)
            return whole.relative_to(path.parent).as_posix() if inside else str(whole)

        write_json(path, self._with_paths(shorten).to_dict(), overwrite)
        return path

    @classmethod
    def from_dict(cls, values: dict[str, Any], where: str = "Job") -> Job:
        """Build from plain JSON values; `where` begins the messages of errors."""
        values = dict(values) if isinstance(values, dict) else values
        if isinstance(values, dict) and values.pop("schema", None) != SCHEMA:
            raise SettingsError(
                f'{where}: it has no "schema": {SCHEMA}, which this version reads. It may be '
                f"another program's file, or from a newer version."
            )
        values = check_fields(cls, values, where, skip=("input", "settings", "method_options"))
        values["input"] = _read_input(values["input"], f"{where}, input")
        if "settings" in values:
            place = f"{where}, settings"
            settings = check_fields(ExplainSettings, values["settings"], place)
            try:
                values["settings"] = ExplainSettings(**settings)
            except SettingsError as error:
                raise SettingsError(f"{place}: {error.text}") from error
        job = cls(**values)
        find_method(job.method).with_options(job.method_options)
        return job

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON values, every setting among them: `from_dict` gives the job back."""
        values = {"schema": SCHEMA, **_plain(self)}
        made = isinstance(self.input, GeneratedInput)
        values["input"] = {"generated": _plain(self.input)} if made else _plain(self.input)
        values["settings"] = _plain(self.settings)
        return values

    @property
    def region_file(self) -> str | None:
        """The mask's file; None without a region, and for one that the run finds."""
        return None if self.region == AUTO_REGION else self.region

    def _with_paths(self, change) -> Job:
        """Return the job with `change` applied to every path."""
        changed: dict[str, Any] = {
            name: change(getattr(self, name))
            for name in _PATHS
            if getattr(self, name) and not (name == "region" and self.region == AUTO_REGION)
        }
        files = {
            name: change(self.method_options[name])
            for name in _FILE_OPTIONS
            if self.method_options.get(name)
        }
        if files:
            changed["method_options"] = {**self.method_options, **files}
        for name in _CARDS:
            if Path(getattr(self, name)).suffix.lower() in CARD_SUFFIXES:
                changed[name] = change(getattr(self, name))
        if isinstance(self.input, FileInput):
            facts = self.input.copy_of
            changed["input"] = replace(
                self.input, path=change(self.input.path), copy_of=change(facts) if facts else None
            )
        return replace(self, **changed)


def _is_job(path: Path) -> bool:
    """Tell a job file from any other file that may lie there."""
    try:
        values = read_object(path, MOST_SETTINGS_BYTES)
    except (OSError, ValueError):
        return False
    return values.keys() >= {"schema", "input", "output"}


def _read_input(values: Any, where: str) -> FileInput | GeneratedInput:
    if isinstance(values, dict) and "generated" in values:
        if len(values) > 1:
            others = ", ".join(sorted(set(values) - {"generated"}))
            raise SettingsError(f"{where}: beside 'generated' nothing else is allowed: {others}.")
        chest = check_fields(GeneratedInput, values["generated"], f"{where}, generated")
        return GeneratedInput(**chest)
    return FileInput(**check_fields(FileInput, values, where))


def _plain(part: Any) -> dict[str, Any]:
    """Return a dataclass's fields, one level deep, with tuples as lists."""
    values = {item.name: getattr(part, item.name) for item in fields(part)}
    return {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}
