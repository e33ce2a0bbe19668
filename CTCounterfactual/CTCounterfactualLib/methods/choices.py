"""All methods to choose from: their options as settings, and what is lacking to run one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from typing import Any

from ..checked import names_of
from ..setting import Setting, settings_of
from .method import Method
from .needs import CAPTUM
from .registry import LATENT_SHIFT, NAMES, all_methods, find_method

# The option that takes a label map of structures.
SEGMENTS = "segments"


@cache
def option_settings() -> Mapping[str, Mapping[str, Setting]]:
    """Return each method's options as settings, by method and option.

    The settings are named for both, `responsibility_depth`: all can stand side by side.
    """
    return {
        method.name: {
            name: replace(one, name=f"{method.name.replace('-', '_')}_{name}", keyword="")
            for name, one in settings_of(method.options).items()
        }
        for method in all_methods()
    }


def chosen_options(method: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of a method that differ from its defaults.

    Parameters
    ----------
    values : mapping
        Of settings of `option_settings`, by their names there.
    """
    return {
        name: values[one.name]
        for name, one in option_settings()[method].items()
        if values[one.name] != one.default
    }


def grouped() -> list[Method]:
    """Return all methods, group by group, each in the registry's order."""
    groups = list(dict.fromkeys(find_method(name).group for name in NAMES))
    return sorted(all_methods(), key=lambda method: groups.index(method.group))


def lacking(method: Method, black_box: bool = False) -> str:
    """Return in a sentence what a method needs and isn't there; empty if nothing lacks.

    What only the loaded classifier can tell (its layers) is looked at when the run begins.
    """
    if method.needs.gradient and black_box:
        return "This classifier gives scores only, no gradient: choose another method."
    if method.needs.captum and find_spec(CAPTUM) is None:
        return "The package captum isn't installed."
    return ""


def takes_segments(method: Method) -> bool:
    """Tell whether a method compares the segments of a segmentation."""
    return SEGMENTS in names_of(method.options)


def takes_region(method: Method) -> bool:
    """Tell whether a region outside which nothing changes means anything to a method."""
    return method.name == LATENT_SHIFT
