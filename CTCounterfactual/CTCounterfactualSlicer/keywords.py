"""The console's keywords in the signature and the help of the functions that take them."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from typing import Any

from CTCounterfactualLib.setting_table import SETTINGS

from .options import KEYWORDS, OTHER_KEYWORDS, SETTING_KEYWORDS, Options

WIDTH = 88  # letters of a line of help
OPTIONS = "options"  # the parameter whose place the keywords take


def with_keywords(function: Callable) -> Callable:
    """Show the keywords of `Options` instead of `**options` to completion, `help` and `inspect`.

    They are those of the table of settings, so a new setting is there by itself. What is called
    stays the function: it tells unknown keywords, and the nearest known one, in words.
    """
    given = inspect.signature(function)
    kept = [one for one in given.parameters.values() if one.name != OPTIONS]
    vars(function)["__signature__"] = given.replace(parameters=[*kept, *_parameters()])
    function.__doc__ = f"{inspect.cleandoc(function.__doc__ or '')}\n\n{keywords_help()}"
    return function


def keywords_help() -> str:
    """Return a line or two for each keyword: its default and what it is."""
    lines = ["Keywords", "--------"]
    for keyword in KEYWORDS:
        said = SETTINGS[SETTING_KEYWORDS[keyword]].help if keyword in SETTING_KEYWORDS else ""
        default = _default(keyword)
        lines.append(f"{keyword} = {default!r}" if default != "" else f"{keyword} = ''")
        if said:
            lines.append(textwrap.indent(textwrap.fill(said, WIDTH - 4), "    "))
    return "\n".join(lines)


def _parameters() -> list[inspect.Parameter]:
    return [
        inspect.Parameter(
            keyword,
            inspect.Parameter.KEYWORD_ONLY,
            default=_default(keyword),
            annotation=SETTINGS[SETTING_KEYWORDS[keyword]].kind
            if keyword in SETTING_KEYWORDS
            else inspect.Parameter.empty,
        )
        for keyword in KEYWORDS
    ]


def _default(keyword: str) -> Any:
    if keyword in SETTING_KEYWORDS:
        return SETTINGS[SETTING_KEYWORDS[keyword]].default
    return getattr(Options(), OTHER_KEYWORDS[keyword])
