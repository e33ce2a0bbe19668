"""Fields of a card, checked one by one: a slip in a card is named, never guessed around."""

from __future__ import annotations

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, overload

from ...checked import TOO_LARGE, check_known, shown
from ...errors import ModelError
from ..autoencoder import Affine
from .archives import leaves_folder

_MISSING = object()
# Sizes beyond it are a slip, or meant to fill the memory.
MOST_WHOLE = 1 << 16
# A slice is resized by such a factor at most: (above, at most).
SCALES = (1 / 64, 64.0)
# What texts may hold besides printable characters.
_BREAKS = str.maketrans("\n\t", "  ")


class Table:
    """One table of a card; every getter checks what it returns.

    Parameters
    ----------
    values : dict
        As read from JSON or TOML.
    where : str
        How errors call it: the card's path and the table's name.
    known : iterable of str
        All fields that it may have; another one is an error, as it is most likely misspelt.

    Raises
    ------
    ModelError
        If it is no table or has an unknown field.
    """

    def __init__(self, values: Any, where: str, known: Iterable[str]):
        check_known(values, known, where, ModelError)
        self.values = values
        self.where = where

    def refuse(self, name: str, expected: str) -> ModelError:
        """Return the error for a field that isn't as `expected`."""
        return ModelError(
            f"{self.where}: {name} = {shown(self.values.get(name))}, expected {expected}."
        )

    def text(self, name: str, default: Any = _MISSING) -> str:
        """Return a text; without a default it must be there and not be empty."""
        value = self._get(name, default, "a text")
        if not isinstance(value, str) or (default is _MISSING and not value.strip()):
            raise self.refuse(name, "a text" + ("" if isinstance(value, str) else " in quotes"))
        if not value.translate(_BREAKS).isprintable():
            raise self.refuse(name, "a text without control characters")
        return value

    def choice(self, name: str, choices: tuple[str, ...], default: Any = _MISSING) -> str:
        """Return one of the `choices`."""
        value = self._get(name, default, f"one of {', '.join(choices)}")
        if value not in choices:
            raise self.refuse(name, f"one of {', '.join(choices)}")
        return value

    def flag(self, name: str, default: bool) -> bool:
        """Return true or false."""
        value = self._get(name, default, "true or false")
        if not isinstance(value, bool):
            raise self.refuse(name, "true or false")
        return value

    def number(
        self, name: str, default: Any = _MISSING, above: float = -math.inf, most: float = math.inf
    ) -> float:
        """Return a finite number greater than `above`, of `most` at most."""
        value = self._get(name, default, "a number")
        if not _is_number(value) or not above < value <= most:
            raise self.refuse(name, f"a number{_limits(above, most)}")
        return float(value)

    @overload
    def numbers(
        self,
        name: str,
        count: Literal[2],
        default: Any = ...,
        above: float = ...,
        most: float = ...,
    ) -> tuple[float, float]: ...

    @overload
    def numbers(
        self,
        name: str,
        count: Literal[3],
        default: Any = ...,
        above: float = ...,
        most: float = ...,
    ) -> tuple[float, float, float]: ...

    def numbers(
        self,
        name: str,
        count: int,
        default: Any = _MISSING,
        above: float = -math.inf,
        most: float = math.inf,
    ) -> tuple[float, ...]:
        """Return a tuple of `count` finite numbers, each greater than `above`, `most` at most."""
        value = self._get(name, default, f"{count} numbers")
        whole = isinstance(value, list | tuple) and len(value) == count
        if not whole or not all(_is_number(v) and above < v <= most for v in value):
            raise self.refuse(name, f"{count} numbers{_limits(above, most)}")
        return tuple(float(v) for v in value)

    def integer(
        self, name: str, default: Any = _MISSING, least: int = 1, most: int = MOST_WHOLE
    ) -> int:
        """Return a whole number of `least` to `most`."""
        value = self._get(name, default, "a whole number")
        if not _is_integer(value) or not least <= value <= most:
            limit = f" and at most {most}" if _is_integer(value) and value > most else ""
            raise self.refuse(name, f"a whole number of at least {least}{limit}")
        return value

    @overload
    def integers(
        self, name: str, count: Literal[2], default: Any = ..., least: int = ..., most: int = ...
    ) -> tuple[int, int]: ...

    @overload
    def integers(
        self, name: str, count: Literal[3], default: Any = ..., least: int = ..., most: int = ...
    ) -> tuple[int, int, int]: ...

    @overload
    def integers(
        self, name: str, count: None, default: Any = ..., least: int = ..., most: int = ...
    ) -> tuple[int, ...]: ...

    def integers(
        self,
        name: str,
        count: int | None,
        default: Any = _MISSING,
        least: int = 1,
        most: int = MOST_WHOLE,
    ) -> tuple[int, ...]:
        """Return whole numbers of at least `least`: `count` of them, or any number but none."""
        words = f"{count or 'a list of'} whole numbers of at least {least}"
        value = self._get(name, default, words)
        long_enough = isinstance(value, list | tuple) and (len(value) == (count or len(value)) > 0)
        if not long_enough or not all(_is_integer(v) and least <= v <= most for v in value):
            words += f", at most {most}"
            raise self.refuse(name, words)
        return tuple(value)

    def table(self, name: str) -> dict[str, Any]:
        """Return a table, empty if it isn't there."""
        value = self.values.get(name, {})
        if not isinstance(value, dict):
            raise self.refuse(name, "a table")
        return value

    @overload
    def file(self, name: str, folder: Path, default: str = ...) -> Path: ...

    @overload
    def file(self, name: str, folder: Path, default: None) -> Path | None: ...

    def file(self, name: str, folder: Path, default: Any = _MISSING) -> Path | None:
        """Return the path of a file or folder beside the card.

        A card may come from someone else: one that names files elsewhere on this computer is
        refused.
        """
        value = self._get(name, default, "a file name")
        if value is None:
            return None
        # Control characters could make the question for consent say something else.
        if (
            not isinstance(value, str)
            or not value
            or leaves_folder(value)
            or (not value.isprintable())
        ):
            raise self.refuse(name, "the name of a file in the card's own folder")
        return folder / value

    def _get(self, name: str, default: Any, expected: str) -> Any:
        value = self.values.get(name, default)
        if value is _MISSING:
            raise ModelError(f"{self.where} lacks {name}; expected {expected}.")
        return value


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    """Tell whether a value is a finite number; one too long for a float is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return abs(value) < TOO_LARGE


def _limits(above: float, most: float) -> str:
    lower = "" if above == -math.inf else f" above {above:g}"
    return lower if most == math.inf else f"{lower}, at most {most:g}"


def affine(table: Table, name: str, default: Affine) -> Affine:
    """Return the scale and shift of a table, or the default if it isn't there."""
    if name not in table.values:
        return default
    inner = Table(table.values[name], f"{table.where}, {name}", ("scale", "shift"))
    return Affine(inner.number("scale"), inner.number("shift"))
