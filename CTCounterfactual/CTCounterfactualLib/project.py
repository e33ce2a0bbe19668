"""Where this project lives: the one home of its address.

pyproject.toml, the extension's CMake file and catalogue entry, CITATION.cff and the issue
templates can't import Python; `python Testing/address.py` holds them equal to this.
"""

from __future__ import annotations

# Stands for the real one until the repository has it.
HOMEPAGE = "https://github.com/CTCounterfactual/SlicerCTCounterfactual"
ISSUES = f"{HOMEPAGE}/issues"
