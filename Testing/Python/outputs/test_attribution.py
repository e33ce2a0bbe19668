"""Result folders of methods' maps: written, read back, and told from counterfactuals."""

import json
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.counterfactual.result import Flag, ModelInfo, PreparedInfo, TargetInfo
from CTCounterfactualLib.errors import OutputError
from CTCounterfactualLib.methods.attribution import Attribution, MethodInfo
from CTCounterfactualLib.methods.levels import label_values, value_levels
from CTCounterfactualLib.outputs.attribution_reading import read_any_result, read_attribution
from CTCounterfactualLib.outputs.folder import write_result
from CTCounterfactualLib.outputs.reading import read_result
from CTCounterfactualLib.scans.scan import Scan

SHAPE = (6, 10, 12)


@pytest.fixture
def made():
    rng = np.random.default_rng(3)
    hu = rng.integers(-1000, 300, SHAPE).astype(np.int16)
    # Oblique: 20 degrees about S.
    direction = (0.9397, -0.3420, 0, 0.3420, 0.9397, 0, 0, 0, 1)
    scan = Scan.from_array(hu, (1.0, 1.5, 2.0), (3.0, -4.0, 5.0), direction, name="a $b$\n")
    values = rng.normal(size=SHAPE).astype(np.float32)
    return Attribution(
        scan=scan,
        prepared=PreparedInfo(4, (1.5, 1.5, 3.0)),
        method=MethodInfo("mine", "Mine", "positive: more", {"depth": 3, "layer": None}),
        classifier=ModelInfo("judge", "12ab", "Judges"),
        target=TargetInfo("finding", "L"),
        autoencoder=None,
        score=0.25,
        values=values,
        heatmap=label_values(values, 2.0),
        levels=value_levels(2.0),
        flags=(Flag("odd", "Oddly\x00 made."),),
        seconds={"search": 1.0, "total": 2.5},
        peak_memory_mb=100.0,
        versions={"torch": "2"},
        device="cpu",
        seed=7,
        parts={"sufficient": values > 1},
        facts={"calls": 14},
    )


def test_what_is_written_comes_back(made, tmp_path):
    folder = write_result(made, tmp_path / "out", with_scan=True)
    back = read_attribution(folder)
    assert np.array_equal(back.values, made.values) and back.values.dtype == np.float32
    assert np.array_equal(back.heatmap, made.heatmap)
    assert np.array_equal(back.parts["sufficient"], made.parts["sufficient"])
    for field in (
        "prepared",
        "method",
        "classifier",
        "target",
        "autoencoder",
        "score",
        "levels",
        "seconds",
        "versions",
        "device",
        "seed",
        "facts",
        "partial",
    ):
        assert getattr(back, field) == getattr(made, field)
    assert back.flags == (Flag("odd", "Oddly  made."),) and back.scan.name == "a $b$ "
    assert np.array_equal(back.scan.array, made.scan.array)


def test_files_lie_on_the_scans_own_grid_and_the_record_says_the_method(made, tmp_path):
    folder = write_result(made, tmp_path / "out", scene=False)
    record = json.loads((folder / "result.json").read_text())
    assert sorted(record["files"]) == sorted(
        [
            "attribution.nrrd",
            "heatmap.nrrd",
            "parts/sufficient.nrrd",
            "figure.png",
            "result.json",
            "what-this-says.txt",
        ]
    )
    assert record["method"]["name"] == "mine" and record["method"]["sign"] == "positive: more"
    assert record["heat_levels"][9]["high"] is None
    for name in ("attribution.nrrd", "heatmap.nrrd", "parts/sufficient.nrrd"):
        image = sitk.ReadImage(str(folder / name))
        assert image.GetDirection() == pytest.approx(made.scan.image.GetDirection(), abs=1e-6)
        assert image.GetOrigin() == pytest.approx(made.scan.image.GetOrigin())
    assert (folder / "figure.png").stat().st_size > 10_000


def test_an_earlier_result_gives_way_to_a_map_and_back(made, explanation, tmp_path):
    out = tmp_path / "out"
    write_result(made, out)
    with pytest.raises(OutputError):
        write_result(explanation, out, scene=False)
    write_result(explanation, out, force=True, scene=False)
    assert not (out / "attribution.nrrd").exists()
    assert json.loads((out / "result.json").read_text())["method"] == {"name": "latent-shift"}
    write_result(made, out, force=True)
    assert not (out / "counterfactual.nrrd").exists() and not (out / "heatmaps").exists()


def test_each_kind_says_how_it_is_read(made, explanation, tmp_path):
    mapped = write_result(made, tmp_path / "map")
    with pytest.raises(OutputError, match=r"the map of the method mine.*read_attribution"):
        read_result(mapped)
    changed = write_result(explanation, tmp_path / "changed", scene=False)
    with pytest.raises(OutputError, match=r"holds a counterfactual.*read_result"):
        read_attribution(changed)


def test_a_result_without_a_method_is_a_counterfactual(explanation, tmp_path):
    folder = write_result(explanation, tmp_path / "old", scene=False, with_scan=True)
    record = json.loads((folder / "result.json").read_text())
    del record["method"]  # as the first version wrote it
    (folder / "result.json").write_text(json.dumps(record))
    assert read_result(folder).scores == explanation.scores


@pytest.mark.parametrize("method", [None, "mine", {"name": "mine"}, []])
def test_a_damaged_method_is_told(made, tmp_path, method):
    folder = write_result(made, tmp_path / "out", scene=False)
    record = json.loads((folder / "result.json").read_text())
    (folder / "result.json").write_text(json.dumps({**record, "method": method}))
    with pytest.raises(OutputError, match=r"is damaged|no counterfactual"):
        read_result(folder)
    with pytest.raises(OutputError, match="is damaged"):
        read_attribution(folder, made.scan)


def test_a_map_of_another_scan_is_told(made, tmp_path):
    folder = write_result(made, tmp_path / "out", scene=False)
    other = Scan.from_array(np.zeros(SHAPE, np.int16), (1.0, 1.5, 2.0), (50.0, 0.0, 0.0))
    with pytest.raises(OutputError, match="is not the scan that was explained"):
        read_attribution(folder, other)


def test_an_empty_map_is_drawn(made, tmp_path):
    nothing = np.zeros(SHAPE, np.float32)
    empty = replace(
        made, values=nothing, heatmap=label_values(nothing, 0.0), levels=value_levels(0.0), parts={}
    )
    assert not read_attribution(write_result(empty, tmp_path / "out"), made.scan).heatmap.any()


def test_a_map_has_a_report_and_a_scene_where_they_are_wanted(made, tmp_path):
    pytest.importorskip("slicer")
    folder = write_result(made, tmp_path / "out", scene=True, report=True)
    record = json.loads((folder / "result.json").read_text())
    assert {"report.html", "scene.mrb"} <= set(record["files"])
    assert "<h1>What speaks for" in (folder / "report.html").read_text(encoding="utf-8")
    assert (folder / "scene.mrb").read_bytes()[:2] == b"PK"


def test_a_folder_is_read_for_what_its_record_says(made, explanation, tmp_path):
    mapped = write_result(made, tmp_path / "map", scene=False)
    changed = write_result(explanation, tmp_path / "changed", scene=False)
    assert read_any_result(mapped, made.scan).method == made.method
    assert read_any_result(changed, explanation.scan).scores == explanation.scores
    record = json.loads((mapped / "result.json").read_text())
    (mapped / "result.json").write_text(json.dumps({**record, "method": None}))
    with pytest.raises(OutputError, match="is damaged"):
        read_any_result(mapped, made.scan)
