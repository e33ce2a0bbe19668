"""Which target is meant, and the texts that earlier versions remembered."""

from dataclasses import replace

import pytest

from CTCounterfactualLib.models.entry import list_models
from CTCounterfactualLib.models.targets import Target
from CTCounterfactualSlicer.listed_targets import find_listed, read_listed


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("lung volume (L)", Target("lung volume", "L")),
        ("Pleural effusion [507] (probability)", Target("Pleural effusion", "probability", "507")),
        (
            "Nausea (and vomiting) [78] (probability)",
            Target("Nausea (and vomiting)", "probability", "78"),
        ),
        ("rate (1/(min mL))", Target("rate", "1/(min mL)")),
        ("mean (score)", Target("mean")),
        ("f(x)", Target("f(x)")),
        ("(x)", Target("(x)")),
        ("x) (L)", Target("x)", "L")),
        ("", Target("")),
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
    targets = (
        Target("effusion", "L"),
        Target("other", "s", "b"),
        Target("effusion logit", "logit"),
        Target("b", "mL"),
        Target("B", "HU"),
    )
    for shown in (targets, targets[:1] + targets[:0:-1]):
        assert find_listed(shown, wanted).unit == unit


def test_what_is_not_listed_is_not_found():
    assert find_listed((Target("effusion logit", "logit"),), "effusion") is None
    assert find_listed((), None) is None


def test_every_target_of_the_catalogue_is_read_back():
    for entry in list_models():
        for target in entry.targets:
            told = replace(target, threshold=None, negatives=None)  # which that text didn't say
            assert read_listed(target.listed) == told
            assert f"{target.label} ({target.unit})" == target.listed
        last = entry.targets[-1] if entry.targets else None
        assert find_listed(entry.targets, last.label if last else "x") == last
