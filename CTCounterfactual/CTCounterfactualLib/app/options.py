"""Options that the verbs share; those of settings come from the table of settings."""

from __future__ import annotations

import argparse
from typing import Any

from ..counterfactual.settings import ExplainSettings
from ..models.entry import DEFAULT_AUTOENCODER, DEFAULT_CLASSIFIER
from ..setting import Setting
from ..setting_table import SETTINGS
from .progress import STYLES

# What reads the text of an option, by the setting's annotation.
TYPES = {"int": int, "float": float, "str": str, "str | float": str}


def add_input_options(parser: argparse.ArgumentParser) -> None:
    """Add how to read the scan."""
    group = parser.add_argument_group("input")
    group.add_argument("--series", metavar="N|UID", help="which DICOM series of the folder")
    group.add_argument(
        "--assume-hu", action="store_true", help="go on although the values don't look like HU"
    )


def add_output_options(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """Add where the result goes and how progress is shown."""
    group = parser.add_argument_group("output")
    group.add_argument("-o", "--output", required=required, metavar="OUT", help="result folder")
    group.add_argument(
        "--force",
        action="store_true",
        help="replace an earlier result in OUT (nothing else), or the file JOB.json",
    )
    group.add_argument(
        "--no-scene", action="store_true", help="leave out scene.mrb (saves time and space)"
    )
    group.add_argument("--report", action="store_true", help="write report.html along")
    group.add_argument(
        "--dicom", action="store_true", help="write the result as DICOM along, into OUT/dicom"
    )
    group.add_argument(
        "--save-job",
        metavar="JOB.json",
        help="write all of this as a job file for `run` (or Slicer), and don't run it",
    )
    add_on_option(group)
    add_progress_option(group)


def add_on_option(parser) -> None:
    """Add where to run, to a parser or a group of one."""
    parser.add_argument(
        "--on",
        metavar="HOST",
        help="run on another computer, a host of `hosts` or of your ssh (default: this computer)",
    )


def add_progress_option(parser) -> None:
    """Add how progress is shown, to a parser or a group of one."""
    parser.add_argument(
        "--progress",
        choices=STYLES,
        default="text",
        help="text: lines on stderr; json: one event a line on stdout (default: %(default)s)",
    )


def add_parent_option(parser) -> None:
    """Add that the verb ends with the program that started it."""
    parser.add_argument(
        "--parent-stdin",
        action="store_true",
        help="cancel as soon as standard input ends: the program that holds it has gone",
    )


def add_explain_options(
    parser: argparse.ArgumentParser,
    classifier: str | None = DEFAULT_CLASSIFIER,
    classifier_help: str = "default: %(default)s",
    first_target: str = "the classifier's first",
) -> None:
    """Add what to explain and how to search; what is taken by default may be another verb's own."""
    group = parser.add_argument_group("models")
    group.add_argument("--classifier", default=classifier, help=classifier_help)
    group.add_argument("--target", metavar="NAME", help=f"default: {first_target}")
    group.add_argument(
        "--autoencoder",
        default=DEFAULT_AUTOENCODER,
        help="catalogue name or path of a JSON card (default: %(default)s)",
    )
    group = parser.add_argument_group("search")
    group.add_argument(
        "--region",
        metavar="MASK|auto",
        help="change nothing outside this mask: an image on the scan's grid, not 0 inside; auto: "
        "where it changes most without one",
    )
    for one in SETTINGS.values():
        _add(group, one)


def settings_from(options: argparse.Namespace) -> ExplainSettings:
    """Return the settings of parsed options; raise `SettingsError` for values out of range."""
    return ExplainSettings(**{name: getattr(options, name) for name in ExplainSettings.names()})


def _add(group, one: Setting) -> None:
    """Add the option of a setting, all of it from the table."""
    details: dict[str, Any] = {}
    item = one.plain_kind.removeprefix("tuple[").partition(",")[0]
    if item == "bool":
        details["action"] = argparse.BooleanOptionalAction
    else:
        details["type"] = TYPES[item]
    if item != one.plain_kind:
        details["nargs"] = "+"
    if one.closed and item == "str":
        details["choices"] = tuple(one.choices)
    if one.metavar:
        details["metavar"] = one.metavar
    shown = "none" if one.default is None else "%(default)s"
    if isinstance(one.default, tuple):
        shown = " ".join(f"{value:g}" for value in one.default)
    help = f"{one.help.replace('%', '%%')} (default: {shown})"
    group.add_argument(one.option, default=one.default, help=help, **details)
