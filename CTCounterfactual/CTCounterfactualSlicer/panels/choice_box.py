"""Combo boxes whose items stand for values; what is chosen is never read from a text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import qt

# (value, text, tool tip)
Item = tuple[Any, str, str]
# A line between groups of items; it can't be chosen.
SEPARATOR: Item = (None, "", "")


class ChoiceBox:
    """A combo box filled by the program; `chosen(value)` is called when the user chooses."""

    def __init__(self, combo, chosen: Callable[[Any], None]):
        self._combo = combo
        self._chosen = chosen
        self._values: list[Any] = []
        self._filling = False
        combo.connect("currentIndexChanged(int)", self._changed)

    @property
    def values(self) -> tuple:
        """The values of all items, in their order."""
        return tuple(value for value in self._values if value is not SEPARATOR)

    def fill(self, items: Sequence[Item], value: Any = None) -> None:
        """Replace all items and select a value; `chosen` isn't called."""
        self._filling = True
        try:
            self._combo.clear()
            self._values = []
            for item in items:
                self._add(item)
            self._select(value)
        finally:
            self._filling = False

    def select(self, value: Any, missing: str = "") -> None:
        """Select a value; one that isn't among the items is added as `missing` says, if it does.

        Parameters
        ----------
        value
            As given to `fill`.
        missing : str, optional
            Text of an added item, with "{value}" in it. Empty: nothing is selected then.
        """
        self._filling = True
        try:
            if missing and value not in self._values:
                self._add((value, missing.format(value=value), ""))
            self._select(value)
        finally:
            self._filling = False

    def _add(self, item: Item) -> None:
        if item is SEPARATOR:
            self._combo.insertSeparator(len(self._values))
            self._values.append(SEPARATOR)
            return
        value, text, tip = item
        self._combo.addItem(text)
        self._combo.setItemData(len(self._values), tip, qt.Qt.ToolTipRole)
        self._values.append(value)

    def _select(self, value: Any) -> None:
        self._combo.currentIndex = self._values.index(value) if value in self._values else -1

    def _changed(self, index: int) -> None:
        known = 0 <= index < len(self._values)
        if not self._filling and known and self._values[index] is not SEPARATOR:
            self._chosen(self._values[index])


def relabel(combo, choices: Sequence[str], labels: dict[str, str]) -> None:
    """Give the items of a combo box, made by the parameter node from `choices`, texts for people.

    `connectGui` fills such a box with the bare values and reads it by index, so texts are free.
    """
    for index, choice in enumerate(choices):
        combo.setItemText(index, labels[choice])
