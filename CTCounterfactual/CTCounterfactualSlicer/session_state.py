"""What a session is doing, and what it says of a lambda."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Phase(enum.Enum):
    """What a session is doing."""

    PREPARING = "preparing"
    READY = "ready"
    KEEPING = "keeping"
    ENDED = "ended"


@dataclass(frozen=True)
class SessionPoint:
    """What a lambda does: the score there, and the share of the image that it changes."""

    lam: float
    score: float
    change: float

    @property
    def change_percent(self) -> float:
        """The change in percent."""
        return 100 * self.change
