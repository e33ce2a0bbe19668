"""Values read from JSON and TOML, strictly: up to a bound, no field twice, no NaN."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from ..errors import MissingExtraError
from .bounded import read_text


def read_json(path: Path, most: int, pipes: bool = False) -> Any:
    """Return what a JSON file holds; `most` and `pipes` as `bounded.read_bytes` takes them.

    Raises
    ------
    OSError
        If it can't be read, is longer, or is no file.
    ValueError
        If it is no UTF-8 or no strict JSON (see `parse_json`).
    """
    return parse_json(read_text(path, most, pipes))


def read_object(path: Path, most: int, pipes: bool = False) -> dict[str, Any]:
    """Return the object that a JSON file holds; also anything else is a `ValueError`."""
    values = read_json(path, most, pipes)
    if not isinstance(values, dict):
        raise ValueError(f"an object in braces is expected, not a {type(values).__name__}")
    return values


def parse_json(text: str) -> Any:
    """Return the values of a JSON text.

    Raises
    ------
    ValueError
        If it isn't JSON, is nested too deep, has a field twice, which would say two things, or NaN
        or infinity, which JSON doesn't know.
    """
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def parse_toml(text: str) -> dict[str, Any]:
    """Return the values of a TOML text.

    Raises
    ------
    ValueError
        If it isn't TOML, or is nested too deep.
    MissingExtraError
        On Python 3.10 without tomli.
    """
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        try:
            import tomli as tomllib
        except ImportError as error:
            raise MissingExtraError("tomli", "models", "read a TOML card") from error
    try:
        return tomllib.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deep") from error


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} is there twice")
    return fields


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is no number")
