"""Options that the verbs share; every default is that of `ExplainSettings`."""

from __future__ import annotations

import argparse

from ..counterfactual import settings as choices
from ..counterfactual.settings import ExplainSettings
from ..models.entry import DEFAULT_AUTOENCODER, DEFAULT_CLASSIFIER
from .progress import STYLES

DEFAULTS = ExplainSettings()


def add_input_options(parser: argparse.ArgumentParser) -> None:
    """Add how to read the scan."""
    group = parser.add_argument_group("input")
    group.add_argument("--series", metavar="N|UID", help="which DICOM series of the folder")
    group.add_argument(
        "--assume-hu", action="store_true", help="go on although the values don't look like HU"
    )


def add_output_options(parser: argparse.ArgumentParser) -> None:
    """Add where the result goes and how progress is shown."""
    group = parser.add_argument_group("output")
    group.add_argument("-o", "--output", required=True, metavar="OUT", help="result folder")
    group.add_argument(
        "--force", action="store_true",
        help="replace an earlier result in OUT (nothing else), or the file JOB.json",
    )
    group.add_argument(
        "--no-scene", action="store_true", help="leave out scene.mrb (saves time and space)"
    )
    group.add_argument("--report", action="store_true", help="write report.html along")
    group.add_argument(
        "--save-job", metavar="JOB.json",
        help="write all of this as a job file for `run` (or Slicer), and don't run it",
    )
    add_progress_option(group)


def add_progress_option(parser) -> None:
    """Add how progress is shown, to a parser or a group of one."""
    parser.add_argument(
        "--progress", choices=STYLES, default="text",
        help="text: lines on stderr; json: one event a line on stdout (default: %(default)s)",
    )


def add_parent_option(parser) -> None:
    """Add that the verb ends with the program that started it."""
    parser.add_argument(
        "--parent-stdin", action="store_true",
        help="cancel as soon as standard input ends: the program that holds it has gone",
    )


def add_explain_options(parser: argparse.ArgumentParser) -> None:
    """Add what to explain and how to search."""
    group = parser.add_argument_group("models")
    group.add_argument("--classifier", default=DEFAULT_CLASSIFIER, help="default: %(default)s")
    group.add_argument("--target", metavar="NAME", help="default: the classifier's first")
    group.add_argument(
        "--autoencoder", default=DEFAULT_AUTOENCODER,
        help="catalogue name or path of a JSON card (default: %(default)s)",
    )
    group = parser.add_argument_group("search")
    group.add_argument(
        "--region", metavar="MASK",
        help="change nothing outside this mask: an image on the scan's grid, not 0 inside",
    )
    _add(group, "mode", choices=choices.MODES, help="all slices together, chunk by chunk, or both")
    _add(group, "chunk", type=int, metavar="SLICES", help="prepared slices (3 mm) in a chunk")
    _add(group, "direction", choices=choices.DIRECTIONS, help="which way the score shall go")
    _add(group, "search", choices=choices.SEARCHES,
         help="adaptive: keep the best within the limit; reference: the paper's ladder")
    _add(group, "baseline", choices=choices.BASELINES,
         help="add the change to the scan, or show the paper's decoded slices")
    _add(group, "composite", choices=choices.COMPOSITES, help="how the change joins the scan")
    _add(group, "slice_smoothing", type=float, metavar="SLICES",
         help="smooth the change from slice to slice by this standard deviation")
    _add(group, "max_change", type=float, metavar="FRACTION", help="greatest change of the image")
    _add(group, "change_scope", choices=choices.CHANGE_SCOPES,
         help="what the limit is relative to (adaptive: region; reference: volume, as the paper)")
    _add(group, "target_score", type=float, metavar="SCORE", help="stop as soon as this is reached")
    _add(group, "max_evaluations", type=int, metavar="N", help="most evaluations of one search")
    _add(group, "level_edges", type=float, nargs="+", metavar="HU", help="heatmap levels")
    _add(group, "frames", type=int, metavar="N",
         help="volumes of the lambda animation between scan and counterfactual")
    _add(group, "device", metavar="auto|cpu|cuda", help="where to compute")
    _add(group, "seed", type=int, help="seed of everything random")


def settings_from(options: argparse.Namespace) -> ExplainSettings:
    """Return the settings of parsed options; raise `SettingsError` for values out of range."""
    return ExplainSettings(**{name: getattr(options, name) for name in ExplainSettings.names()})


def _add(group, name: str, help: str, **details) -> None:
    default = getattr(DEFAULTS, name)
    if isinstance(default, tuple):
        shown = " ".join(f"{value:g}" for value in default)
    else:
        shown = "none" if default is None else default
    group.add_argument(
        "--" + name.replace("_", "-"), default=default, help=f"{help} (default: {shown})", **details
    )
