"""CTCounterfactual's engine: what would this CT have to look like for the classifier to change?

    from CTCounterfactualLib import explain, write_result
    result = explain("scan.nrrd", classifier="lung-volume")
    write_result(result, "result-folder")

Names are imported when they are first used, so that importing the package itself needs no torch:
Slicer loads the module without delay, and without any package that isn't bundled.
"""

from __future__ import annotations

import importlib

__version__ = "0.1.0"

# Public name -> the module that defines it.
_PUBLIC = {
    "explain": "counterfactual.engine",
    "ExplainSettings": "counterfactual.settings",
    "Explanation": "counterfactual.result",
    "load_autoencoder": "models.catalogue",
    "load_classifier": "models.catalogue",
    "list_models": "models.catalogue",
    "read_result": "outputs.reading",
    "read_scan": "scans.read",
    "Scan": "scans.scan",
    "write_result": "outputs.folder",
    "CancelToken": "events",
    "Event": "events",
    "CTCounterfactualError": "errors",
    "Cancelled": "errors",
}
__all__ = sorted(_PUBLIC)


def __getattr__(name: str):
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_PUBLIC[name]}", __name__), name)
    globals()[name] = value  # the next access finds it without this function
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
