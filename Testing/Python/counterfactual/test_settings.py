"""Settings: defaults, and a message for every value that cannot be."""

from __future__ import annotations

import json

import numpy as np
import pytest

from CTCounterfactualLib.counterfactual.heatmap import heat_levels, label_change
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.errors import SettingsError


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("mode", "all", "Setting mode is 'all'; choose one of whole, chunks, both."),
        ("direction", "up", "Setting direction is 'up'; choose one of decrease, increase."),
        ("search", "grid", "Setting search is 'grid'; choose one of adaptive, reference."),
        ("baseline", "ct", "Setting baseline is 'ct'; choose one of scan, reconstruction."),
        ("composite", "sum", "Setting composite is 'sum'; choose one of local, bounded, residual."),
        (
            "change_scope", "slice",
            "Setting change_scope is 'slice'; choose one of None, region, volume.",
        ),
        (
            "goal", "win",
            "Setting goal is 'win'; choose one of None, flip, limit, or give a score.",
        ),
        ("goal", True, "Setting goal is True; it must be text in quotes or a number or null."),
        ("goal", "nan", "Setting target_score is nan; give a finite score, or none."),
        ("device", "gpu", "Setting device is 'gpu'; choose one of auto, cpu, cuda or cuda:N."),
        ("chunk", 0, "Setting chunk is 0; it must be 1 slice or more."),
        ("chunk", -3, "Setting chunk is -3; it must be 1 slice or more."),
        (
            "max_change", 0,
            "Setting max_change is 0; it is a fraction above 0, at most 1 (0.05 is 5 %).",
        ),
        (
            "max_change", 5,
            "Setting max_change is 5; it is a fraction above 0, at most 1 (0.05 is 5 %).",
        ),
        (
            "max_change", float("nan"),
            "Setting max_change is nan; it is a fraction above 0, at most 1 (0.05 is 5 %).",
        ),
        ("frames", -1, "Setting frames is -1; choose 0 (none) to 60 volumes."),
        ("frames", 61, "Setting frames is 61; choose 0 (none) to 60 volumes."),
        ("frames", 1.5, "Setting frames is 1.5; it must be a whole number."),
        (
            "max_evaluations", 1,
            "Setting max_evaluations is 1; a search needs at least 2.",
        ),
    ],
)  # fmt: skip
def test_an_invalid_value_is_named_with_what_is_allowed(name, value, told):
    with pytest.raises(SettingsError) as caught:
        ExplainSettings(**{name: value})
    assert str(caught.value) == told


@pytest.mark.parametrize("edges", [(), (0, 10), (-5, 5), (25, 10), (10, 10, 25)])
def test_level_edges_must_rise_from_above_zero(edges):
    with pytest.raises(SettingsError, match=r"Setting level_edges is .*give rising HU values"):
        ExplainSettings(level_edges=edges)


def test_level_edges_of_any_sequence_become_a_tuple_of_floats():
    settings = ExplainSettings(level_edges=[5, 20])
    assert settings.level_edges == (5.0, 20.0)
    assert all(isinstance(edge, float) for edge in settings.level_edges)
    assert settings == ExplainSettings(level_edges=(5.0, 20.0))


@pytest.mark.parametrize(
    ("search", "scope", "in_force"),
    [
        ("adaptive", None, "region"), ("reference", None, "volume"),
        ("adaptive", "volume", "volume"), ("reference", "region", "region"),
    ],
)  # fmt: skip
def test_each_search_has_its_own_change_scope_unless_one_is_given(search, scope, in_force):
    settings = ExplainSettings(search=search, change_scope=scope)
    assert settings.scope == in_force
    assert settings.to_dict()["change_scope"] == scope  # as it was set


@pytest.mark.parametrize("device", ["auto", "cpu", "cuda", "cuda:1"])
def test_devices_that_torch_knows_are_accepted(device):
    assert ExplainSettings(device=device).device == device


def test_extremes_that_are_allowed():
    ExplainSettings(chunk=1, max_change=1, max_evaluations=2, level_edges=(0.5,))


def test_json_round_trip_gives_the_same_settings():
    settings = ExplainSettings(mode="chunks", chunk=4, target_score=1.5, level_edges=(5, 50))
    values = json.loads(json.dumps(settings.to_dict()))
    assert tuple(values) == ExplainSettings.names()
    again = ExplainSettings(**values)
    assert again.to_dict() == settings.to_dict()


@pytest.mark.parametrize("goal", [2, 2.0, "2", " 2.0 ", np.float32(2)])
def test_a_goal_that_is_a_number_is_the_target_score(goal):
    settings = ExplainSettings(goal=goal)
    assert settings == ExplainSettings(target_score=2.0)
    assert (settings.goal, settings.target_score) == (None, 2.0)
    assert ExplainSettings(**settings.to_dict()) == settings


@pytest.mark.parametrize("goal", ["flip", "limit", 3.0])
def test_two_goals_are_refused(goal):
    with pytest.raises(SettingsError, match=r"Setting goal is .*target_score is 2\.0.*give one"):
        ExplainSettings(goal=goal, target_score=2.0)


def test_settings_cannot_be_changed_afterwards():
    with pytest.raises(AttributeError):
        ExplainSettings().chunk = 3


def test_numbers_of_numpy_become_pythons_own():
    settings = ExplainSettings(
        chunk=np.int64(5), seed=np.uint8(3), max_change=np.float32(0.5), target_score=np.float64(1)
    )
    assert json.loads(json.dumps(settings.to_dict()))["max_change"] == 0.5
    assert (type(settings.chunk), type(settings.seed)) == (int, int)
    assert type(settings.target_score) is float


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("chunk", True, "whole number"),
        ("frames", 1.5, "whole number"),
        ("seed", "3", "whole number"),
        ("seed", 2**64, "it must be 0 to 18446744073709551615"),
        ("seed", -1, "it must be 0 to"),
        ("max_change", "0.1", "must be a number"),
        ("max_change", None, "must be a number"),
        ("target_score", True, "must be a number or null"),
        ("level_edges", tuple(range(1, 129)), "at most 127 levels"),
    ],
)
def test_numbers_that_no_setting_has(name, value, allowed):
    with pytest.raises(SettingsError, match=rf"{name}.* is .*; .*{allowed}"):
        ExplainSettings(**{name: value})


def test_as_many_levels_as_labels_have_bytes_for():
    edges = tuple(float(edge) for edge in range(1, 128))
    assert ExplainSettings(level_edges=edges).level_edges == edges
    labels = [level.label for level in heat_levels(edges)]
    assert sorted(labels) == list(range(1, 255))
    changes = np.array([200, 127, -200, -1, 0, 1], np.int16)
    assert label_change(changes, edges).tolist() == [254, 254, 127, 1, 0, 128]


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("seed", 10**5000, "a number of hundreds of digits"),
        ("mode", "a" * 10**6, "aaa..."),
        ("level_edges", tuple(range(10**5)), "(0.0, 1.0, "),
    ],
    ids=["digits", "text", "levels"],
)
def test_a_refused_value_is_cut_where_it_is_long(name, value, shown):
    """Python itself refuses to write numbers of thousands of digits."""
    with pytest.raises(SettingsError) as caught:
        ExplainSettings(**{name: value})
    assert shown in str(caught.value)
    assert len(str(caught.value)) < 400
