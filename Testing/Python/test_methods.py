"""The benchmark of methods: slabs around the finding, and a table of what was measured."""

import csv
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "Benchmarks"))

from methods_cases import MARGIN_MM, in_plane, slab_cases
from methods_table import methods_report
from probe_data import slab

from block_scan import known_scan
from CTCounterfactualLib.bench.layout import CASES_FILE, COLUMNS


def row(case, name="occlusion", **figures):
    asked = {"classifier": "demo", "row": name, "case": case, "options": {"window_mm": 60.0}}
    return {"asked": asked, "figures": figures}


def measured(mass, hit, **others):
    figures = {"mass_in_mask": mass, "hit": hit, "hit_6mm": 1.0, "dice": mass / 2, **others}
    for beside, value in (("chance", 0.02), ("ceiling", 0.8)):
        names = ("mass_in_mask", "hit", "hit_6mm", "dice")
        figures |= {f"{name}_{beside}": value for name in names}
    return figures | {"cpu_seconds": 3.0}


def test_rows_tell_medians_rates_and_what_has_no_map():
    results = [
        row("a", **measured(0.2, 1.0)),
        row("b", **measured(0.6, 0.0)),
        row("c", problem="no gradient"),
        row("a", "latent-shift", **measured(0.5, 1.0, recovered=0.25)),
        {
            "asked": {"classifier": "demo", "row": "", "case": "a"},
            "figures": {"score": 2.0, "score_clean": -1.0},
        },
    ]
    text = methods_report(results, ["latent-shift", "occlusion", "grad-cam"], "command", 7, 120.0)
    lines = text.splitlines()
    (occlusion,) = [line for line in lines if line.startswith("| occlusion")]
    assert occlusion == (
        "| occlusion, window_mm 60 | 2 of 3 | 0.40 (0.20 to 0.60) | 0.50; 1.00 "
        "| 0.20 (0.10 to 0.30) | - | 3 |"
    )
    (shift,) = [line for line in lines if line.startswith("| latent-shift")]
    assert "| 1 of 1 | 0.50 | 1.00; 1.00 | 0.25 | 0.25 | 3 |" in shift
    assert lines.index(shift) < lines.index(occlusion) and "grad-cam" not in text
    assert any(line.startswith("| *chance* | 2 | 0.02") for line in lines)
    assert any(
        line.startswith("| *ceiling* | 2 | 0.80 | 0.80; 0.80 | 0.80 | 1 |") for line in lines
    )
    assert "* occlusion, c: no gradient" in lines
    assert "a 2.00 (-1.00)" in text and "Seed 7" in text


def test_a_slab_lies_around_the_finding_and_within_the_scan():
    cover = np.zeros((100, 4, 4))
    cover[60:64] = 1
    kept = slab(cover)
    assert kept.stop - kept.start == 40 and abs((kept.start + kept.stop) / 2 - 61.5) <= 1
    cover = np.zeros((100, 4, 4))
    cover[98:] = 1
    assert slab(cover) == slice(60, 100)
    assert slab(cover[70:]) == slice(0, 30)


def test_in_plane_keeps_the_body_and_a_margin():
    body = np.zeros((5, 60, 80), bool)
    body[2, 20:30, 40:50] = True
    rows, columns = in_plane(body, (3.0, 1.5, 3.0))  # (I, J, K) mm
    assert rows == slice(20 - round(MARGIN_MM / 1.5), 30 + round(MARGIN_MM / 1.5))
    assert columns == slice(40 - round(MARGIN_MM / 3), 50 + round(MARGIN_MM / 3))
    body[2, 2, 40] = True
    assert in_plane(body, (3.0, 1.5, 3.0))[0].start == pytest.approx(0)


@pytest.mark.parametrize(("slab_mm", "slices"), [(18.0, 6), (0.0, 10)])
def test_a_case_is_a_slab_around_the_finding_or_the_whole_chest(tmp_path, slab_mm, slices):
    known = known_scan()
    known.save(tmp_path)
    sitk.WriteImage(known.scan.image, str(tmp_path / "s.nrrd"))
    row = dict.fromkeys(COLUMNS, "") | {"case": "chest-a-effusion-1", "finding": "effusion"}
    row |= {"scan": "s.nrrd", "clean": "c.nrrd", "mask": "m.nrrd", "ml": 1, "seed": 1}
    with (tmp_path / CASES_FILE).open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS)
        table.writeheader()
        table.writerow(row)
    (case,) = slab_cases(tmp_path, tmp_path / "slabs", slab_mm)
    assert case.origin == "chest-a"
    assert case.scan.size[2] == slices
    assert case.finding.sum() == known.mask.sum()  # all of it, in either
    assert np.array_equal(case.scan.array[~case.finding], case.clean.array[~case.finding])
