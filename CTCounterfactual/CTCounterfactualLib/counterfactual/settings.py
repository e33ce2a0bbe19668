"""Settings of one explanation, checked; the table that describes each is `setting_table`."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from inspect import cleandoc

from .. import setting_table as table
from ..checked import check_settings, number_in, take_types
from ..errors import SettingsError
from ..setting import parameters_section
from ..setting_choices import MAX_FRAMES as MAX_FRAMES
from ..setting_choices import MAX_LEVELS as MAX_LEVELS
from ..setting_choices import MAX_SMOOTHING as MAX_SMOOTHING
from ..setting_table import SETTINGS, SettingTable
from ..wording import say
from .direction import DIRECTIONS as DIRECTIONS

MODES = tuple(table.MODES)
SEARCHES = tuple(table.SEARCHES)
BASELINES = tuple(table.BASELINES)
CHANGE_SCOPES = tuple(table.CHANGE_SCOPES)
COMPOSITES = tuple(table.COMPOSITES)
WITHIN = tuple(table.WITHIN)
FOCUSES = tuple(table.FOCUSES)
STEPS = tuple(table.STEPS)
DEVICES = tuple(table.DEVICES)
FLIP, LIMIT = tuple(table.GOALS)
# The goal of a run that has a target score.
SCORE = "score"


@dataclass(frozen=True)
class ExplainSettings(SettingTable):
    """How to search for a counterfactual.

    Raises
    ------
    SettingsError
        Naming the setting, its value and what is allowed.
    """

    def __post_init__(self) -> None:
        self._take_score_for_goal()
        take_types(self, say)
        object.__setattr__(self, "level_edges", tuple(float(e) for e in self.level_edges))
        check_settings(self, say)

    def _take_score_for_goal(self) -> None:
        """Make a goal that is a number the target score, which is the same."""
        score = number_in(self.goal)
        if score is not None:
            if self.target_score not in (None, score):
                raise SettingsError(
                    f"Setting {say('goal')} is {self.goal}, and {say('target_score')} is "
                    f"{self.target_score}, which means the same; give one of them."
                )
            object.__setattr__(self, "goal", None)
            object.__setattr__(self, "target_score", score)
        elif self.goal is not None and self.target_score is not None:
            raise SettingsError(
                f"Setting {say('goal')} is {self.goal!r}, but {say('target_score')} is "
                f"{self.target_score}: give one of them."
            )

    @property
    def scope(self) -> str:
        """The change scope in force: `change_scope`, or the search's own."""
        return self.change_scope or ("region" if self.search == "adaptive" else "volume")

    @property
    def clipped(self) -> bool:
        """Whether the decoder's pictures are cut to 0..1 before anything is made of them.

        A change that joins the scan: yes, because what a picture shows beyond black and white
        nobody sees, and the scan has no room for it. The paper's D(z + lambda g), baseline
        `reconstruction`: no, it is scored as it is. The gradient is that of what is scored.
        """
        return self.baseline == "scan"

    def to_dict(self) -> dict:
        """Return plain JSON values, as they were set; see `scope` for a `change_scope` of None."""
        return {**asdict(self), "level_edges": list(self.level_edges)}

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of all settings."""
        return tuple(field.name for field in fields(cls))


ExplainSettings.__doc__ = (
    f"{cleandoc(ExplainSettings.__doc__ or '')}\n\n{parameters_section(SETTINGS)}\n"
)
