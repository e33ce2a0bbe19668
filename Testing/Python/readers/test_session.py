"""A reader's session outside the browser: answers kept at once, gone on with another day."""

import json

import pytest

from CTCounterfactualLib.errors import OutputError, SettingsError
from CTCounterfactualLib.readers.answers import read_answers
from CTCounterfactualLib.readers.make import StudySettings, make_study
from CTCounterfactualLib.readers.session import ReadingSession


@pytest.fixture
def study(cohort, tmp_path):
    return make_study(cohort, tmp_path / "s", StudySettings(("anna",), cases=2, seed=3))


def test_answers_are_kept_at_once_and_gone_on_with(study):
    session = ReadingSession(study, "anna")
    first = session.current
    session.answer(4, "left")
    (kept,) = read_answers(study)
    assert (kept.reading, kept.confidence, kept.comment) == (first, 4, "left")
    again = ReadingSession(study, "anna")
    assert again.current != first and again.progress == "1 of 2 cases read"
    again.answer(1)
    assert again.current is None
    with pytest.raises(SettingsError, match="All cases"):
        again.answer(1)
    assert len(read_answers(study)) == 2


def test_what_is_wrong_is_said_and_kept_answers_stay(study):
    session = ReadingSession(study, "anna")
    with pytest.raises(SettingsError, match="give 1"):
        session.answer(6)
    with pytest.raises(SettingsError, match="readers: anna"):
        ReadingSession(study, "ben")
    session.answer(2)
    path = next((study / "answers").glob("*.json"))
    content = json.loads(path.read_text())
    content["answers"][0]["number"] = "999"
    path.write_text(json.dumps(content))
    with pytest.raises(OutputError, match="move it away"):
        ReadingSession(study, "anna")
