"""What a setting tells of itself; from it come its check, option, keyword and row in the panel.

A table of settings is a dataclass whose fields are made by `setting`; `setting_table` is the one of
an explanation. This file knows no place where settings are shown and imports none.
"""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from .limits import UNLIMITED, Limit

KEY = "setting"  # of a field's metadata
_NULL = " | None"


@dataclass(frozen=True)
class Setting:
    """All that is said of a setting anywhere.

    Parameters
    ----------
    help : str
        What it is, a phrase without a full stop: for the command line and the API reference.
    label : str
        Its caption in the panel, without a colon.
    tooltip : str
        The same for the panel's user, in whole sentences. Empty: `help`.
    more : str
        Sentences that the API reference adds to `help`.
    choices : mapping of str to str
        What it may be, and what the panel calls each.
    none_label : str
        What the panel calls None among the choices.
    limit : Limit
        What its number may be, or each of its numbers; beyond that all must be finite.
    allowed : str
        The end of a sentence for who is refused: for its limit, or in the panel for a text that
        isn't numbers. Empty: the limit in words.
    check : callable or None
        Takes a value and returns what is allowed if this isn't, else an empty text. It is asked
        instead of choices and limit; choices are then those that most will want.
    unit : str
        What its number counts: "slices".
    metavar : str
        What stands for its value in the command line's help. Empty: `argparse` decides.
    keyword : str
        The console's keyword. Empty: the name in camel case.
    advanced : bool
        Whether its row is in the panel's section "Advanced".
    percent : bool
        Whether the panel shows a share in percent.
    panel_range : (float, float) or None
        What the panel's control goes to, in the panel's unit. None: `limit`.
    name, kind, default
        Of the field, its annotation as text; filled in by `settings_of`.
    """

    help: str
    label: str
    tooltip: str = ""
    more: str = ""
    choices: Mapping[str, str] = field(default_factory=dict)
    none_label: str = ""
    limit: Limit = UNLIMITED
    allowed: str = ""
    check: Callable[[Any], str] | None = None
    unit: str = ""
    metavar: str = ""
    keyword: str = ""
    advanced: bool = True
    percent: bool = False
    panel_range: tuple[float, float] | None = None
    name: str = ""
    kind: str = ""
    default: Any = None

    @property
    def optional(self) -> bool:
        """Whether it may be None."""
        return self.kind.endswith(_NULL)

    @property
    def plain_kind(self) -> str:
        """The annotation without None: `int`, `float`, `bool`, `str` or `tuple[float, ...]`."""
        return self.kind.removesuffix(_NULL)

    @property
    def closed(self) -> bool:
        """Whether it is one of its choices, and nothing else."""
        return bool(self.choices) and self.check is None

    @property
    def option(self) -> str:
        """The command line's option."""
        return option_of(self.name)

    @property
    def console_keyword(self) -> str:
        """The console's keyword."""
        return self.keyword or camel_case(self.name)

    def refusal(self, value: Any) -> str:
        """Return what is allowed, in words, if a value of the right kind isn't; else nothing."""
        if value is None:
            return ""
        if self.check is not None:
            return self.check(value)
        if self.choices:
            listed = ", ".join((*(["None"] if self.optional else []), *self.choices))
            return "" if value in self.choices else self.allowed or f"choose one of {listed}."
        for number in value if isinstance(value, tuple) else (value,):
            if isinstance(number, bool) or not isinstance(number, (int, float)):
                continue
            if not self.limit.holds(number):
                bounds = "a finite number" if self.limit == UNLIMITED else self.limit
                return self.allowed or f"it must be {bounds}."
            if isinstance(number, float) and not math.isfinite(number):
                return self.allowed or "it must be a finite number."
        return ""


def setting(default: Any, help: str, label: str, **words: Any) -> Any:
    """Declare a field of a table of settings; for the words see `Setting`."""
    return field(default=default, metadata={KEY: Setting(help, label, **words)})


def settings_of(table: Any) -> dict[str, Setting]:
    """Return the settings of a table (or of an instance of it) by name."""
    return {
        each.name: replace(
            each.metadata[KEY], name=each.name, kind=str(each.type), default=each.default
        )
        for each in fields(table)
    }


def option_of(name: str) -> str:
    """Return a setting's option on the command line: `max_change` -> `--max-change`."""
    return "--" + name.replace("_", "-")


def camel_case(name: str) -> str:
    """Return a name as Slicer writes names: `max_change` -> `maxChange`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def parameters_section(settings: Mapping[str, Setting]) -> str:
    """Return the section "Parameters" of a docstring."""
    lines = ["Parameters", "----------"]
    for name, one in settings.items():
        said = f"{one.help[0].upper()}{one.help[1:]}. {one.more}".strip()
        kind = one.plain_kind.replace("tuple[float, ...]", "tuple of float")
        lines += [
            f"{name} : {kind}{' or None' if one.optional else ''}",
            textwrap.indent(textwrap.fill(said, 90), "    "),
        ]
    return "\n".join(lines)
