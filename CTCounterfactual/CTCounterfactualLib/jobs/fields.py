"""Checked reading of JSON objects into dataclasses: what is unknown or of another kind is said."""

from __future__ import annotations

from dataclasses import MISSING, fields
from typing import Any

from ..checked import NotOfKind, as_declared
from ..errors import SettingsError
from ..suggest import suggest


def read_fields(kind: type, values: Any, where: str, skip: tuple[str, ...] = ()) -> dict[str, Any]:
    """Check a JSON object against the fields of a dataclass, and return it.

    Parameters
    ----------
    kind : type
        A dataclass; the annotations of its fields say what is allowed.
    values : object
        What was read.
    where : str
        Where it stands, to begin messages with: "Job file a.json, settings".
    skip : tuple of str
        Known keys whose values the caller checks.

    Raises
    ------
    SettingsError
        Naming place, key, value and what is allowed.
    """
    if not isinstance(values, dict):
        raise SettingsError(f"{where} is {values!r}; an object in braces is expected.")
    known = {field.name: field for field in fields(kind)}
    for key, value in values.items():
        if key not in known:
            raise SettingsError(f"{where}: there is no key {key!r}. {suggest(key, sorted(known))}")
        if key not in skip:
            _check(value, known[key].type, f"{where}: {key}")
    for name, field in known.items():
        if field.default is MISSING and field.default_factory is MISSING and name not in values:
            raise SettingsError(f"{where}: the key {name!r} is missing.")
    return dict(values)


def _check(value: Any, annotation: str, what: str) -> None:
    try:
        as_declared(value, annotation)
    except NotOfKind as kind:
        raise SettingsError(f"{what} is {value!r}; it must be {kind}.") from None
