"""Options of a method as text, `name=value`, as a command line gives them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..checked import shown
from ..errors import SettingsError
from ..setting import Setting, settings_of
from ..suggest import suggest
from .method import Method

_TRUTHS = {"true": True, "yes": True, "false": False, "no": False}
_NONE = "none"


def options_from_words(method: Method, words: Iterable[str]) -> dict[str, Any]:
    """Return the values of `name=value` texts, by the kinds that the method's options have.

    Raises
    ------
    SettingsError
        For a name that isn't one of the method's options, or a text that is no value of its kind.
    """
    known = settings_of(method.options)
    values: dict[str, Any] = {}
    for word in words:
        name, sign, text = word.partition("=")
        name = name.strip().replace("-", "_")
        if not sign or name not in known:
            listed = suggest(name, list(known)) if known else "It has none."
            raise SettingsError(
                f"{shown(word)} sets no option of the method {method.name}; give NAME=VALUE. "
                f"{listed}"
            )
        values[name] = _value(known[name], text.strip())
    return values


def _value(one: Setting, text: str) -> Any:
    kind = one.plain_kind
    if one.optional and text.lower() == _NONE:
        return None
    try:
        if kind == "bool":
            return _TRUTHS[text.lower()]
        return {"int": int, "float": float}.get(kind, str)(text)
    except (KeyError, ValueError):
        wanted = {"bool": "true or false", "int": "a whole number", "float": "a number"}[kind]
        raise SettingsError(f"Option {one.name} is {shown(text)}; it must be {wanted}.") from None


def options_in_words(method: Method) -> list[str]:
    """Return one line an option: name, what it is, default."""
    return [
        f"{one.name}: {one.help} (default: {str(one.default).lower()})"
        for one in settings_of(method.options).values()
    ]
