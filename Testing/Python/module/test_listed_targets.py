"""Targets taken from the catalogue's texts."""

import pytest

from CTCounterfactualLib.models.entry import list_models
from CTCounterfactualSlicer.listed_targets import ListedTarget, find_listed, read_listed


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("lung volume (L)", ListedTarget("lung volume", "", "L")),
        ("Pleural effusion [507] (probability)",
         ListedTarget("Pleural effusion", "507", "probability")),
        ("Nausea (and vomiting) [78] (probability)",
         ListedTarget("Nausea (and vomiting)", "78", "probability")),
        ("rate (1/(min mL))", ListedTarget("rate", "", "1/(min mL)")),
        ("f(x)", ListedTarget("f(x)")),
        ("(x)", ListedTarget("(x)")),
        ("x) (L)", ListedTarget("x)", "", "L")),
        ("", ListedTarget("")),
    ],
)
def test_name_code_and_unit(text, target):
    assert read_listed(text) == target


@pytest.mark.parametrize(
    ("wanted", "unit"),
    [
        ("effusion", "L"),
        ("effusion logit", "logit"),
        ("EFFUSION LOGIT", "logit"),
        ("b", "mL"),  # a name comes before another's code
        ("B", "HU"),
        ("other [b]", "s"),
        (None, "L"),
    ],
)
def test_a_target_is_found_by_its_whole_name(wanted, unit):
    """One target's name begins another's, and one's code is another's name."""
    targets = ("effusion (L)", "other [b] (s)", "effusion logit (logit)", "b (mL)", "B (HU)")
    for shown in (targets, targets[:1] + targets[:0:-1]):
        assert find_listed(shown, wanted).unit == unit


def test_what_is_not_listed_is_not_found():
    assert find_listed(("effusion logit (logit)",), "effusion") is None
    assert find_listed((), None) is None


def test_every_target_of_the_catalogue_is_read_back():
    for entry in list_models():
        for text in entry.targets:
            target = read_listed(text)
            assert f"{target.label} ({target.unit})" == text
        last = read_listed(entry.targets[-1]) if entry.targets else None
        assert find_listed(entry.targets, last.label if last else "x") == last
