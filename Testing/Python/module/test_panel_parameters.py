"""What the panel shows becomes the console's keywords, and the engine's settings."""

from types import SimpleNamespace

import pytest

from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.setting_table import SETTINGS
from CTCounterfactualSlicer.options import KEYWORDS, Options
from CTCounterfactualSlicer.panels.parameters import (
    AUTOMATIC,
    keywords_of,
    numbers_from,
    numbers_text,
    parameters_of,
)

DEFAULTS = ExplainSettings()
LEVELS = SETTINGS["level_edges"]
# What scenes have kept since the first version: type, default, choices, range.
KEPT = {
    "mode": (str, "both", ("whole", "chunks", "both"), None),
    "direction": (str, "decrease", ("decrease", "increase"), None),
    "chunk": (int, 10, (), (1, 1000)),
    "maxChangePercent": (float, 5.0, (), (0.1, 100)),
    "device": (str, "auto", (), None),
    "search": (str, "adaptive", ("adaptive", "reference"), None),
    "baseline": (str, "scan", ("scan", "reconstruction"), None),
    "composite": (str, "local", ("local", "bounded", "residual"), None),
    "changeScope": (str, "automatic", ("automatic", "region", "volume"), None),
    "goal": (str, "automatic", ("automatic", "flip", "limit"), None),
    "sliceSmoothing": (float, 2.0, (), (0.0, 5.0)),
    "useTargetScore": (bool, False, (), None),
    "targetScore": (float, 0.0, (), (-1e9, 1e9)),
    "maxEvaluations": (int, 12, (), (2, 1000)),
    "levelEdges": (str, "10, 25, 50, 100, 200", (), None),
    "frames": (int, 3, (), (0, 60)),
    "seed": (int, 0, (), (0, 2**31 - 1)),
}


def parameters(**changes) -> SimpleNamespace:
    """Return what a new parameter node holds, with changes."""
    values = {
        "classifier": "lung-volume",
        "method": "latent-shift",
        "target": "",
        "autoencoder": "ct-vqgan-small",
        "regionAuto": False,
        "regionSegmentation": None,
        "regionSegment": "",
        "assumeHu": False,
        "outputs": "replace",
        "mode": DEFAULTS.mode,
        "direction": DEFAULTS.direction,
        "chunk": DEFAULTS.chunk,
        "maxChangePercent": 100 * DEFAULTS.max_change,
        "device": DEFAULTS.device,
        "search": DEFAULTS.search,
        "baseline": DEFAULTS.baseline,
        "composite": DEFAULTS.composite,
        "changeScope": AUTOMATIC,
        "goal": AUTOMATIC,
        "within": DEFAULTS.within,
        "focus": DEFAULTS.focus,
        "regionControls": DEFAULTS.region_controls,
        "step": DEFAULTS.step,
        "sliceSmoothing": DEFAULTS.slice_smoothing,
        "useTargetScore": False,
        "targetScore": 0.0,
        "maxEvaluations": DEFAULTS.max_evaluations,
        "levelEdges": numbers_text(DEFAULTS.level_edges),
        "frames": DEFAULTS.frames,
        "seed": DEFAULTS.seed,
    }
    return SimpleNamespace(**{**values, **changes})


def test_scenes_of_before_still_open():
    """A parameter of another name or type, or with fewer values, would lose what was saved."""
    made = {
        one.name: (one.kind, one.default, one.choices, one.range)
        for one in parameters_of(SETTINGS.values())
    }
    assert {name: made[name] for name in KEPT} == KEPT
    assert {type(made[name][1]) for name in KEPT} <= {str, int, float, bool}


def test_untouched_panel_means_the_engines_defaults():
    made = Options.from_keywords(**keywords_of(parameters()))
    assert made == Options()


def test_every_setting_of_the_console_can_be_reached_from_the_panel():
    # The report is written from the section "Export"; where to run is no choice of a scene.
    assert set(KEYWORDS) - set(keywords_of(parameters())) == {"report", "runOn"}


@pytest.mark.parametrize(
    ("percent", "share"), [(0.1, 0.001), (5.0, 0.05), (33.3, 0.333), (100.0, 1.0)]
)
def test_the_change_limit_is_percent_in_the_panel_and_a_share_in_the_engine(percent, share):
    assert keywords_of(parameters(maxChangePercent=percent))["maxChange"] == share


def test_the_target_score_counts_only_if_it_is_switched_on():
    assert keywords_of(parameters(targetScore=3.5))["targetScore"] is None
    assert keywords_of(parameters(targetScore=3.5, useTargetScore=True))["targetScore"] == 3.5


def test_a_score_that_is_switched_on_is_the_goal():
    """As in scenes of before, which knew no other; and else it would be refused as a second one."""
    chosen = parameters(goal="flip", targetScore=3.5, useTargetScore=True)
    assert Options.from_keywords(**keywords_of(chosen)).settings == ExplainSettings(goal=3.5)
    assert keywords_of(parameters(goal="flip", targetScore=3.5))["goal"] == "flip"
    assert keywords_of(parameters())["goal"] is None


def test_a_region_is_a_pair_of_node_and_segment():
    node = object()
    made = keywords_of(parameters(regionSegmentation=node, regionSegment="Segment_1"))
    assert made["region"] == (node, "Segment_1")


def test_a_segmentation_without_segments_is_refused_instead_of_ignored():
    node = SimpleNamespace(GetName=lambda: "Lungs")
    with pytest.raises(SettingsError, match=r"'Lungs' has no segment .* Draw one"):
        keywords_of(parameters(regionSegmentation=node))


@pytest.mark.parametrize("text", ["10, 25, 50", "10,25,50", "10 25 50", " 10;25 ;50 "])
def test_levels_may_be_separated_as_people_do(text):
    assert numbers_from(text, LEVELS) == (10.0, 25.0, 50.0)


def test_levels_survive_the_line_edit():
    assert numbers_from(numbers_text((2.5, 10.0, 1000.0)), LEVELS) == (2.5, 10.0, 1000.0)


def test_levels_that_are_no_numbers_are_named():
    with pytest.raises(SettingsError, match=r"'10, x'; give rising numbers in HU"):
        numbers_from("10, x", LEVELS)
