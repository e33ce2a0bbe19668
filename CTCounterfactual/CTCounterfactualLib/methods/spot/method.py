"""Ask this spot: how the score depends on one place, beside places at random.

The spot is replaced by its own counterfactual, by what lies around it, and by what lies on the
other side of the body. Any replacement moves a score a little, so the same is done to spots of the
same size elsewhere: the percentile says whether this place is more than any.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...checked import number_in
from ...errors import SettingsError
from ...limits import ABOVE_0, Limit
from ...setting import setting
from ..method import CAUSAL, Found, Method, Needs, Options, Request

MOST_CONTROLS = 1000
_COORDINATES = 3


def _check_point(text: str) -> str:
    return "" if _numbers(text) else "give R,A,S in mm: three numbers, separated by commas."


def _numbers(text: str) -> tuple[float, ...] | None:
    numbers = [number_in(part) for part in text.replace(" ", "").split(",")]
    found = tuple(n for n in numbers if n is not None and abs(n) < float("inf"))
    return found if len(found) == len(numbers) == _COORDINATES else None


@dataclass(frozen=True)
class SpotOptions(Options):
    """Which spot, and how many others beside it."""

    at: str | None = setting(None, "R,A,S of its centre in mm", "Place", check=_check_point)
    radius_mm: float = setting(10.0, "its radius", "Radius", limit=ABOVE_0, unit="mm")
    controls: int = setting(
        20, "spots at random to compare it with", "Control spots", limit=Limit(0, MOST_CONTROLS)
    )

    @property
    def point(self) -> tuple[float, float, float]:
        """R, A, S in mm; raise `SettingsError` without any."""
        numbers = _numbers(self.at or "")
        if numbers is None:
            raise SettingsError(
                "The method spot needs a place: give its option `at` as R,A,S in mm."
            )
        return numbers[0], numbers[1], numbers[2]


def run(request: Request) -> Found:
    """Answer for the spot; the map shows the effect at the spot and at each control spot."""
    from .run import answer

    _ = request.options.point
    return answer(request)


METHOD = Method(
    name="spot",
    description="How the score depends on one place: replaced by its counterfactual, by its "
    "surroundings and by the mirrored side, beside spots at random",
    sign="positive: what lies there holds the score up (replacing it lowers the score); the spot "
    "and the control spots show their effects",
    needs=Needs(),
    run=run,
    options=SpotOptions,
    group=CAUSAL,
    searches=True,
    columns=("kind", "effect", "percentile", "score"),
)
