"""What a number may be, with words for messages."""

from __future__ import annotations

import math
from dataclasses import dataclass

# Seeds that every generator in use takes.
MOST_SEED = 2**64 - 1


@dataclass(frozen=True)
class Limit:
    """What a number may be: from `least` (or above it, if `open`) up to `most`."""

    least: float = -math.inf
    most: float = math.inf
    open: bool = False

    def holds(self, value: float) -> bool:
        """Tell whether a number is within; NaN never is."""
        return (self.least < value if self.open else self.least <= value) and value <= self.most

    def __str__(self) -> str:
        if self.most == math.inf:
            return f"above {self.least:g}" if self.open else f"{self.least:g} or more"
        start = f"above {self.least:g}, at most" if self.open else f"{self.least:g} to"
        return f"{start} {self.most if isinstance(self.most, int) else format(self.most, 'g')}"


UNLIMITED = Limit()
POSITIVE = Limit(1)
COUNT = Limit(0)
ABOVE_0 = Limit(0, open=True)
FRACTION = Limit(0, 1)
SEED = Limit(0, MOST_SEED)
