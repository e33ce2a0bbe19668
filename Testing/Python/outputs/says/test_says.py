"""What this says: known answers of results made by hand, and no sentence without its number."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

import CTCounterfactualLib
from CTCounterfactualLib.counterfactual.plausibility_flags import BOTH_WAYS, MEASURES, STILL_THERE
from CTCounterfactualLib.counterfactual.result import Flag, ModelInfo, PreparedInfo, TargetInfo
from CTCounterfactualLib.methods.attribution import Attribution, MethodInfo
from CTCounterfactualLib.methods.levels import label_values, value_levels
from CTCounterfactualLib.outputs.report import report_page
from CTCounterfactualLib.outputs.says import files
from CTCounterfactualLib.outputs.says.advice import ADVICE, OF_OTHERS, advice
from CTCounterfactualLib.outputs.says.moved import TISSUES, moved_of
from CTCounterfactualLib.outputs.says.sentences import percent_of, what_this_says
from CTCounterfactualLib.scans.scan import Scan
from explained_by_hand import explanation_of

LIBRARY = Path(CTCounterfactualLib.__file__).parent
# Voxels of 4 x 3.5 x 5 mm, the scan's middle at R 0: what lies at I < 12 is on the patient's right.
SPACING, SIZE = (4.0, 3.5, 5.0), (12, 24, 24)
VOXEL_ML = 4.0 * 3.5 * 5.0 / 1000
TESTS = [
    {"test": "noise", "status": "pass", "sentence": "It stays.", "number": 0.9, "measure": "r"},
    {"test": "reversal", "status": "fail", "sentence": "It doesn't come back.", "number": 0.2,
     "measure": "share undone"},
    {"test": "window", "status": "not run", "sentence": "No window.", "number": None,
     "measure": ""},
]  # fmt: skip


@pytest.fixture(scope="module")
def scan():
    """Fluid all over, half of it -700 HU from slice 6 on."""
    hu = np.zeros(SIZE, np.int16)
    hu[6:] = -700
    origin = (-4.0 * 23 / 2, 0.0, -30.0)
    return Scan.from_array(hu, SPACING, origin, name="made")


@pytest.fixture(scope="module")
def result(scan):
    """36 voxels of fluid fell by 120 HU on the right, 12 of lung rose by 30 HU on the left."""
    return explanation_of(scan)


def lines(result, tests=()):
    return [line for part in what_this_says(result, tests) for line in part.sentences]


def a_map(scan):
    values = np.zeros(SIZE, np.float32)
    values[2:4, 5, 20] = 2.0
    values[9, 5, 3] = -2.0
    return Attribution(
        scan=scan,
        prepared=PreparedInfo(20, (1.5, 1.5, 3.0)),
        method=MethodInfo("occlusion", "what occlusion takes away", "positive: for it", {}),
        classifier=ModelInfo("toy-net"),
        target=TargetInfo("effusion", "logit"),
        autoencoder=None,
        score=2.5,
        values=values,
        heatmap=label_values(values, 2.0),
        levels=value_levels(2.0),
        flags=(Flag("stopped-early", "It ended early."),),
        seconds={"total": 1.0},
        peak_memory_mb=1.0,
        versions={},
        device="cpu",
        seed=0,
    )


def test_what_moved_is_measured(result):
    moved = moved_of(result)
    assert moved.less_ml == pytest.approx(36 * VOXEL_ML)
    assert moved.denser_ml == pytest.approx(12 * VOXEL_ML)
    assert (moved.less_hu, moved.denser_hu) == (-120, 30)
    kinds = [kind for kind, _ in TISSUES]
    was = dict(zip(kinds, moved.before, strict=True))
    became = dict(zip(kinds, moved.after, strict=True))
    assert was["soft tissue or fluid"] == pytest.approx(36 * VOXEL_ML)
    assert was["lung or air"] == pytest.approx(12 * VOXEL_ML)
    assert became["fat"] == pytest.approx(36 * VOXEL_ML)  # 0 - 120 HU
    assert moved.left_share == pytest.approx(12 * 30 / (12 * 30 + 36 * 120))
    assert moved.middle_mm == pytest.approx(0.0)
    assert moved.heights_mm == (-20.0, -10.0)  # slices 2 to 4; 8 % above them is left out


def test_the_lungs_say_where_the_middle_is_and_what_lies_within(scan, result):
    mask = np.zeros(SIZE, np.uint8)
    mask[:, :, 4:9] = 1  # R 30 to 14 mm: all that fell, nothing of what rose
    lungs = sitk.GetImageFromArray(mask)
    lungs.CopyInformation(scan.image)
    moved = moved_of(replace(result, lungs=lungs))
    assert moved.in_lungs_share == pytest.approx(36 * 120 / (36 * 120 + 12 * 30))
    assert moved.middle_mm == pytest.approx(22.0)
    (within,) = [line for line in lines(replace(result, lungs=lungs)) if "within" in line]
    assert within.startswith("92 % of the change lies within the lungs")


def test_the_sentences_of_a_known_result(result):
    told = lines(result)
    assert "lowers the score from 2.500 to 0.7500 logit" in told[0]
    assert told[1] == (
        "By 10 HU or more, 2.52 mL became less dense (median \N{MINUS SIGN}120 HU) and 0.840 mL "
        "denser (median +30 HU)."
    )
    assert told[2] == "75 % of that was soft tissue or fluid before; 75 % is fat now."
    assert told[3] == (
        "92 % of the change lies on the patient's right of the middle of the scan (R 0 mm)."
    )
    assert told[4].startswith("80 % of the change lies between S \N{MINUS SIGN}20 and S")
    assert (
        "Of 2 slabs, each changed alone, the score depends most on S \N{MINUS SIGN}60 to"
        in (told[5])
    )
    assert "(lowers it by 1.00 logit)" in told[5] and "(lowers it by 0.500 logit)" in told[5]
    assert "by 0.100, 5.7 % of what the counterfactual moves it by (1.75)" in told[6]
    assert told[7].startswith("0 tests of trust were run")
    assert told[8] == "1 flag was raised."
    assert told[9] == f"Haze (haze): {ADVICE['haze']}"


def test_tests_of_trust_are_counted_and_what_failed_is_quoted(result):
    told = lines(result, TESTS)
    assert "Of 3 tests of trust 1 failed, 1 passed, 1 not run." in told
    assert (
        "Flag reversal, which failed: It doesn't come back. (share undone: 0.2)" in told
    )  # those that passed are only counted


def test_a_change_on_both_sides_is_called_so(result):
    change = result.difference + np.flip(result.difference, axis=2)
    both = replace(result, difference=change, counterfactual=result.scan.array + change)
    assert any("on both sides of the middle of the scan" in line for line in lines(both))


def test_nothing_moved_is_said_without_places(result):
    still = replace(
        result,
        difference=np.zeros_like(result.difference),
        whole=replace(result.whole, lam=0.0, score_after=2.5),
        chunks=(),
        flags=(),
        scores=replace(result.scores, counterfactual=2.5),
    )
    told = lines(still)
    assert "No change within the limit" in told[0]
    assert not any("mL" in line or "lies" in line for line in told)
    assert told[-1] == "0 flags were raised."


def test_a_maps_strongest_voxels(scan):
    told = lines(a_map(scan))
    assert "0.140 mL have at least 50 % of the strongest value" in told[1]
    assert "between S \N{MINUS SIGN}20 and S \N{MINUS SIGN}15 mm" in told[1]
    assert told[2].startswith("100 % of them lie on the patient's left, 0 % on the right")


def test_every_sentence_has_a_number_or_a_flags_name(scan, result):
    mri = replace(result, scan=replace(scan, modality="MR"))
    region = replace(result, region_name="left lung")
    all_flags = replace(result, flags=tuple(Flag(name, "x") for name in [*ADVICE, "odd-one"]))
    for each in (result, mri, region, all_flags, a_map(scan)):
        for tests in ((), TESTS):
            for sentence in lines(each, tests):
                assert re.search(r"\d|\([a-z-]+\)", sentence), sentence
                assert sentence.endswith((".", ")")), sentence


@pytest.mark.parametrize(
    ("share", "told"),
    [(0, "0 %"), (1, "100 %"), (0.0001, "0.1 %"), (0.9999, "99.9 %"), (0.995, "99.5 %"),
     (0.456, "46 %"), (0.0456, "4.6 %"), (2.5, "250 %")],
)  # fmt: skip
def test_shares_in_percent(share, told):
    assert percent_of(share) == told


def test_every_flag_of_a_counterfactual_has_its_advice():
    raised = {*MEASURES, BOTH_WAYS, STILL_THERE}
    for path in (LIBRARY / "counterfactual").rglob("*.py"):
        raised |= set(re.findall(r'Flag\(\s*"([a-z-]+)"', path.read_text(encoding="utf-8")))
    assert len(raised) > 12
    assert raised - set(ADVICE) == set()
    assert advice("trust-noise") != advice("my-own") == OF_OTHERS


def test_the_report_and_the_folder_hold_the_same_sentences_escaped(result, tmp_path):
    odd = replace(result, target=replace(result.target, name="<b>effusion</b>"))
    page = report_page(odd, tests=TESTS)
    assert "What this says" in page and "<b>effusion</b>" not in page
    assert "Of 3 tests of trust 1 failed" in page
    files.write_says(tmp_path, result, TESTS)
    text = (tmp_path / files.SAYS_FILE).read_text(encoding="utf-8")
    assert text.startswith("Model behaviour, not a diagnosis.\n\nWhat moved\n- ")
    assert all(f"- {line}\n" in text for line in lines(result, TESTS))
    assert files.tests_of(tmp_path) == []
