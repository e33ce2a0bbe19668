"""Numbers as a report prints them: significant digits with their zeros, a real minus, percent."""

from __future__ import annotations

import math

MINUS = "\N{MINUS SIGN}"
# Outside this range a number is written with an exponent.
SMALLEST, LARGEST = 1e-4, 1e7


def amount(value: float, digits: int = 4) -> str:
    """Return a value with so many significant digits, trailing zeros included: 3.900."""
    if value and not SMALLEST <= abs(value) < LARGEST:
        return f"{value:.{digits - 1}e}".replace("-", MINUS)
    return fixed(value, decimals(value, digits))


def signed(value: float, digits: int = 3) -> str:
    """Return a difference with its sign; plain 0 if it is none."""
    if not value:
        return "0"
    return amount(value, digits) if value < 0 else "+" + amount(value, digits)


def fixed(value: float, places: int) -> str:
    """Return a value with so many places after the point; never a minus before zero."""
    return f"{round(value, places) + 0.0:.{places}f}".replace("-", MINUS)


def decimals(value: float, digits: int) -> int:
    """Return the places after the point that show so many significant digits of a value."""
    if not value:
        return 0
    return max(0, digits - 1 - math.floor(math.log10(abs(value))))


def percent(fraction: float) -> str:
    """Return a fraction in percent, as short as three digits allow: 0.05 is 5 %."""
    return f"{100 * fraction:.3g} %"
