"""How settings and actions are called where the user is: Python, command line, console, panel.

The engine states facts; what to press or type depends on the place. So a message names a setting or
an action by a key, and the words are put in where it is shown::

    raise ScanError(f"{path} holds no HU. Use {say('assume_hu', True)} if it does all the same.")

    Python          Use assume_hu=True if it does all the same.
    command line    Use --assume-hu if it does all the same.
    console         Use assumeHu=True if it does all the same.
    panel           Use Settings > Advanced > Take the values as HU in any case if it does ...

Errors, flags, events and findings put the words in by themselves; other text passes `worded`. What
isn't said otherwise is worded for the process: Python, or what `speaking` has set (the command line
does, and a worker that Slicer started, by the variable `VARIABLE` of its environment). Within one
process an error is reworded by `errors.worded_for(place)`. To quote an error within another's
message take its `text`, which keeps the keys.

Settings of an explanation are keys by being in `setting_table`. Another key goes into
`PANEL_SETTINGS` (elsewhere its name says it) or into `ACTIONS`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

from .setting import camel_case, option_of
from .setting_table import SETTINGS


class Place(Enum):
    """Where a message is read."""

    PYTHON = "python"
    COMMAND_LINE = "command-line"
    CONSOLE = "console"
    PANEL = "panel"


@dataclass(frozen=True)
class Words:
    """What one action is called in each place; `{}` stands for the value that `say` is given."""

    python: str
    command_line: str
    console: str
    panel: str

    def at(self, place: Place) -> str:
        """Return the words of a place."""
        return getattr(self, place.name.lower())


# Environment variable that tells a worker process whose words it is to use: a `Place`'s value.
VARIABLE = "CT_COUNTERFACTUAL_WORDING"

_SETTINGS, _ADVANCED = "Settings > ", "Settings > Advanced > "
# Setting -> where it is in the panel; elsewhere its name says it all.
PANEL_SETTINGS = {
    "classifier": "Input > Classifier",
    "target": "Input > Target",
    "region": "Input > Region",
    "outputs": _SETTINGS + "Earlier results",
    "autoencoder": _ADVANCED + "Autoencoder",
    "assume_hu": _ADVANCED + "Take the values as HU in any case",
    **{
        name: (_ADVANCED if one.advanced else _SETTINGS) + one.label
        for name, one in SETTINGS.items()
    },
}

_PIP = 'pip install "ct-counterfactual[{}]"'
# What isn't a setting of every place. Noun phrases that follow "by", "use" or a colon.
ACTIONS = {
    "series": Words(
        "series={}", "--series {}", "a volume of that series", "a volume of that series"
    ),
    "dicom_series": Words(
        "place={}", "--series {}", "series={}", "loading the series into Slicer from DICOM"
    ),
    "force": Words("force=True", "--force", "force=True", "saying yes when you are asked"),
    "trust_code": Words(
        "Consent(trust=True)",
        "--trust-code",
        "Models > Add own model... in the panel",
        "Models > Add own model...",
    ),
    "accept_licence": Words(
        "--accept-licence",
        "--accept-licence",
        "Models > Fetch in the panel, which asks",
        "Models > Fetch, which asks",
    ),
    "fetch_model": Words(
        "the command: ct-counterfactual models fetch {}",
        "ct-counterfactual models fetch {}",
        "Models > Fetch in the panel",
        "Models > Fetch",
    ),
    "local_file": Words(
        "the command: ct-counterfactual models fetch {} --file PATH",
        "ct-counterfactual models fetch {} --file PATH",
        "Models > Use a local file... in the panel",
        "Models > Use a local file...",
    ),
    "remove_model": Words(
        "the command: ct-counterfactual models remove {}",
        "ct-counterfactual models remove {}",
        "Models > Remove... in the panel",
        "Models > Remove...",
    ),
    "remove_all_models": Words(
        "the command: ct-counterfactual models remove --all",
        "ct-counterfactual models remove --all",
        "Models > Remove... in the panel, for each",
        "Models > Remove..., for each",
    ),
    "check_model": Words(
        "the command: ct-counterfactual check-model {}",
        "ct-counterfactual check-model {}",
        "Models > Verify in the panel",
        "Models > Verify",
    ),
    "install": Words(_PIP, _PIP, "Setup > Install... in the panel", "Setup > Install..."),
    "install_monai": Words(_PIP, _PIP, *2 * ['slicer.util.pip_install("monai") in the console']),
    "install_saliency": Words(
        _PIP, _PIP, *2 * ['slicer.util.pip_install("captum") in the console']
    ),
    "install_dicom": Words(
        _PIP, _PIP, *2 * ['slicer.util.pip_install("highdicom") in the console']
    ),
    "install_onnx": Words(
        _PIP, _PIP, *2 * ['slicer.util.pip_install("onnxruntime") in the console']
    ),
}

# Marks of a key in a text: private-use characters, which no message holds otherwise.
_OPEN, _CLOSE = "\ue000", "\ue001"
_MARKED = re.compile(f"{_OPEN}(\\w+)(?:=([^{_CLOSE}]*))?{_CLOSE}")
_place = Place.PYTHON


def say(key: str, value: Any = None) -> str:
    """Return a mark for a setting or an action, to be put into a message.

    Parameters
    ----------
    key : str
        Of `PANEL_SETTINGS` or `ACTIONS`.
    value : optional
        What the setting is to be set to, or the action is done with; None names the setting alone.
        A word in capitals (`NUMBER`) is a gap for the user to fill.

    Raises
    ------
    KeyError
        If there is no such key: a mistake in the program.
    """
    if key not in PANEL_SETTINGS and key not in ACTIONS:
        raise KeyError(f"no wording for {key!r}: add it to PANEL_SETTINGS or ACTIONS")
    if value is None:
        return f"{_OPEN}{key}{_CLOSE}"
    plain = repr(value).replace(_OPEN, "").replace(_CLOSE, "")
    return f"{_OPEN}{key}={plain}{_CLOSE}"


def worded(text: str, place: Place | None = None) -> str:
    """Return a text with the words of a place (None: the process's) for its marks."""
    return _MARKED.sub(lambda mark: _words(mark, place or _place), text)


@contextmanager
def speaking(place: Place) -> Iterator[None]:
    """Let this process use the words of a place meanwhile."""
    global _place
    before, _place = _place, place
    try:
        yield
    finally:
        _place = before


def current_place() -> Place:
    """Return whose words this process uses."""
    return _place


def keyword_of(name: str) -> str:
    """Return the console's keyword of a setting: `max_change` -> `maxChange`."""
    return SETTINGS[name].console_keyword if name in SETTINGS else camel_case(name)


def _words(mark: re.Match[str], place: Place) -> str:
    key, plain = mark.groups()
    try:
        value = None if plain is None else ast.literal_eval(plain)
    except (SyntaxError, ValueError):
        value = plain
    if key in ACTIONS:
        return ACTIONS[key].at(place).format("NAME" if value is None else value)
    if key in PANEL_SETTINGS:
        return _setting(key, value, place)
    return mark.group()  # not ours: a file may be named so


def _setting(name: str, value: Any, place: Place) -> str:
    """Return a setting's name in a place, with what it is set to unless that is None."""
    if place is Place.PANEL:
        if value is None:
            return f"'{PANEL_SETTINGS[name].rpartition(' > ')[2]}'"
        chosen = SETTINGS[name].choices.get(value, value) if name in SETTINGS else value
        return PANEL_SETTINGS[name] + ("" if value is True else f": {chosen}")
    if place is Place.COMMAND_LINE:
        option = option_of(name)
        return option if value in (None, True) else f"{option} {value}"
    called = name if place is Place.PYTHON else keyword_of(name)
    if value is None:
        return called
    gap = isinstance(value, str) and value.isupper()
    return f"{called}={value if gap else repr(value)}"
