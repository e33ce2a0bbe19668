"""The settings' part of the parameter node, made from the table of settings."""

from __future__ import annotations

from typing import Annotated, Any

from slicer.parameterNodeWrapper import Choice, WithinRange

from CTCounterfactualLib.setting_table import SETTINGS

from .parameters import Parameter, parameters_of


def with_settings(node: type) -> type:
    """Add a parameter for each setting to a class; stands below `parameterNodeWrapper`."""
    for parameter in parameters_of(SETTINGS.values()):
        node.__annotations__[parameter.name] = _annotation(parameter)
        setattr(node, parameter.name, parameter.default)
    return node


def _annotation(parameter: Parameter) -> Any:
    if parameter.choices:
        return Annotated[parameter.kind, Choice(parameter.choices)]
    if parameter.range:
        return Annotated[parameter.kind, WithinRange(*parameter.range)]
    return parameter.kind
