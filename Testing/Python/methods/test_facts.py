"""What methods list among their facts: found wherever it lies, in the columns that they name."""

from dataclasses import fields

import pytest

from CTCounterfactualLib.methods.facts import cell, in_words, listed, sentence, single, unit_of
from CTCounterfactualLib.methods.registry import NAMES, find_method
from CTCounterfactualLib.methods.spot.answer import Replacement
from CTCounterfactualLib.methods.structures.table import StructureRow

STRUCTURES = {
    "structures": {
        "unit": "logit",
        "gain": 2.0,
        "sentence": "The left lung carries 62 % of the score.",
        "rows": [
            {"label": 1, "name": "left lung", "ml": 900.0, "share": 0.62, "alone": 1.5},
            {"label": 2, "name": "liver", "ml": 1500.0, "share": None, "alone": None},
        ],
        "interactions": [{"first": "a", "second": "b"}],
    }
}


def test_the_records_of_a_method_are_found_in_its_columns_shares_in_percent():
    rows = listed(STRUCTURES, "structures")
    assert [list(row) for row in rows] == [["name", "share", "alone", "ml"]] * 2
    assert rows[0]["share"] == pytest.approx(62.0) and rows[1]["share"] is None
    everything = ["label", "name", "ml", "share", "alone"]
    assert [list(row) for row in listed(STRUCTURES)] == [everything] * 2


@pytest.mark.parametrize("facts", [{}, {"a": []}, {"a": [1, 2]}, {"a": {"b": "c"}}])
def test_without_records_nothing_is_listed(facts):
    assert listed(facts) == ()


def test_single_facts_are_found_in_groups_too_and_truths_are_none():
    assert single({"calls": 3, "exact": True, **STRUCTURES}) == {
        "calls": 3,
        "unit": "logit",
        "gain": 2.0,
        "sentence": "The left lung carries 62 % of the score.",
    }
    assert sentence(STRUCTURES).startswith("The left lung") and sentence({}) == ""


@pytest.mark.parametrize(
    ("key", "unit"),
    [
        ("ml", "mL"),
        ("components_ml", "mL"),
        ("mean_change_hu", "HU"),
        ("share", "%"),
        ("alone", "logit"),
        ("effect", "logit"),
        ("score", "probability"),
        ("score_without", "probability"),
        ("boundary", "probability"),
        ("percentile", ""),
    ],
)
def test_units_follow_from_the_name_of_a_fact(key, unit):
    assert unit_of(key, STRUCTURES, "probability") == unit


def test_words():
    assert unit_of("effect", {}, "L") == "L"  # a method that says no unit of its own
    said = [in_words(key) for key in ("ml", "changed_ml", "mean_change_hu", "score_without")]
    assert said == ["volume", "changed", "mean change", "score without"]
    assert cell([1.0, 2.25]) == "1, 2.25" and cell(None) == ""


def test_columns_that_a_method_names_are_fields_of_its_records():
    records = {"structures": StructureRow, "spot": Replacement}
    named = {name: find_method(name).columns for name in NAMES if find_method(name).columns}
    assert named.keys() == records.keys()
    for name, columns in named.items():
        assert set(columns) <= {each.name for each in fields(records[name])}
