"""A training's settings from a JSON file, for the option `--settings`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import SettingsError
from ..storage.bounded import MOST_SETTINGS_BYTES
from ..storage.names import check_name, reason
from ..storage.objects import read_json


def read_settings(path: str) -> dict[str, Any]:
    """Return the settings in a JSON file, by their names; whether these exist isn't asked.

    Raises
    ------
    SettingsError
        If it can't be read, or is no JSON object.
    """
    try:
        file = Path(check_name(path, SettingsError))
        values = read_json(file, MOST_SETTINGS_BYTES, pipes=True)
    except OSError as error:
        raise SettingsError(f"Cannot read {path}: {reason(error)}.") from error
    except ValueError as error:
        raise SettingsError(f"Cannot read {path} as JSON: {error}.") from error
    if not isinstance(values, dict):
        raise SettingsError(
            f"{path} holds a {type(values).__name__}; an object of settings is expected: "
            f'{{"steps": 1000}}.'
        )
    return values
