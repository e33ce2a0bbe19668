"""The settings' part of the parameter node, made from the table of settings."""

from __future__ import annotations

from typing import Annotated, Any

from slicer.parameterNodeWrapper import Choice, WithinRange

from CTCounterfactualLib.methods.choices import option_settings
from CTCounterfactualLib.setting import Setting
from CTCounterfactualLib.setting_table import SETTINGS

from .parameters import Parameter, parameters_of


def all_settings() -> list[Setting]:
    """Return the settings of the search, then the options of all methods."""
    options = [one for settings in option_settings().values() for one in settings.values()]
    return [*SETTINGS.values(), *options]


def with_settings(node: type) -> type:
    """Add a parameter for each setting to a class; stands below `parameterNodeWrapper`."""
    for parameter in parameters_of(all_settings()):
        node.__annotations__[parameter.name] = _annotation(parameter)
        setattr(node, parameter.name, parameter.default)
    return node


def _annotation(parameter: Parameter) -> Any:
    if parameter.choices:
        return Annotated[parameter.kind, Choice(parameter.choices)]
    if parameter.range:
        return Annotated[parameter.kind, WithinRange(*parameter.range)]
    return parameter.kind
