"""The paper's table beside a run: which numbers are compared, and what is said of the archive."""

import pytest

from CTCounterfactualLib.archives.listed import Listed
from CTCounterfactualLib.cohort.report.reproduce import (
    CHUNKS,
    PUBLISHED,
    SETTINGS,
    beside_published,
    measured,
)
from CTCounterfactualLib.cohort.rows import DONE, CaseRow, ChunkRow


def case(id, label, score):
    """Return a finished case, with the composite of all chunks, which the paper doesn't report."""
    row = CaseRow(id, f"/d/{id}", "", id, label, DONE, unit="probability")
    return CaseRow(**{**vars(row), "score_original": score, "score_counterfactual": 0.0})


def chunk(id, size, start, reduction):
    """Return a search of a chunk that begins at 0.8."""
    return ChunkRow(id, size, start, start + size, 0, 1, 0.8, 0.8 - reduction, reduction, -1, 0.01)


CASES = [case("c1", 1.0, 0.9), case("c2", 1.0, 0.7), case("c3", 0.0, 0.2), case("c4", 0.0, 0.0)]


def test_counterfactuals_are_the_best_chunk_of_twelve():
    chunks = [chunk("c1", 12, 0, 0.1), chunk("c1", 12, 12, 0.5), chunk("c1", 5, 0, 0.7)]
    chunks += [chunk("c3", 12, 0, 0.8)]  # a negative
    positives, negatives, changed = measured(CASES, chunks)
    assert (positives.n, positives.mean) == (2, pytest.approx(0.8))
    assert (negatives.n, negatives.mean) == (2, pytest.approx(0.1))
    assert (changed.n, changed.mean) == (1, pytest.approx(0.3))


def test_the_published_values_stand_beside():
    listed = Listed()
    listed.leave("LUNG1-9", "a mask without a CT")
    text = beside_published(CASES, [], listed)
    for told in ("0.24 \u00b1 0.03", "0.05 \u00b1 0.01", "0.15 \u00b1 0.02", "<td>322</td>"):
        assert told in text
    assert "a mask without a CT (1)" in text
    assert [one.n for one in PUBLISHED] == [77, 322, 77]


def test_it_is_the_papers_method():
    assert (SETTINGS.search, SETTINGS.baseline, SETTINGS.mode) == (
        "reference",
        "reconstruction",
        "chunks",
    )
    assert SETTINGS.scope == "volume" and max(CHUNKS) == SETTINGS.chunk == 12
