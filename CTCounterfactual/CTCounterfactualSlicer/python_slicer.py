"""Which Python runs the worker process, and in which environment."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import slicer

from CTCounterfactualLib.errors import CTCounterfactualError


class WorkerPythonError(CTCounterfactualError):
    """No Python was found that could run the worker process."""


def application():
    """Return Slicer's application object, or None outside Slicer (slicer-core, tests)."""
    return getattr(slicer, "app", None)


def python_executable() -> str:
    """Return Slicer's own Python without a window (PythonSlicer); outside Slicer, this Python.

    Raises
    ------
    WorkerPythonError
        If Slicer's Python isn't where an installation has it.
    """
    app = application()
    if app is None:
        return sys.executable
    found = shutil.which("PythonSlicer")  # Slicer's launcher puts its folder on PATH
    if found:
        return found
    suffix = ".exe" if os.name == "nt" else ""
    beside = Path(str(getattr(app, "slicerHome", ""))) / "bin" / f"PythonSlicer{suffix}"
    if beside.is_file():
        return str(beside)
    if Path(sys.executable or "").name.lower().startswith("python"):
        return sys.executable
    raise WorkerPythonError(
        f"Slicer's Python (PythonSlicer{suffix}) was found neither on PATH nor at {beside}. "
        f"It is part of every Slicer installation: reinstall Slicer."
    )


def worker_environment() -> dict[str, str] | None:
    """Return the environment from before Slicer's launcher changed it; None outside Slicer.

    PythonSlicer has a launcher of its own that sets Slicer's paths again.
    """
    if not hasattr(application(), "startupEnvironment"):
        return None
    return dict(slicer.util.startupEnvironment())
