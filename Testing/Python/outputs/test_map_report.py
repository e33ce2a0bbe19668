"""The report of a method's map: what the sign means, known failures, tables, safe names."""

from dataclasses import replace
from datetime import datetime, timezone
from html import escape

import numpy as np
import pytest

from CTCounterfactualLib.counterfactual.result import (
    DISCLAIMER,
    ModelInfo,
    PreparedInfo,
    TargetInfo,
)
from CTCounterfactualLib.methods.attribution import Attribution, MethodInfo
from CTCounterfactualLib.methods.levels import label_values, value_levels
from CTCounterfactualLib.methods.saliency.guided_backprop import KNOWN_FAILURE, METHOD
from CTCounterfactualLib.outputs.map_pictures import PART_RGB
from CTCounterfactualLib.outputs.map_report import map_report_page
from CTCounterfactualLib.outputs.pictures import change_rgb, grey, mask_over, values_over
from CTCounterfactualLib.scans.scan import Scan

DAY = datetime(2026, 3, 1, 12, 30, tzinfo=timezone.utc)
SHAPE = (6, 10, 12)
NASTY = "<script>alert(1)</script>"


@pytest.fixture
def made():
    values = np.zeros(SHAPE, np.float32)
    values[2, 3, 4], values[4, 5, 6] = 2.0, -1.0
    return Attribution(
        scan=replace(
            Scan.from_array(np.zeros(SHAPE, np.int16), (1.0, 1.5, 2.0), name=NASTY),
            path="/private/patient.nrrd",
        ),
        prepared=PreparedInfo(4, (1.5, 1.5, 3.0)),
        method=MethodInfo(METHOD.name, METHOD.description, METHOD.sign, {"layer": None}),
        classifier=ModelInfo("judge", "12ab", "Judges"),
        target=TargetInfo("finding", "logit"),
        autoencoder=None,
        score=0.25,
        values=values,
        heatmap=label_values(values, 2.0),
        levels=value_levels(2.0),
        flags=(KNOWN_FAILURE,),
        seconds={"search": 1.0, "total": 2.5},
        peak_memory_mb=100.0,
        versions={"torch": "2"},
        device="cpu",
        seed=7,
        parts={"sufficient": values > 1},
        facts={
            "boundary": 0.5,
            "explanations": [{"kind": "sufficient", "ml": 1.25, "components_ml": [1.0, 0.25]}],
        },
    )


def test_the_page_says_what_the_sign_means_and_the_methods_known_failure(made):
    page = map_report_page(made, DAY)
    assert escape(METHOD.sign[1:]) in page
    assert "random weights" in page and "Adebayo" in page
    assert DISCLAIMER in page and "2026-03-01" in page
    assert "<span>2</span>" in page and "<span>for the score</span>" in page


def test_the_page_has_the_table_and_the_facts_with_their_units(made):
    page = map_report_page(made, DAY)
    assert "<th>Kind</th><th>Volume (mL)</th><th>Components (mL)</th>" in page
    assert "<td>sufficient</td><td>1.25</td><td>1, 0.25</td>" in page
    assert "<dt>boundary</dt><dd>0.5 logit</dd>" in page
    assert page.count("<figure") == 9  # scan, map and part in three planes
    without = map_report_page(replace(made, parts={}, facts={}), DAY)
    assert without.count("<figure") == 6 and "<table" not in without


def test_names_are_escaped_and_paths_stay_out(made):
    page = map_report_page(made, DAY)
    assert NASTY not in page and "&lt;script&gt;" in page
    assert "/private" not in page and "http" not in page.split("</style>")[1]


def test_a_value_is_coloured_by_its_share_of_the_strongest():
    hu = np.full((1, 4), -600.0)
    values = np.array([[2.0, -2.0, 0.1, 0.0]])
    pixels = values_over(hu, values, 2.0).astype(int)
    base = int(grey(hu)[0, 0])
    assert pixels[0, 0, 0] > pixels[0, 0, 2] and pixels[0, 1, 2] > pixels[0, 1, 0]
    assert (pixels[0, 2:] == base).all()  # 5 % of the strongest, and 0
    solid = change_rgb(np.array(1.0))
    assert abs(pixels[0, 0] - solid).max() < abs(base - solid).max()
    masked = mask_over(hu, values > 1, PART_RGB).astype(int)
    assert masked[0, 0, 1] > masked[0, 0, 0] and (masked[0, 1:] == base).all()


def test_an_empty_or_cancelled_map_is_reported(made):
    nothing = np.zeros(SHAPE, np.float32)
    page = map_report_page(replace(made, values=nothing, partial=True), DAY)
    assert "The run was cancelled" in page


@pytest.mark.parametrize(("parts", "columns"), [({}, 2), (None, 3)])
def test_pictures_have_as_many_columns_as_titles(made, parts, columns):
    page = map_report_page(made if parts is None else replace(made, parts=parts))
    block = page.partition('<div class="pictures"')[2].partition("<aside>")[0]
    assert f"--columns:{columns}" in block
    assert block.count("<h3>") == columns and block.count("<figure") == 3 * columns
