#!/usr/bin/env python3
"""Write the module's file lists in CTCounterfactual/CMakeLists.txt anew from the files on disk.

    python Testing/update_cmake_lists.py            # rewrite the lists
    python Testing/update_cmake_lists.py --check    # only say what is missing; then exit 1

Slicer installs nothing but the listed files, so a file that was forgotten works in the checkout
and is missing in the installed extension.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

MODULE = Path(__file__).resolve().parents[1] / "CTCounterfactual"
LISTS = MODULE / "CMakeLists.txt"
SCRIPTS, RESOURCES = "MODULE_PYTHON_SCRIPTS", "MODULE_PYTHON_RESOURCES"
# What a checkout holds beside the files that belong to it.
LITTER = {"__pycache__", ".ruff_cache", ".pytest_cache", ".mypy_cache", ".DS_Store"}


def files_on_disk() -> dict[str, list[str]]:
    """Return the module's scripts (every .py) and resources (every other file), sorted.

    Paths are relative to the module's folder, with forward slashes.
    """
    found: dict[str, list[str]] = {SCRIPTS: [], RESOURCES: []}
    for path in MODULE.rglob("*"):
        relative = path.relative_to(MODULE)
        hidden = any(part in LITTER or part.startswith(".") for part in relative.parts)
        if hidden or not path.is_file() or path == LISTS or path.suffix == ".pyc":
            continue
        found[SCRIPTS if path.suffix == ".py" else RESOURCES].append(relative.as_posix())
    return {name: sorted(files) for name, files in found.items()}


def _block(name: str) -> re.Pattern[str]:
    """Match `set(NAME ...)` with its entries as the first group."""
    return re.compile(rf"^set\({name}\n(.*?)^  \)$", re.DOTALL | re.MULTILINE)


def listed(text: str) -> dict[str, list[str]]:
    """Return the entries of both lists in a CMakeLists.txt, `${MODULE_NAME}` filled in."""
    entries = {}
    for name in (SCRIPTS, RESOURCES):
        match = _block(name).search(text)
        if match is None:
            raise SystemExit(f"{LISTS}: found no `set({name}` block that ends with `  )`.")
        lines = match[1].replace("${MODULE_NAME}", MODULE.name).splitlines()
        entries[name] = [line.strip() for line in lines if line.strip()]
    return entries


def rewritten(text: str) -> str:
    """Return a CMakeLists.txt's text with both lists made equal to the files on disk."""
    for name, files in files_on_disk().items():
        block = "".join(f"  {file}\n" for file in files)
        text = _block(name).sub(f"set({name}\n{block}  )", text, count=1)
    return text


def differences() -> list[str]:
    """Return in words every file that is not listed and every entry that is no file."""
    lists = listed(LISTS.read_text(encoding="utf-8"))
    said = []
    for name, files in files_on_disk().items():
        said += [f"add to {name}: {file}" for file in files if file not in lists[name]]
        said += [f"take out of {name}: {file}" for file in lists[name] if file not in files]
        twice = {file for file in lists[name] if lists[name].count(file) > 1}
        said += [f"listed twice in {name}: {file}" for file in sorted(twice)]
    return said


def main() -> int:
    """Rewrite the lists, or with --check only say what differs; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="say what differs, write nothing")
    check = parser.parse_args().check
    found = differences()
    print("\n".join(found) if found else "The lists equal the tree.")
    if check:
        return 1 if found else 0
    text = LISTS.read_text(encoding="utf-8")
    LISTS.write_text(rewritten(text), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
