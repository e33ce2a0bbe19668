"""Numbers of bytes for people, in a unit that leaves a figure to read."""

from __future__ import annotations

# As disks and downloads are sold: powers of 1000.
_STEP = 1000.0
BYTES_PER_KB, BYTES_PER_MB, BYTES_PER_GB = _STEP, _STEP**2, _STEP**3
_UNITS = ("bytes", "kB", "MB", "GB", "TB")
_FEW = 10.0  # below it a decimal tells something


def in_words(count: float) -> str:
    """Return a number of bytes: "18 bytes", "1.5 kB", "124 MB"; never "0 MB" for some."""
    value, unit = float(count), 0
    while round(value) >= _STEP and unit + 1 < len(_UNITS):
        value, unit = value / _STEP, unit + 1
    digits = 1 if unit and round(value, 1) < _FEW else 0
    return f"{value:.{digits}f} {'byte' if count == 1 else _UNITS[unit]}"
