"""The folder of fetched model files: which it is, and whether it can be used."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from ...errors import ModelError
from ...storage.names import check_name, reason

# Overrides the folder, for a shared one on a server or a test's own.
FOLDER_VARIABLE = "CT_COUNTERFACTUAL_MODELS"
CHOOSE_FOLDER = f"Mend that, or set {FOLDER_VARIABLE} to another folder that can be written."


def default_folder() -> Path:
    """Return the user's folder for model files: $CT_COUNTERFACTUAL_MODELS or the usual cache."""
    chosen = os.environ.get(FOLDER_VARIABLE)
    if chosen:
        return Path(os.path.expanduser(chosen))
    home = Path(os.path.expanduser("~"))  # unlike Path.home() it never raises
    if os.name == "nt":
        base = Path(os.environ.get("LOCALAPPDATA") or home)
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache")
    return base / "ct-counterfactual" / "models"


def check_folder(folder: Path) -> None:
    """Raise `ModelError` if there is something at a folder's place that is none."""
    check_name(folder, ModelError)
    try:
        mode = os.stat(folder).st_mode
    except FileNotFoundError:
        return
    except OSError as error:
        raise _unusable(folder, reason(error)) from error
    if not stat.S_ISDIR(mode):
        raise _unusable(folder, "it is a file")


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, unless it is there; `ModelError` if that can't be."""
    check_folder(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _unusable(folder, reason(error)) from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise _unusable(folder, "there is no permission to write there")


def _unusable(folder: Path, why: str) -> ModelError:
    return ModelError(f"The folder of model files {folder} can't be used: {why}. {CHOOSE_FOLDER}")
