"""From what the panel shows (the parameter node) to the keywords of the console.

Each setting of the table has its parameter: its name in camel case, its value in the panel's unit.
An optional number has a second one, a switch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.methods.choices import (
    chosen_options,
    option_settings,
    takes_region,
    takes_segments,
)
from CTCounterfactualLib.methods.registry import find_method
from CTCounterfactualLib.setting import Setting, camel_case
from CTCounterfactualLib.setting_choices import AUTO_REGION, MAX_SCORE, MAX_SPIN
from CTCounterfactualLib.setting_table import SETTINGS
from CTCounterfactualLib.wording import say

# A choice of None, as a parameter holds it.
AUTOMATIC = "automatic"
PERCENT = 100.0
# Digits that a share of the image is rounded to: 0.1 % / 100 is not 0.001 in binary.
SHARE_DIGITS = 6
# What controls of numbers without limits go to.
MOST = {int: MAX_SPIN, float: MAX_SCORE}
KINDS = {"int": int, "float": float, "bool": bool, "str": str}


@dataclass(frozen=True)
class Parameter:
    """One value of the parameter node.

    Parameters
    ----------
    name : str
        Of the node's attribute, by which scenes keep it.
    kind : type
        int, float, bool or str.
    default : object
        What a new scene has.
    choices : tuple of str
        All that it may be; empty: anything.
    range : (float, float) or None
        Of a number: from, to.
    """

    name: str
    kind: type
    default: Any
    choices: tuple[str, ...] = ()
    range: tuple[float, float] | None = None


def is_switched(setting: Setting) -> bool:
    """Tell whether a setting is a number with a switch of its own: off means None."""
    return setting.optional and not setting.choices


def switch_of(setting: Setting) -> Parameter:
    """Return the switch of an optional number."""
    return Parameter(camel_case(f"use_{setting.name}"), bool, setting.default is not None)


def parameter_of(setting: Setting) -> Parameter:
    """Return the parameter that holds a setting's value."""
    name, default = camel_case(setting.name), setting.default
    if setting.plain_kind.startswith("tuple["):
        return Parameter(name, str, numbers_text(default))
    if setting.closed:
        chosen = AUTOMATIC if default is None else default
        return Parameter(name, str, chosen, tuple(choices_of(setting)))
    kind = KINDS[setting.plain_kind]
    bounds = _range(setting, kind)
    if default is None:
        default = kind() if bounds is None else kind(max(kind(), bounds[0]))
    if setting.percent:
        name, default = f"{name}Percent", PERCENT * default
    return Parameter(name, kind, default, range=bounds)


def choices_of(setting: Setting) -> dict[str, str]:
    """Return what may be chosen of a setting, None among it, and what the panel calls it."""
    return {**({AUTOMATIC: setting.none_label} if setting.optional else {}), **setting.choices}


def parameters_of(settings: Iterable[Setting]) -> list[Parameter]:
    """Return the parameters of settings, with the switches."""
    found = []
    for setting in settings:
        found += [switch_of(setting)] if is_switched(setting) else []
        found.append(parameter_of(setting))
    return found


def value_of(setting: Setting, parameters) -> Any:
    """Return a setting as the engine takes it, from a parameter node.

    Raises
    ------
    SettingsError
        If a text isn't what it should be.
    """
    if is_switched(setting) and not getattr(parameters, switch_of(setting).name):
        return None
    value = getattr(parameters, parameter_of(setting).name)
    if setting.optional and value == AUTOMATIC:
        return None
    if setting.percent:
        return round(value / PERCENT, SHARE_DIGITS)
    return numbers_from(value, setting) if setting.plain_kind.startswith("tuple[") else value


def numbers_text(numbers: Iterable[float]) -> str:
    """Return numbers as they stand in a line edit: "10, 25, 50"."""
    return ", ".join(f"{number:g}" for number in numbers)


def numbers_from(text: str, setting: Setting) -> tuple[float, ...]:
    """Return the numbers of a text, separated by commas, semicolons or blanks.

    Raises
    ------
    SettingsError
        If a part is no number; whether they are allowed is for the engine to say.
    """
    parts = text.replace(",", " ").replace(";", " ").split()
    try:
        return tuple(float(part) for part in parts)
    except ValueError:
        wanted = f"give numbers, separated by commas, such as {numbers_text(setting.default)}."
        raise SettingsError(
            f"Setting {say(setting.name)} is {text!r}; {setting.allowed or wanted}"
        ) from None


def keywords_of(parameters) -> dict[str, Any]:
    """Return the console's keywords for a parameter node: `logic.start(volume, **keywords)`.

    Raises
    ------
    SettingsError
        If a text isn't what it should be, or a region is chosen that holds nothing.
    """
    values = {one.console_keyword: value_of(one, parameters) for one in SETTINGS.values()}
    if values["targetScore"] is not None:
        values["goal"] = None  # a score that is switched on takes the decision's place
    method = find_method(parameters.method)
    return {
        "method": method.name,
        "methodOptions": _options_of(method.name, parameters),
        "classifier": parameters.classifier,
        "target": parameters.target or None,
        "autoencoder": parameters.autoencoder,
        "region": _region_of(parameters) if takes_region(method) else None,
        "segments": parameters.regionSegmentation if takes_segments(method) else None,
        "assumeHu": parameters.assumeHu,
        "outputs": parameters.outputs,
        **values,
    }


def _options_of(method: str, parameters) -> dict[str, Any]:
    """Return the options of a method that differ from its defaults."""
    settings = option_settings()[method].values()
    return chosen_options(method, {one.name: value_of(one, parameters) for one in settings})


def _range(setting: Setting, kind: type) -> tuple[float, float] | None:
    """Return from where to where a control goes, in the panel's unit; None for texts."""
    if kind not in MOST or setting.panel_range is not None:
        return setting.panel_range
    scale = PERCENT if setting.percent else 1
    bounds = (setting.limit.least, -MOST[kind]), (setting.limit.most, MOST[kind])
    least, most = (kind(scale * own) if math.isfinite(own) else other for own, other in bounds)
    return least, most


def _region_of(parameters) -> tuple | str | None:
    if parameters.regionAuto:
        return AUTO_REGION
    node, segment = parameters.regionSegmentation, parameters.regionSegment
    if node is None:
        return None
    if not segment:  # else the whole scan would be explained, and nobody would notice
        raise SettingsError(
            f"The segmentation {node.GetName()!r} has no segment to take as the region. Draw one "
            f"in the Segment Editor, or select no region."
        )
    return node, segment
