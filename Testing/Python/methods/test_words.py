"""Options as NAME=VALUE texts."""

import pytest

from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.methods.registry import find_method
from CTCounterfactualLib.methods.words import options_from_words, options_in_words

METHOD = find_method("responsibility")


def test_texts_become_values_of_the_options_kinds():
    words = ["iterations=3", "least-ml=0.5", "negative=yes", "calls=none", "occlusion = blur"]
    values = options_from_words(METHOD, words)
    assert values == {
        "iterations": 3,
        "least_ml": 0.5,
        "negative": True,
        "calls": None,
        "occlusion": "blur",
    }
    assert METHOD.with_options(values).iterations == 3


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("itrations=3", "sets no option of the method responsibility.*iterations"),
        ("iterations", "give NAME=VALUE"),
        ("iterations=many", "Option iterations is 'many'; it must be a whole number"),
        ("negative=perhaps", "must be true or false"),
    ],
)
def test_what_is_no_option_is_told(word, told):
    with pytest.raises(SettingsError, match=told):
        options_from_words(METHOD, [word])


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"iterations": 0}, "iterations is 0; it must be 1 or more"),
        ({"weighting": "much"}, "choose one of plain, score, volume, depth"),
        ({"occlusion": "no-such-file.nrrd"}, "give one of air, mean, blur, counterfactual, a numb"),
        ({"nothing": 1}, "Method responsibility has no field 'nothing'"),
    ],
)
def test_values_out_of_range_are_told(options, told):
    with pytest.raises(SettingsError, match=told):
        METHOD.with_options(options)


def test_each_option_is_described_with_its_default():
    lines = options_in_words(METHOD)
    assert len(lines) == 10
    assert lines[1].startswith("iterations: ") and lines[1].endswith("(default: 20)")
    assert lines[0].endswith("(default: none)") and lines[8].endswith("(default: false)")
