"""JSON and TOML are read strictly: what says two things, or is no number, is no value."""

import pytest

from CTCounterfactualLib.storage.objects import parse_json, parse_toml, read_json, read_object

DEEP = 100_000


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('{"a": 1, "b": {"c": 1, "c": 2}}', "'c' is there twice"),
        ('{"a": NaN}', "NaN is no number"),
        ("[-Infinity]", "-Infinity is no number"),
        ("[" * DEEP, "nested too deep"),
        ('{"a": 1', "Expecting"),
        ("", "Expecting value"),
    ],
)
def test_what_is_no_strict_json(text, words):
    with pytest.raises(ValueError, match=words):
        parse_json(text)


@pytest.mark.parametrize("text", ["a = 1\na = 2", "a = [" + "[" * DEEP, "a ="])
def test_what_is_no_toml(text):
    with pytest.raises(ValueError):
        parse_toml(text)


def test_values_are_as_written(tmp_path):
    assert parse_json('{"a": [1, 2.5, null, true, "ä"]}') == {"a": [1, 2.5, None, True, "ä"]}
    assert parse_toml("a = 1\n[b]\nc = [2.5]") == {"a": 1, "b": {"c": [2.5]}}
    path = tmp_path / "a.json"
    path.write_text("[1]", encoding="utf-8")
    assert read_json(path, 100) == [1]
    with pytest.raises(ValueError, match="an object in braces is expected, not a list"):
        read_object(path, 100)
    with pytest.raises(OSError, match="more than"):
        read_json(path, 2)
