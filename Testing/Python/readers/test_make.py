"""Pages of a study: self-contained, blind, with the explanation only where it belongs."""

import base64
import csv
import json
import re
import shutil

import pytest

from CTCounterfactualLib.errors import OutputError, SettingsError
from CTCounterfactualLib.readers import make
from CTCounterfactualLib.readers.make import KEY, StudySettings, make_study
from CTCounterfactualLib.storage.atomic import write_text


def data_of(page):
    """Return what a page holds for its script."""
    (text,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    return json.loads(text)


@pytest.fixture(scope="module")
def study(cohort, tmp_path_factory):
    out = tmp_path_factory.mktemp("study") / "study"
    return make_study(cohort, out, StudySettings(("anna", "ben"), cases=4, seed=3))


def test_a_page_for_each_reader_and_session(study):
    assert sorted(path.name for path in study.iterdir()) == [
        "answers",
        "key.csv",
        "read-anna-1.html",
        "read-anna-2.html",
        "read-ben-1.html",
        "read-ben-2.html",
        "study.json",
    ]


def test_pages_are_blind(study):
    """Neither name, nor patient, nor label is in them; nor a file or an address to load."""
    for path in study.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        assert "secret-name" not in text and '"label"' not in text and "://" not in text
        data = data_of(text)
        for one in data["cases"]:
            assert set(one) == {"number", "score", "pictures"}
            assert one["score"] == "The classifier says 0.700 probability."


def test_explanations_are_where_the_key_says(study):
    with (study / KEY).open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 2 * 4
    assert sum(float(row["label"]) for row in rows) == 8  # half of them positives
    for reader in ("anna", "ben"):
        for session in "12":
            page = (study / f"read-{reader}-{session}.html").read_text(encoding="utf-8")
            own = [r for r in rows if (r["reader"], r["session"]) == (reader, session)]
            cases = data_of(page)["cases"]
            assert [one["number"] for one in cases] == [row["number"] for row in own]
            for one, row in zip(cases, own, strict=True):
                explained = row["explained"] == "1"
                kinds = {"scan", "counterfactual", "change"} if explained else {"scan"}
                assert set(one["pictures"]) == kinds
                assert len({len(slices) for slices in one["pictures"].values()}) == 1
                assert base64.b64decode(one["pictures"]["scan"][0])[:3] == b"\xff\xd8\xff"


def test_the_same_seed_makes_the_same_study(cohort, study, tmp_path):
    again = make_study(cohort, tmp_path / "s", StudySettings(("anna", "ben"), cases=4, seed=3))
    assert (again / KEY).read_bytes() == (study / KEY).read_bytes()
    page = "read-anna-1.html"
    assert (again / page).read_bytes() == (study / page).read_bytes()


def test_what_cannot_be_made_is_said(cohort, tmp_path):
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("x")
    with pytest.raises(OutputError, match="holds something already"):
        make_study(cohort, tmp_path / "full", StudySettings())
    with pytest.raises(SettingsError, match="reader"):
        make_study(cohort, tmp_path / "new", StudySettings(("../anna",)))
    slim = tmp_path / "slim"
    shutil.copytree(cohort, slim)
    for path in slim.rglob("difference.nrrd"):
        path.unlink()
    with pytest.raises(OutputError, match="all files are kept"):
        make_study(slim, tmp_path / "new", StudySettings())
    assert not (tmp_path / "new").exists()


def test_a_study_is_whole_or_not_there(cohort, tmp_path, monkeypatch):
    """The disk is full at the second page: no reader gets a part of a study."""

    def full(path, text, **how):
        if "anna-2" in str(path):
            raise OutputError("the disk is full")
        write_text(path, text, **how)

    monkeypatch.setattr(make, "write_text", full)
    with pytest.raises(OutputError, match="full"):
        make_study(cohort, tmp_path / "new", StudySettings(("anna",), cases=2))
    assert not (tmp_path / "new").exists()
