"""What a study shows: known answers, and what is damaged or of another study is refused."""

import json
import math

import pytest

from CTCounterfactualLib.app.cli import main
from CTCounterfactualLib.errors import OutputError
from CTCounterfactualLib.readers.answers import Answer, read_key
from CTCounterfactualLib.readers.make import KeyRow, StudySettings, make_study
from CTCounterfactualLib.readers.score import score_study, scored


def answer(reader, case, explained, confidence, seconds=10.0):
    """Return an answer; cases with even numbers are positives, each of its own patient."""
    label = float(case % 2 == 0)
    row = KeyRow(reader, 1, 1, f"{case}{explained}", f"c{case}", explained, label, f"p{case}")
    return Answer(row, confidence, seconds, "")


def answers(readers=("a", "b")):
    """Return readers who are undecided without explanations, and right with them, but slower."""
    found = []
    for number, reader in enumerate(readers):
        for case in range(8):
            right = 5 if case % 2 == 0 else 1
            found.append(answer(reader, case, False, 3, 10.0 + number))
            found.append(answer(reader, case, True, right, 14.0 + number))
    return found


def test_readers_who_gain_by_explanations():
    found = scored(answers(), 32)
    assert (found.plain.mean_auc, found.explained.mean_auc) == (0.5, 1.0)
    assert (found.auc_gain, found.auc_low, found.auc_high) == (0.5, 0.5, 0.5)
    assert found.right.value == pytest.approx(2.0)  # 5 instead of 3 in the truth
    assert found.right.p == 0.0 and found.right.rank_p < 0.01
    assert found.time.value == pytest.approx(4.0)
    assert (found.plain.seconds, found.explained.seconds) == (10.5, 14.5)
    assert (found.answers, found.planned, found.pairs) == (32, 32, 16)


def test_agreement_with_and_without():
    found = scored(answers(), 32)
    assert (found.explained.fleiss, found.explained.cohen) == (pytest.approx(1), pytest.approx(1))
    assert math.isnan(found.plain.fleiss)  # one and the same answer to all: nothing to agree on


def test_readers_are_averaged_before_the_test():
    """Eight cases are eight, however many people read them."""
    few, many = scored(answers(("a",)), 16), scored(answers("abcdef"), 96)
    assert few.right.n == many.right.n == 8


def test_half_of_a_study_is_compared_where_it_can_be():
    some = [one for one in answers() if one.reading.case != "c0" or not one.reading.explained]
    found = scored(some, 32)
    assert (found.answers, found.pairs, found.right.n) == (30, 14, 7)


@pytest.fixture
def study(cohort, tmp_path):
    return make_study(cohort, tmp_path / "s", StudySettings(("anna",), cases=6, seed=3))


def fill(folder, session, **changes):
    """Write a reader's file of answers: sure and right with explanations, else undecided."""
    rows = [row for row in read_key(folder) if row.session == session]
    content = {
        "schema": 1,
        "study": json.loads((folder / "study.json").read_text())["study"],
        "reader": "anna",
        "session": session,
        "answers": [
            {
                "number": row.number,
                "confidence": (5 if row.label else 1) if row.explained else 3,
                "seconds": 8.5,
                "comment": "",
            }
            for row in rows
        ],
    } | changes
    path = folder / "answers" / f"answers-anna-{session}.json"
    path.write_text(json.dumps(content))
    return path


def test_from_files_to_scores(study, capsys):
    fill(study, 1)
    fill(study, 2)
    assert main(["reader-study", "score", str(study)]) == 0
    out = capsys.readouterr().out
    assert "12 of 12 answers, 6 cases read both ways" in out
    assert "AUC gained: +0.5" in out and "It speaks of these readers" in out
    told = json.loads((study / "scores.json").read_text())
    assert told["right"]["value"] == 2.0 and told["plain"]["fleiss"] is None


def test_half_a_study_says_so(study, capsys):
    fill(study, 1)
    assert main(["reader-study", "score", str(study)]) == 0
    assert "Not complete: 50 % is missing." in capsys.readouterr().out


def test_foreign_and_damaged_answers(study):
    with pytest.raises(OutputError, match="holds no answers"):
        score_study(study)
    path = fill(study, 1, study="another")
    with pytest.raises(OutputError, match="no answers to this study"):
        score_study(study)
    fill(study, 1, answers=[{"number": "1", "confidence": 9, "seconds": 1}])
    with pytest.raises(OutputError, match="is damaged"):
        score_study(study)
    fill(study, 1)
    (study / "answers" / "copy.json").write_bytes(path.read_bytes())
    with pytest.raises(OutputError, match="again; keep one file"):
        score_study(study)
    assert not (study / "scores.json").exists()
