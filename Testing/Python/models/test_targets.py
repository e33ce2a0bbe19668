"""Which target a name means: as written before any case, names before labels before codes."""

import pytest

from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.models.targets import Target, find_target

TARGETS = (
    Target("a", code="b"), Target("b", code="c"), Target("Mass", code="10"), Target("mass"),
    Target("twin", code="1"), Target("twin", code="2"),
)


@pytest.mark.parametrize(("asked", "number"), [
    (None, 0), ("a", 0), ("b", 1), ("B", 1), ("c", 1), ("a [b]", 0), ("A [B]", 0),
    ("Mass", 2), ("mass", 3), ("10", 2), ("twin [2]", 5), ("2", 5), ("a [b] (score)", 0),
])
def test_a_code_hides_no_name_and_case_counts_first(asked, number):
    assert find_target("net", TARGETS, asked) is TARGETS[number]


@pytest.mark.parametrize(("asked", "listed"), [
    ("MASS", "'Mass \\[10\\]', 'mass'"), ("twin", "'twin \\[1\\]', 'twin \\[2\\]'"),
])
def test_several_meanings_are_listed(asked, listed):
    with pytest.raises(SettingsError, match=f"Target '{asked}' of classifier net can be.*{listed}"):
        find_target("net", TARGETS, asked)


@pytest.mark.parametrize(("asked", "words"), [
    ("", "no target ''"), ("heart", "no target 'heart'"), (507, "in quotes, not as 507"),
])
def test_no_target_is_named(asked, words):
    with pytest.raises(SettingsError, match=words):
        find_target("net", TARGETS, asked)
