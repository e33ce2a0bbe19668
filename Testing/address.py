#!/usr/bin/env python3
"""Keep the repository's address the same wherever it stands.

    python Testing/address.py                                  # say where it differs; then exit 1
    python Testing/address.py https://github.com/OWNER/NAME    # write a new one everywhere

Its home is `CTCounterfactualLib/project.py`. The other places can't import Python: packaging, the
extension's CMake file and catalogue entry, the citation, the issue templates.
"""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
HOME = "CTCounterfactual/CTCounterfactualLib/project.py"
PLACES = (
    HOME,
    ".github/ISSUE_TEMPLATE/config.yml",
    "CHANGELOG.md",
    "CITATION.cff",
    "CMakeLists.txt",
    "Resources/CTCounterfactual.json",
    "pyproject.toml",
)
# Pages and raw files of a repository: the host, then OWNER/NAME.
HOSTS = ("https://github.com/", "https://raw.githubusercontent.com/")
SHAPE = re.compile(r"https://github\.com/[\w.-]+/[\w.-]+?(?<!\.git)")


def homepage(root: Path = ROOT) -> str:
    """Return the address that `project.py` states."""
    found = re.search(r'^HOMEPAGE = "(.+)"$', (root / HOME).read_text(encoding="utf-8"), re.M)
    if found is None:
        raise SystemExit(f'{root / HOME}: expected a line `HOMEPAGE = "https://..."`.')
    return found[1]


def differences(root: Path = ROOT) -> list[str]:
    """Return in words every place that doesn't name the repository as `project.py` does.

    An address is ours if its last part is the repository's name; so one that names another owner
    is found, and links to other projects are left alone.
    """
    owner, name = homepage(root).split("/")[-2:]
    ours = re.compile(rf"(?:{'|'.join(map(re.escape, HOSTS))})([\w.-]+)/{re.escape(name)}(?![\w-])")
    said = []
    for place in PLACES:
        owners = ours.findall((root / place).read_text(encoding="utf-8"))
        if not owners:
            said.append(f"{place}: names no address of {name}")
        said += [f"{place}: names {other}/{name}" for other in owners if other != owner]
    return said


def rewrite(new: str, root: Path = ROOT) -> None:
    """Put the address `new` in all places."""
    old, new = (address.removeprefix(HOSTS[0]) for address in (homepage(root), new))
    for place in PLACES:
        path = root / place
        text = path.read_text(encoding="utf-8")
        for host in HOSTS:
            text = re.sub(rf"{re.escape(host + old)}(?![\w-])", host + new, text)
        path.write_text(text, encoding="utf-8")


def main() -> int:
    """Write a new address, or without one say what differs; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("address", nargs="?", help="the new address")
    new = parser.parse_args().address
    if new is not None:
        if not SHAPE.fullmatch(new):
            parser.error(f"expected https://github.com/OWNER/NAME, got {new!r}")
        rewrite(new)
    found = differences()
    print("\n".join(found) if found else f"All places name {homepage()}.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
