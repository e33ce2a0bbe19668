"""A cohort's report: its numbers by hand, and a page that holds what the tables do, and no more."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest

from CTCounterfactualLib.cohort.report.case_table import table_data
from CTCounterfactualLib.cohort.report.chosen_cases import choose
from CTCounterfactualLib.cohort.report.figure_five import (
    PLACES,
    by_case_and_size,
    profiles,
    reductions,
)
from CTCounterfactualLib.cohort.report.outcomes import failures, shortcuts, successes
from CTCounterfactualLib.cohort.report.scores import scored
from CTCounterfactualLib.cohort.report.table_one import OF_POSITIVES, POSITIVES, table_one
from CTCounterfactualLib.cohort.report.write import Extra, report_page, write_cohort_report
from CTCounterfactualLib.cohort.rows import DONE, FAILED, CaseRow, ChunkRow
from CTCounterfactualLib.cohort.tables import write_tables
from CTCounterfactualLib.errors import OutputError


def case(number, label, before, after, **more):
    """Return a finished case with threshold 0.5."""
    return CaseRow(
        f"c{number}",
        f"/d/{number}.nrrd",
        "",
        f"p{number}",
        label,
        DONE,
        attempts=1,
        unit="probability",
        target="effusion",
        score_original=before,
        score_counterfactual=after,
        threshold=0.5,
        flipped=(before >= 0.5) != (after >= 0.5),
        reduction=before - after,
        slices=20,
        seconds=2.0,
        peak_mb=100.0,
        **more,
    )


def chunk(id, size, start, reduction, truth=None):
    """Return a search of a chunk."""
    return ChunkRow(
        id, size, start, start + size, 0.0, 1.0, 0.8, 0.8 - reduction, reduction, -1.0, 0.01, truth
    )


CASES = [
    case(1, 1.0, 0.9, 0.3),
    case(2, 1.0, 0.7, 0.5),
    case(3, 0.0, 0.2, 0.1),
    case(4, 0.0, 0.0, 0.0),
    CaseRow("c5", "/d/5.nrrd", "", "p5", 1.0, FAILED, reason="It is <cut> off.", attempts=2),
]


def test_table_one_by_hand():
    found = table_one(scored(CASES))
    means = {group.name: group.scores.mean for group in found.groups}
    assert means[POSITIVES] == pytest.approx(0.8)
    assert means[OF_POSITIVES] == pytest.approx(0.4)
    # The gap is 0.8 - 0.1, of which the counterfactuals close 0.4.
    assert found.gap_closed == pytest.approx(4 / 7)
    assert found.auc == 1.0
    named = dict(found.differences)
    assert named["positives against negatives"].value == pytest.approx(0.7)
    assert named["positives against their counterfactuals"].test == "paired t-test"


def test_a_cohort_without_negatives_still_has_a_table():
    found = table_one(scored(CASES[:2]))
    assert [group.name for group in found.groups] == [POSITIVES, OF_POSITIVES]
    assert np.isnan(found.gap_closed)


def test_of_each_scan_the_best_chunk_counts():
    chunks = [chunk("c1", 10, 0, 0.1), chunk("c1", 10, 10, 0.4), chunk("c2", 10, 0, 0.2)]
    chunks += [chunk("c1", 5, 0, 0.05), chunk("c5", 10, 0, 9.0)]  # what failed doesn't count
    found = {(one.chunk, one.positive): one for one in reductions(CASES, by_case_and_size(chunks))}
    assert found[10, True].reduction.mean == pytest.approx(0.3)
    assert found[10, True].after.mean == pytest.approx(0.5)
    assert found[5, True].reduction.n == 1
    assert set(found) == {(5, True), (10, True)}


def test_the_whole_volume_stands_beside_the_chunks():
    cases = [replace(one, lam=-3.0) for one in CASES[:2]]
    (whole,) = reductions(cases, {})
    assert (whole.chunk, whole.reduction.mean) == (0, pytest.approx(0.4))


def test_places_along_the_body():
    """Of 20 slices the upper half falls by 0.4: so do the profile's upper places."""
    chunks = [chunk("c1", 10, 0, 0.0, 0.25), chunk("c1", 10, 10, 0.4, 0.75)]
    (found,) = profiles(CASES, by_case_and_size(chunks), 10)
    half = PLACES // 2
    assert found.mean[:half] == pytest.approx(0.0)
    assert found.mean[half:] == pytest.approx(0.4)
    assert found.truth[half:] == pytest.approx(0.75)


def test_success_counts_what_it_says():
    found = {one.name: (one.share.count, one.share.n) for one in successes(CASES)}
    assert found == {
        "Cases that were explained": (4, 5),
        "Positives that the classifier calls positive": (2, 2),
        "Of these, decisions that the counterfactual changes": (1, 2),
        "Negatives called negative whose counterfactual stays negative": (2, 2),
        "Positives whose score falls": (2, 2),
    }
    assert failures(CASES) == [("It is <cut> off.", ["c5"])]


def test_shortcuts_are_judged_as_stress_does():
    cases = [replace(CASES[n], stress={"clip": value}) for n, value in enumerate((-0.6, 0.3, 0.1))]
    (found,) = shortcuts(cases)
    assert (found.doubtful, found.bad) == (pytest.approx(2 / 3), pytest.approx(1 / 3))


def test_best_median_worst():
    cases = [case(n, 1.0, 0.9, 0.9 - n / 100) for n in range(12)]
    found = [(one.kind, one.case.id) for one in choose(cases)]
    assert [id for kind, id in found if kind == "best"] == ["c11", "c10", "c9"]
    assert [id for kind, id in found if kind == "median"] == ["c7", "c6", "c5"]
    assert [id for kind, id in found if kind == "worst"] == ["c2", "c1", "c0"]
    assert [one.case.id for one in choose(cases[:2])] == ["c1", "c0"]
    assert choose([CASES[4]]) == []


def test_the_tables_data_hold_every_case_and_no_markup():
    text = table_data(CASES)
    assert "<" not in text
    data = json.loads(text)
    assert data["values"][data["columns"].index("why it failed")][4] == "It is <cut> off."
    assert data["values"][data["columns"].index("score")] == [0.9, 0.7, 0.2, 0, None]
    assert {len(values) for values in data["values"]} == {5}


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """Return the page of the five cases, one of them with a name that is markup."""
    pytest.importorskip("pyarrow")
    folder = tmp_path_factory.mktemp("cohort")
    odd = replace(CASES[0], id="a</script><b>", flags="haze", metrics={"proximity": 0.1})
    chunks = [chunk("c2", 10, 0, 0.2), chunk("c3", 10, 0, 0.1)]
    write_tables(folder, [odd, *CASES[1:]], chunks)
    extra = Extra(notice="Random weights.", published={POSITIVES: "0.24"}, settings={"chunk": 10})
    write_cohort_report(folder, extra)
    return folder


def test_the_page_needs_nothing_else_and_escapes_names(page):
    text = (page / "report.html").read_text(encoding="utf-8")
    places = re.findall(r"(?:src|href|url)[=(]['\"]?([^'\")>]*)", text.split("<script")[0])
    assert all(place.startswith(("data:", "#")) for place in places)
    assert "<b>" not in text.replace("<b>best</b>", "").split("<script")[1]
    assert "a</script>" not in text
    assert text.count("<script") == 2
    assert "Random weights." in text and "0.24" in text and "Welch" in text
    assert "Model behaviour" in text


def test_figures_are_files_too(page):
    names = {path.name for path in (page / "figures").iterdir()}
    for name in ("chunk-sizes", "distributions", "along-the-body-10", "cost"):
        assert {f"{name}.svg", f"{name}.png"} <= names


def test_maps_of_other_methods_have_no_decisions_to_change():
    maps = [replace(one, flipped=None, score_counterfactual=None) for one in CASES[:4]]
    names = [one.name for one in successes(maps)]
    assert names[:2] == [
        "Cases that were explained",
        "Positives that the classifier calls positive",
    ]
    assert not any("counterfactual" in name for name in names)


def test_several_targets_and_nothing_but_failures_are_said(tmp_path):
    mixed = [CASES[0], replace(CASES[1], target="nodule")]
    page, _ = report_page(mixed, [], tmp_path, Extra())
    assert "several targets (effusion, nodule)" in page
    page, figures = report_page(CASES[4:], [], tmp_path, Extra())
    assert "No case has scores" in page and "It is &lt;cut&gt; off." in page and not figures


def test_no_cohort_no_report(tmp_path):
    with pytest.raises(OutputError, match="no finished cohort"):
        write_cohort_report(tmp_path)
    assert list(tmp_path.iterdir()) == []
