"""The public collections that `manifest` knows."""

from __future__ import annotations

from .lidc import LIDC
from .listed import Archive
from .plethora import PLETHORA
from .rexgrounding import REXGROUNDING
from .totalsegmentator import TOTALSEGMENTATOR

ARCHIVES: dict[str, Archive] = {
    archive.name: archive for archive in (PLETHORA, LIDC, REXGROUNDING, TOTALSEGMENTATOR)
}
