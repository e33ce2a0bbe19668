#!/usr/bin/env python3
"""Make the API reference from the docstrings: `python Testing/make_docs.py [FOLDER]`, by pdoc.

Without FOLDER it goes to `site/`; open `site/index.html`. Exit code 1 if anything in the docstrings
can't be shown as meant: a warning is an error here.
"""

from __future__ import annotations

import importlib.util
import logging
import pkgutil
import sys
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "CTCounterfactualLib"


def modules() -> list[str]:
    """Return what to document: the public names, then every room with its files.

    Slicer's room is left out where neither Slicer nor slicer-core is.
    """
    left_out = {"__main__"} if importlib.util.find_spec("slicer") else {"__main__", "scene"}
    found = pkgutil.iter_modules([str(ROOT / "CTCounterfactual" / PACKAGE)])
    # pdoc takes what `__all__` names for all there is, so rooms are named one by one.
    return [PACKAGE, *(f"{PACKAGE}.{each.name}" for each in found if each.name not in left_out)]


def make(folder: Path) -> None:
    """Write the pages.

    Raises
    ------
    UserWarning
        With pdoc's words, if a docstring or an annotation can't be shown.
    """
    import pdoc

    sys.path.insert(0, str(ROOT / "CTCounterfactual"))
    pdoc.render.configure(docformat="numpy", footer_text="Model behaviour, not a diagnosis.")
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        pdoc.pdoc(*modules(), output_directory=folder)


def main() -> int:
    """Make the reference, say where; return the exit code."""
    logging.getLogger("pdoc").setLevel(logging.WARNING)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "site"
    try:
        make(folder)
    except UserWarning as warning:
        print(f"The API reference can't be made: {warning}", file=sys.stderr)
        return 1
    print(f"API reference of {PACKAGE}: {folder / 'index.html'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
