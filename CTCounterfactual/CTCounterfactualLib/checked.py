"""Settings checked by what their fields declare: one rule for all dataclasses of settings.

A setting may come from Python, NumPy, JSON or a command line. Whatever is exactly of the declared
kind is taken, as a plain Python value, so that it can be written as JSON again; the rest is refused
by name. True is no number here, and 2.0 no whole one: both are usually mistakes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import MISSING, fields
from numbers import Integral, Real
from typing import Any

from .errors import CTCounterfactualError, SettingsError
from .limits import Limit
from .setting import settings_of
from .suggest import suggest

# Characters of a value that messages show, and numbers that are no longer printed.
SHOWN, TOO_LARGE = 200, 1e300


class NotOfKind(Exception):
    """A value isn't of the declared kind; its message is what it must be, in words."""


def take_types(settings: Any, named: Callable[[str], str] = str) -> None:
    """Make each field of a frozen dataclass a plain value of its declared kind.

    Called by `__post_init__`. Kinds: int, float, bool, str, tuples of these, each also `| None`;
    fields of other types stay as they are.

    Parameters
    ----------
    settings : dataclass
        Whose annotations are strings (`from __future__ import annotations`).
    named : callable
        What messages call a field; `wording.say` for settings that have their place.

    Raises
    ------
    SettingsError
        Naming the setting, its value and what is expected.
    """
    for field in fields(settings):
        value = getattr(settings, field.name)
        try:
            plain = as_declared(value, str(field.type))
        except NotOfKind as kind:
            raise _refused(field.name, value, str(kind), named) from None
        object.__setattr__(settings, field.name, plain)


def check_limits(settings: Any, named: Callable[[str], str] = str, **limits: Limit) -> None:
    """Check that numbers are within their limits, and all others at least finite.

    A limit of a tuple is one of each of its numbers; None is within all.

    Raises
    ------
    SettingsError
        Naming the setting, its value and what is allowed.
    """
    for field in fields(settings):
        value, limit = getattr(settings, field.name), limits.get(field.name)
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, bool) or not isinstance(number, (int, float)):
                continue
            if limit is not None and not limit.holds(number):
                raise _refused(field.name, value, str(limit), named)
            if isinstance(number, float) and not math.isfinite(number):
                raise _refused(field.name, value, "a finite number", named)


def check_settings(settings: Any, named: Callable[[str], str] = str) -> None:
    """Check a table of settings by what each tells of itself.

    Raises
    ------
    SettingsError
        Naming the first setting that isn't what is allowed, its value and what is.
    """
    for name, setting in settings_of(settings).items():
        value = getattr(settings, name)
        allowed = setting.refusal(value)
        if allowed:
            raise SettingsError(f"Setting {named(name)} is {shown(value)}; {allowed}")


def built(kind: type, values: Any, **parts: Callable[[Any], Any]) -> Any:
    """Return settings from a dict, as JSON has them; some fields by builders of their own.

    Raises
    ------
    SettingsError
        If it is no dict, or has fields that the settings don't; of `kind`, for its values.
    """
    check_known(values, names_of(kind), kind.__name__)
    return kind(
        **{name: parts[name](value) if name in parts else value for name, value in values.items()}
    )


def names_of(kind: type) -> list[str]:
    """Return the names of a dataclass's fields, in its order."""
    return [field.name for field in fields(kind)]


def check_known(
    values: Any,
    known: Iterable[str],
    where: str,
    error: type[CTCounterfactualError] = SettingsError,
) -> None:
    """Raise `error` unless values are an object, as JSON and TOML have it, of known fields alone.

    An unknown field is most likely a misspelt one: what may have been meant is told.

    Parameters
    ----------
    values : object
        As read.
    known : iterable of str
        All fields that there may be.
    where : str
        Where it stands, to begin the message with: "Job file a.json, settings".
    error : type
        What to raise.
    """
    if not isinstance(values, dict):
        raise error(f"{where} is {shown(values)}; an object in braces is expected.")
    known = list(known)
    for name in values:
        if name not in known:
            raise error(f"{where} has no field {shown(name)}. {suggest(str(name), known)}")


def check_fields(kind: type, values: Any, where: str, skip: tuple[str, ...] = ()) -> dict[str, Any]:
    """Check an object against the fields of a dataclass, and return it as a dict.

    Parameters
    ----------
    kind : type
        A dataclass; the annotations of its fields say what is allowed.
    values, where
        As `check_known` takes them.
    skip : tuple of str
        Known fields whose values the caller checks.

    Raises
    ------
    SettingsError
        Naming place, field, value and what is allowed.
    """
    check_known(values, sorted(names_of(kind)), where)
    for field in fields(kind):
        if field.name not in values:
            if field.default is MISSING and field.default_factory is MISSING:
                raise SettingsError(f"{where}: the key {field.name!r} is missing.")
        elif field.name not in skip:
            try:
                as_declared(values[field.name], str(field.type))
            except NotOfKind as expected:
                told = shown(values[field.name])
                raise SettingsError(
                    f"{where}: {field.name} is {told}; it must be {expected}."
                ) from None
    return dict(values)


def number_in(value: Any) -> float | None:
    """Return the number that a value is, or that stands in a text; None if there is none."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return None
    number = _number(value)
    return None if number is None else float(number)


def shown(value: Any) -> str:
    """Return a value for a message; a long one is cut."""
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= TOO_LARGE:
        return "a number of hundreds of digits"
    text = repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def as_declared(value: Any, annotation: str) -> Any:
    """Return a value as a plain one of an annotated kind; raise `NotOfKind` if it is none."""
    kind = annotation.removesuffix(" | None")
    optional = kind != annotation
    if value is None and optional:
        return None
    null = " or null" if optional else ""
    if kind.startswith("tuple["):
        items = [part.strip() for part in kind[len("tuple[") : -1].split(",")]
        return _as_tuple(value, items, null)
    if kind not in _KINDS:
        return value
    words, _, take = _KINDS[kind]
    plain = take(value)
    if plain is None:
        raise NotOfKind(words + null)
    return plain


def _as_tuple(value: Any, items: list[str], null: str) -> tuple:
    count = None if items[-1] == "..." else len(items)
    _, many, take = _KINDS[items[0]]
    words = f"a list of {'' if count is None else f'{count} '}{many}{null}"
    # NumPy's arrays are sequences, too; a text is one of texts, which is never meant.
    if isinstance(value, (str, bytes, dict)) or not hasattr(value, "__iter__"):
        raise NotOfKind(words)
    plain = tuple(take(item) for item in value)
    if None in plain or count not in (None, len(plain)):
        raise NotOfKind(words)
    return plain


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool) or type(value).__name__ in ("bool", "bool_")  # NumPy's


def _whole(value: Any) -> int | None:
    return int(value) if isinstance(value, Integral) and not _is_bool(value) else None


def _number(value: Any) -> float | int | None:
    if _is_bool(value) or not isinstance(value, Real):
        return None
    try:
        plain = float(value)
    except OverflowError:
        return None
    return int(value) if isinstance(value, Integral) else plain


def _truth(value: Any) -> bool | None:
    return bool(value) if _is_bool(value) else None


def _text(value: Any) -> str | None:
    return str(value) if isinstance(value, str) else None


# Annotation -> what to call one and many, and the plain value or None.
_KINDS: dict[str, tuple[str, str, Callable[[Any], Any]]] = {
    "int": ("a whole number", "whole numbers", _whole),
    "float": ("a number", "numbers", _number),
    "bool": ("true or false", "of true or false", _truth),
    "str": ("text in quotes", "texts in quotes", _text),
    "str | float": (
        "text in quotes or a number",
        "texts in quotes or numbers",
        lambda value: _text(value) if isinstance(value, str) else _number(value),
    ),
}


def _refused(name: str, value: Any, allowed: str, named: Callable[[str], str]) -> SettingsError:
    return SettingsError(f"Setting {named(name)} is {shown(value)}; it must be {allowed}.")
