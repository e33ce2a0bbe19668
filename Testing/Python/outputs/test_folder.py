"""The result folder: complete, readable, and written whole or not at all."""

import csv
import json
import os
from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.counterfactual.result import Flag
from CTCounterfactualLib.outputs.figure import write_figure
from CTCounterfactualLib.outputs.folder import write_result
from CTCounterfactualLib.outputs.tables import write_chunk_table


def names(folder):
    """Return what lies in a folder, hidden things too."""
    return sorted(os.listdir(folder))


@pytest.fixture(scope="module")
def written(explanation, tmp_path_factory):
    return write_result(explanation, tmp_path_factory.mktemp("out") / "result", scene=True)


def test_all_files_are_there_and_listed(written, explanation):
    names = sorted(p.relative_to(written).as_posix() for p in written.rglob("*") if p.is_file())
    chunks = [f"heatmaps/chunk_{o.start:03d}-{o.stop:03d}.nrrd" for o in explanation.chunks]
    assert names == sorted(
        [
            "chunks.csv",
            "counterfactual.nrrd",
            "difference.nrrd",
            "figure.png",
            "heatmap.nrrd",
            "result.json",
            "what-this-says.txt",
            "scene.mrb",
            "lungs.nrrd",
            *chunks,
            "frames/frame_01.nrrd",
            "frames/frame_02.nrrd",
            "frames/frame_03.nrrd",
        ]
    )
    record = json.loads((written / "result.json").read_text())
    assert sorted(record["files"]) == names


def test_volumes_have_the_scans_geometry_and_voxels(written, explanation):
    for name, voxels in (
        ("counterfactual", explanation.counterfactual),
        ("difference", explanation.difference),
        ("heatmap", explanation.heatmap),
    ):
        image = sitk.ReadImage(str(written / f"{name}.nrrd"))
        scan = explanation.scan.image
        assert image.GetSize() == scan.GetSize()
        assert image.GetSpacing() == pytest.approx(scan.GetSpacing())
        assert image.GetOrigin() == pytest.approx(scan.GetOrigin())
        assert image.GetDirection() == pytest.approx(scan.GetDirection())
        assert np.array_equal(sitk.GetArrayFromImage(image), voxels)


def test_record_says_what_was_done(written, explanation):
    record = json.loads((written / "result.json").read_text())
    assert record["schema"] == 1
    assert record["input"]["size"] == list(explanation.scan.size)
    assert record["scores"]["original"] == explanation.scores.original
    assert record["settings"]["change_scope"] is None  # as it was set
    assert record["change_scope"] == "region"
    assert len(record["autoencoder"]["sha256"]) == 64
    search = record["chunks"][0]
    assert set(search) == {
        "start",
        "stop",
        "slab_mm",
        "lambda",
        "score_before",
        "score_after",
        "stop_reason",
        "change",
        "evaluations",
        "path",
    }
    assert search["evaluations"] == len(search["path"])
    assert search["path"][0] == [0.0, record["whole"]["score_before"], 0.0]
    assert record["timing"]["total"] > 0
    assert record["versions"]["torch"]


def test_frames_are_written_in_order_with_their_scores(written, explanation):
    record = json.loads((written / "result.json").read_text())
    assert [entry["fraction"] for entry in record["frames"]] == [0.25, 0.5, 0.75]
    assert len(explanation.frames) == 3
    for entry, frame in zip(record["frames"], explanation.frames, strict=True):
        image = sitk.ReadImage(str(written / entry["file"]))
        assert entry["score"] == frame.score
        assert image.GetOrigin() == pytest.approx(frame.image.GetOrigin())
        assert np.array_equal(sitk.GetArrayFromImage(image), sitk.GetArrayFromImage(frame.image))


def test_lungs_are_a_mask_on_the_prepared_grid(written, explanation):
    lungs = sitk.ReadImage(str(written / "lungs.nrrd"))
    record = json.loads((written / "result.json").read_text())
    assert lungs.GetSize()[2] == explanation.prepared.slices == record["prepared"]["slices"]
    assert lungs.GetSpacing() == pytest.approx(explanation.prepared.spacing)
    assert record["prepared"]["spacing"] == [1.5, 1.5, 3.0]
    litres = sitk.GetArrayViewFromImage(lungs).sum() * 1.5 * 1.5 * 3.0 * 1e-6
    assert litres == pytest.approx(explanation.scores.original, rel=0.35)  # vessels included
    assert set(np.unique(sitk.GetArrayViewFromImage(lungs))) == {0, 1}


def test_a_region_is_named_in_the_record(written, explanation, tmp_path):
    assert json.loads((written / "result.json").read_text())["region"] is None
    restricted = replace(explanation, region_name="left lung", frames=(), lungs=None)
    out = write_result(restricted, tmp_path / "restricted", scene=False)
    record = json.loads((out / "result.json").read_text())
    assert (record["region"], record["frames"]) == ("left lung", [])
    assert not (out / "frames").exists()
    assert not (out / "lungs.nrrd").exists()


def test_chunk_table_has_a_row_a_search(written, explanation):
    with (written / "chunks.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["range"] for row in rows] == ["whole"] + ["chunk"] * len(explanation.chunks)
    last = explanation.chunks[-1]
    assert float(rows[-1]["score_after"]) == pytest.approx(last.score_after, rel=1e-6)
    assert float(rows[-1]["slab_high_mm"]) == pytest.approx(last.slab_mm[1], abs=0.01)
    fell = last.score_before - last.score_after
    assert float(rows[-1]["reduction"]) == pytest.approx(fell, rel=1e-6)


def test_chunk_table_of_a_rising_score_has_an_increase(explanation, tmp_path):
    up = replace(
        explanation,
        settings=replace(explanation.settings, direction="increase"),
        whole=None,
        chunks=(
            replace(
                explanation.chunks[0], score_before=1.0, score_after=1.25, direction="increase"
            ),
        ),
    )
    write_chunk_table(up, tmp_path / "chunks.csv")
    with (tmp_path / "chunks.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert "reduction" not in row
    assert float(row["increase"]) == 0.25


def test_figure_is_a_picture_of_the_change(written):
    pixels = sitk.GetArrayFromImage(sitk.ReadImage(str(written / "figure.png")))[..., :3]
    assert pixels.shape[1] == 1950
    red = (pixels[..., 0] > 150) & (pixels[..., 1] < 90) & (pixels[..., 2] < 90)
    assert red.sum() > 200  # tissue moved in where lung was: an increase, drawn in red


def test_a_name_with_dollar_signs_is_drawn_as_it_is(explanation, tmp_path):
    scan = replace(explanation.scan, name=r"cost $\frac{1$ a_{b")
    write_figure(replace(explanation, scan=scan), tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 100_000


def test_figure_can_be_drawn_without_chunks_and_with_many_flags(explanation, tmp_path):
    flags = tuple(Flag(f"flag-{n}", "words " * 20) for n in range(8))
    bare = replace(explanation, chunks=(), chunk_heatmaps=(), flags=flags)
    out = write_result(bare, tmp_path / "bare", scene=False)
    assert (out / "figure.png").stat().st_size > 100_000
    assert not (out / "heatmaps").exists()


def test_names_of_any_kind_reach_every_writer(explanation, tmp_path):
    odd = "a\udcff \0 $\\frac{1$ \x1b[31m <b> \U0001fac1"
    strange = replace(
        explanation,
        scan=replace(explanation.scan, name=odd, path=odd),
        target=replace(explanation.target, name=odd, unit="$\\frac{1$"),
        classifier=replace(explanation.classifier, name=odd, description=odd),
        autoencoder=replace(explanation.autoencoder, name=odd, description=odd),
        flags=(Flag(odd, odd),),
        region_name=odd,
    )
    out = write_result(strange, tmp_path / "out", scene=True, report=True)
    record = json.loads((out / "result.json").read_text(encoding="utf-8"))
    assert record["input"]["name"] == "a?   $\\frac{1$  [31m <b> \U0001fac1"
    assert {"figure.png", "report.html", "scene.mrb"} <= set(record["files"])
