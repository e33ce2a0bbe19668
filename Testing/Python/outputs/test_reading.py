"""Reading a result folder back: the same explanation, and words for a folder that isn't whole."""

import json
import shutil
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

import CTCounterfactualLib
from CTCounterfactualLib.counterfactual.result import Explanation, Flag
from CTCounterfactualLib.errors import OutputError
from CTCounterfactualLib.outputs import reading
from CTCounterfactualLib.outputs.folder import write_result
from CTCounterfactualLib.outputs.reading import read_result
from CTCounterfactualLib.outputs.record import result_record


@pytest.fixture(scope="module")
def written(explanation, tmp_path_factory):
    flagged = replace(
        explanation, region_name="left lung", flags=(Flag("cut", "The lung is cut."),)
    )
    return write_result(
        flagged, tmp_path_factory.mktemp("out") / "result", scene=False, with_scan=True
    )


@pytest.fixture
def folder(written, tmp_path):
    """A copy of the result that may be damaged."""
    return shutil.copytree(written, tmp_path / "result")


def edit(folder, **changes):
    path = folder / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def voxels(image):
    return sitk.GetArrayFromImage(image)


def test_the_record_of_what_is_read_is_the_record(written):
    record = json.loads((written / "result.json").read_text())
    assert result_record(read_result(written), record["files"]) == record


def test_a_probability_has_its_logits_beside_it(folder):
    """An earlier version's record had none; they follow from the scores, and read back as such."""
    edit(
        folder,
        target={"name": "chance", "unit": "probability"},
        goal=None,
        plausibility=None,
        scores={"original": 0.75, "reconstruction": 0.5, "counterfactual": 0.25},
    )
    back = read_result(folder)
    assert back.aim is back.plausibility is None
    record = result_record(back, json.loads((folder / "result.json").read_text())["files"])
    assert record["logits"] == {
        "original": pytest.approx(np.log(3)),
        "reconstruction": 0.0,
        "counterfactual": pytest.approx(-np.log(3)),
    }
    search = record["chunks"][0]
    assert [len(point) for point in search["path"]] == [4] * search["evaluations"]
    assert search["path"][0][3] == search["logit_before"] and "logit_after" in search
    edit(folder, **record)
    again = read_result(folder)
    assert again.chunks == back.chunks and again.whole == back.whole


def test_what_is_read_is_what_was_written(written, explanation):
    back = read_result(written)
    for name in ("counterfactual", "difference", "heatmap"):
        now, before = getattr(back, name), getattr(explanation, name)
        assert now.dtype == before.dtype
        assert np.array_equal(now, before)
    assert np.array_equal(back.scan.array, explanation.scan.array)
    assert back.scan.image.GetOrigin() == pytest.approx(explanation.scan.image.GetOrigin())
    assert back.scan.name == "slab"
    assert back.region_name == "left lung"
    assert back.flags == (Flag("cut", "The lung is cut."),)
    assert len(back.chunk_heatmaps) == len(explanation.chunk_heatmaps) == 2
    for now, before in zip(back.chunk_heatmaps, explanation.chunk_heatmaps, strict=True):
        assert (now.start, now.stop) == (before.start, before.stop)
        assert np.array_equal(voxels(now.image), voxels(before.image))
        assert now.image.GetOrigin() == pytest.approx(before.image.GetOrigin())
    assert len(back.frames) == explanation.settings.frames == 3
    for now, before in zip(back.frames, explanation.frames, strict=True):
        assert (now.fraction, now.score) == (before.fraction, before.score)
        assert np.array_equal(voxels(now.image), voxels(before.image))
    assert np.array_equal(voxels(back.lungs), voxels(explanation.lungs))
    for name in (
        "settings",
        "classifier",
        "target",
        "autoencoder",
        "scores",
        "levels",
        "device",
        "prepared",
        "versions",
    ):
        assert getattr(back, name) == getattr(explanation, name)
    assert back.chunks[1].path == explanation.chunks[1].path


def test_nothing_of_an_explanation_is_forgotten(written, explanation):
    back = read_result(written)
    for field in fields(Explanation):
        value = getattr(back, field.name)
        if field.name == "region_search":  # of runs that find their region: test_region_record.py
            assert value == explanation.region_search
            continue
        assert value is not None, field.name
        assert not isinstance(value, (str, tuple, dict)) or value, field.name


def test_a_result_of_the_first_version_has_no_region_frames_and_lungs(folder):
    path = folder / "result.json"
    record = json.loads(path.read_text())
    del record["region"], record["frames"], record["settings"]["frames"]
    record["files"].remove("lungs.nrrd")
    path.write_text(json.dumps(record))
    back = read_result(folder)
    assert (back.frames, back.lungs, back.region_name) == ((), None, "")
    assert back.settings.chunk == 8


def test_which_way_the_score_should_go_is_read_into_every_search(folder):
    path = folder / "result.json"
    record = json.loads(path.read_text())
    record["settings"]["direction"] = "increase"
    path.write_text(json.dumps(record))
    back = read_result(folder)
    for outcome in (back.whole, *back.chunks):
        assert outcome.direction == "increase"
        assert outcome.gain == -outcome.reduction == outcome.score_after - outcome.score_before
    assert back.gain == back.scores.counterfactual - back.scores.original


def with_fractions(explanation, dtype):
    """The same explanation of a scan with fractions, and the scan."""
    hu = explanation.scan.array.astype(dtype) + dtype(0.37)
    scan = replace(explanation.scan, image=explanation.scan.with_array(hu))
    changed = hu + explanation.difference
    return replace(
        explanation, scan=scan, counterfactual=changed, difference=changed - hu, frames=()
    ), scan


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_scan_with_fractions_comes_back_with_them(explanation, tmp_path, dtype):
    fractions, scan = with_fractions(explanation, dtype)
    out = write_result(fractions, tmp_path / "result", scene=False, with_scan=True)
    for back in (read_result(out), read_result(out, scan)):
        assert back.counterfactual.tobytes() == fractions.counterfactual.tobytes()
        assert back.difference.tobytes() == fractions.difference.tobytes()
    shifted = replace(scan, image=scan.image + 0.1)
    with pytest.raises(OutputError, match="not the scan that was explained"):
        read_result(out, shifted)


def test_whole_hu_of_a_scan_with_fractions_as_earlier_versions_wrote_them(explanation, tmp_path):
    fractions, scan = with_fractions(explanation, np.float32)
    whole = np.rint(scan.array).astype(np.int16)
    earlier = replace(
        fractions, counterfactual=whole + explanation.difference, difference=explanation.difference
    )
    out = write_result(earlier, tmp_path / "result", scene=False)
    assert np.array_equal(read_result(out, scan).counterfactual, earlier.counterfactual)


def test_a_result_without_whole_chunks_frames_lungs_and_region(explanation, tmp_path):
    bare = replace(explanation, whole=None, chunks=(), chunk_heatmaps=(), frames=(), lungs=None)
    out = write_result(bare, tmp_path / "bare", scene=False)
    back = read_result(out, explanation.scan)
    assert back.whole is None
    assert back.lungs is None
    assert (back.chunks, back.chunk_heatmaps, back.frames, back.region_name) == ((), (), (), "")


def test_the_scan_is_read_from_where_the_record_says(explanation, tmp_path):
    path = tmp_path / "patient.nrrd"
    sitk.WriteImage(explanation.scan.image, str(path))
    out = write_result(
        replace(explanation, scan=replace(explanation.scan, path=str(path))),
        tmp_path / "result",
        scene=False,
    )
    assert np.array_equal(read_result(out).scan.array, explanation.scan.array)
    path.unlink()
    with pytest.raises(OutputError, match=r"Cannot read the scan .*no file or folder .*patient"):
        read_result(out)
    assert read_result(out, explanation.scan).scan.path == str(path)


def test_a_scan_that_was_never_in_a_file_must_be_given(explanation, tmp_path):
    out = write_result(explanation, tmp_path / "result", scene=False)
    with pytest.raises(OutputError, match="doesn't hold the scan, and it was never in a file"):
        read_result(out)


def test_another_scan_is_refused(written, explanation):
    scan = explanation.scan
    smaller = replace(scan, image=scan.image[:, :, :4])
    with pytest.raises(OutputError, match=r"120 x 92 x 4 voxels .* that one had 120 x 92 x 8"):
        read_result(written, smaller)
    changed = scan.array.copy()
    changed[3, 40, 50] += 1
    with pytest.raises(OutputError, match="its voxels differ"):
        read_result(written, replace(scan, image=scan.with_array(changed)))


def test_a_scan_that_lies_or_points_elsewhere_is_refused(written, explanation):
    moved = sitk.Image(explanation.scan.image)
    moved.SetOrigin([x + 50 for x in moved.GetOrigin()])
    with pytest.raises(OutputError, match=r"it lies 86\.6 mm away"):
        read_result(written, replace(explanation.scan, image=moved))
    turned = sitk.Image(explanation.scan.image)
    turned.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
    with pytest.raises(OutputError, match="its axes have other directions"):
        read_result(written, replace(explanation.scan, image=turned))


def test_a_relative_path_is_recorded_so_that_it_leads_there_from_everywhere(
    explanation, tmp_path, monkeypatch
):
    sitk.WriteImage(explanation.scan.image, str(tmp_path / "patient.nrrd"))
    monkeypatch.chdir(tmp_path)
    given = replace(explanation, scan=replace(explanation.scan, path="patient.nrrd"))
    out = write_result(given, tmp_path / "result", scene=False)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert read_result(out).scan.path == str(tmp_path / "patient.nrrd")


def test_the_series_of_a_folder_of_several_is_recorded_and_read(explanation, tmp_path, monkeypatch):
    asked = []

    def read(path, series=None, assume_hu=False, modality="CT"):
        asked.append((path, series, assume_hu))
        return explanation.scan

    monkeypatch.setattr(reading, "read_scan", read)
    scan = replace(explanation.scan, path=str(tmp_path), series="1.2.3")
    out = write_result(replace(explanation, scan=scan), tmp_path / "result", scene=False)
    assert read_result(out).scan.series == "1.2.3"
    assert asked == [(str(tmp_path), "1.2.3", True)]


@pytest.mark.parametrize("scope", [None, "region", "volume"])
def test_settings_come_back_as_they_were_set(folder, scope, explanation):
    settings = replace(explanation.settings, change_scope=scope, search="reference")
    record = result_record(replace(explanation, settings=settings), [])
    edit(folder, settings=record["settings"])
    assert read_result(folder).settings == settings


def test_folders_that_are_no_result(tmp_path, folder):
    with pytest.raises(OutputError, match=r"holds no result: there is no result\.json"):
        read_result(tmp_path)
    with pytest.raises(OutputError, match="holds no result"):
        read_result(tmp_path / "nowhere")
    edit(folder, schema=99)
    with pytest.raises(OutputError, match="schema 99; this version reads schema 1"):
        read_result(folder)
    (folder / "result.json").write_text("[1, 2]")
    with pytest.raises(OutputError, match="schema None"):
        read_result(folder)
    (folder / "result.json").write_text('{"schema": 1,')
    with pytest.raises(OutputError, match="is damaged"):
        read_result(folder)


@pytest.mark.parametrize(
    "name",
    [
        "counterfactual.nrrd",
        "difference.nrrd",
        "heatmap.nrrd",
        "lungs.nrrd",
        "heatmaps/chunk_000-008.nrrd",
        "frames/frame_02.nrrd",
    ],
)
def test_missing_and_cut_off_files_are_said(folder, name):
    path = folder / name
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    with pytest.raises(OutputError, match=f"Cannot read .*{path.name}.*damaged or cut off"):
        read_result(folder)
    path.unlink()
    with pytest.raises(OutputError, match=f"lacks the file {name}"):
        read_result(folder)


@pytest.mark.parametrize(
    "changes",
    [
        {"scores": {"original": 1.0}},
        {"chunks": None},
        {"settings": 5},
        {"files": 3},
        {"whole": {"start": 0}},
        {"frames": [1]},
        {"prepared": []},
    ],
)
def test_a_record_with_parts_missing_is_damaged(folder, changes):
    edit(folder, **changes)
    with pytest.raises(OutputError, match="is damaged"):
        read_result(folder)


def test_reading_needs_neither_torch_nor_matplotlib(written):
    code = (
        "import sys; sys.modules['torch'] = sys.modules['matplotlib'] = None; "
        "from CTCounterfactualLib import read_result; "
        "print(read_result(sys.argv[1]).target.name)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(written)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(CTCounterfactualLib.__file__).parents[1],
    )
    assert done.stdout.strip() == "aerated lung volume"
