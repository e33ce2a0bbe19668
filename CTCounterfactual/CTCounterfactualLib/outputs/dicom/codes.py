"""Codes of the DICOM files: the standard's where it has them, else of a scheme of our own."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from ...project import HOMEPAGE

if TYPE_CHECKING:
    from highdicom.coding_schemes import CodingSchemeIdentificationItem
    from highdicom.sr import CodedConcept

# DICOM keeps designators that begin with 99 free for local schemes.
SCHEME = "99CTCF"
# Longest meaning that a code may have (LO).
LONGEST_MEANING = 64
# Units of scores that UCUM has under the same name.
_UCUM = {"L": "liter", "mL": "milliliter", "mm": "millimeter", "%": "percent"}
# What UCUM takes for a remark in braces.
_REMARK = re.compile(r"[^A-Za-z0-9_.-]+")


def own(value: str, meaning: str) -> CodedConcept:
    """Return a code of our own scheme; a long meaning is cut."""
    from highdicom.sr import CodedConcept

    return CodedConcept(value[:16].upper(), SCHEME, meaning[:LONGEST_MEANING])


def standard(value: str, scheme: str, meaning: str) -> CodedConcept:
    """Return a code of a public scheme."""
    from highdicom.sr import CodedConcept

    return CodedConcept(value, scheme, meaning)


def unit_code(unit: str) -> CodedConcept:
    """Return a unit by UCUM: its own, HU, or 1 with the unit's name as a remark."""
    if unit == "HU":
        return standard("[hnsf'U]", "UCUM", "Hounsfield unit")
    if unit in _UCUM:
        return standard(unit, "UCUM", _UCUM[unit])
    remark = _REMARK.sub("_", unit).strip("_")
    return standard(f"{{{remark}}}" if remark else "1", "UCUM", unit or "no units")


def schemes() -> list[CodingSchemeIdentificationItem]:
    """Return what files say of our own scheme."""
    from highdicom.coding_schemes import CodingSchemeIdentificationItem

    return [
        CodingSchemeIdentificationItem(
            SCHEME, name="CTCounterfactual", responsible_organization=HOMEPAGE
        )
    ]
