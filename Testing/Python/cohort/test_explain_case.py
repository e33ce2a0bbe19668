"""One case on a worker: what is kept, what is done again, and what of a failure is told."""

import errno
import json
import os
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

import small_cohort
from CTCounterfactualLib.cohort import case_record, explain_case, worker
from CTCounterfactualLib.cohort.case_record import case_row, chunk_rows
from CTCounterfactualLib.cohort.fingerprint import code_digest
from CTCounterfactualLib.cohort.manifest import read_manifest
from CTCounterfactualLib.counterfactual.engine import explain
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.models.catalogue import load_autoencoder, load_classifier
from small_cohort import AIR_HU, NO_MEMORY, write_cohort

SMALL = ExplainSettings(mode="both", chunk=3, frames=0)


@pytest.fixture
def manifest(tmp_path):
    return write_cohort(tmp_path / "scans", {"a": AIR_HU})


def test_a_case_gives_what_explain_gives(manifest, settings, here, cards, tmp_path):
    wanted = settings(settings=SMALL, keep="all")
    record = here(manifest, wanted)["a"]["record"]
    (case,) = read_manifest(manifest)
    row = case_row(case, record)
    models = load_classifier(cards["classifier"]), load_autoencoder(cards["autoencoder"])
    alone = explain(case.path, models[0], None, models[1], SMALL)
    assert row.score_counterfactual == alone.scores.counterfactual
    assert row.reduction == alone.scores.original - alone.scores.counterfactual > 0
    assert (row.lam, row.change) == (alone.whole.lam, alone.whole.change)
    assert (row.status, row.attempts, row.flipped, row.threshold) == ("done", 1, False, 0.0)
    chunks = chunk_rows(record, wanted.chunks)
    assert [(c.start, c.stop, c.lam) for c in chunks] == [
        (c.start, c.stop, c.lam) for c in alone.chunks
    ]
    written = sitk.ReadImage(str(tmp_path / "out" / "cases" / "a" / "counterfactual.nrrd"))
    assert np.array_equal(sitk.GetArrayFromImage(written), alone.counterfactual)


@pytest.mark.parametrize(
    ("keep", "files"),
    [
        ("records", {"result.json"}),
        ("figures", {"result.json", "figure.png", "chunks.csv"}),
    ],
)
def test_what_is_kept_is_bounded_and_listed(manifest, settings, here, tmp_path, keep, files):
    here(manifest, settings(settings=SMALL, keep=keep))
    folder = tmp_path / "out" / "cases" / "a"
    assert {path.name for path in folder.iterdir()} == files
    assert set(json.loads((folder / "result.json").read_text())["files"]) == files


def test_only_what_depends_on_a_change_is_made_again(manifest, settings, here, monkeypatch):
    made = []

    def counted(*arguments, **options):
        made.append(arguments[4].chunk)
        return explain(*arguments, **options)

    monkeypatch.setattr(explain_case, "explain", counted)

    def run(**changed):
        made.clear()
        answer = here(manifest, settings(**changed))["a"]
        return made, answer["made"], answer["record"]

    ten = ExplainSettings(mode="chunks", frames=0)
    assert run(settings=ten, chunks=(10,))[:2] == ([10], True)
    assert run(settings=ten, chunks=(10,))[:2] == ([], False)
    sizes, _, record = run(settings=ten, chunks=(2, 10, 4))
    assert sizes == [2, 4]
    assert [row.chunk for row in chunk_rows(record, (2, 10, 4))] == [2, 2, 2, 10, 4, 4]
    assert run(settings=ten, chunks=(10, 2))[:2] == ([], False)
    assert run(settings=ten, chunks=(10,), keep="figures")[:2] == ([10], True)
    assert run(settings=ten, chunks=(10,), keep="records")[:2] == ([], False)
    other = ExplainSettings(mode="chunks", frames=0, max_change=0.02)
    assert run(settings=other, chunks=(10,))[:2] == ([10], True)
    (case,) = read_manifest(manifest)
    small_cohort.write_scan(Path(case.path), 99)
    assert run(settings=other, chunks=(10,))[:2] == ([10], True)
    os.utime(case.path)  # touched, and still the same bytes
    assert run(settings=other, chunks=(10,))[:2] == ([], False)


def test_a_mask_tells_where_the_finding_is_and_measures_it(tmp_path, settings, here):
    manifest = write_cohort(tmp_path / "scans", {"a": AIR_HU}, ",mask")
    text = (tmp_path / "scans" / "manifest.csv").read_text().replace("a,\n", "a,mask.nrrd\n")
    scan = sitk.ReadImage(str(tmp_path / "scans" / "a.nrrd"))
    mask = sitk.GetArrayFromImage(scan) * 0
    mask[1:4, 10:20, 10:22] = 1
    image = sitk.GetImageFromArray(mask.astype(np.uint8))
    image.CopyInformation(scan)
    sitk.WriteImage(image, str(tmp_path / "scans" / "mask.nrrd"))
    (tmp_path / "scans" / "manifest.csv").write_text(text)
    answer = here(manifest, settings(settings=SMALL))["a"]
    assert answer["kind"] == worker.RECORD, answer
    (case,) = read_manifest(manifest)
    row = case_row(case, answer["record"])
    assert 0 <= row.metrics["mass_in_mask"] <= 1 and "recovered" not in row.metrics
    assert [chunk.truth for chunk in chunk_rows(answer["record"], (3,))] == [2 / 3, 1 / 3]
    assert {path.name for path in (tmp_path / "out" / "cases" / "a").iterdir()} == {"result.json"}


def test_failures_are_told_by_what_they_are_of(tmp_path, settings, here, monkeypatch):
    manifest = write_cohort(tmp_path / "scans", {"bad": AIR_HU, "mem": NO_MEMORY})
    (tmp_path / "scans" / "bad.nrrd").write_bytes(b"no image")
    wanted = settings(settings=SMALL)
    answers = here(manifest, wanted)
    assert answers["bad"]["kind"] == worker.CASE and "bad.nrrd" in answers["bad"]["reason"]
    assert answers["mem"]["kind"] == worker.CASE and "Out of memory" in answers["mem"]["reason"]
    assert not list((tmp_path / "out").glob("*/*"))  # nothing half-written

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    manifest = write_cohort(tmp_path / "scans", {"a": AIR_HU})
    monkeypatch.setattr("shutil.copyfile", full)
    answer = here(manifest, wanted)["a"]
    assert answer["kind"] == worker.NO_SPACE and "the disk is full" in answer["reason"]


def test_a_worker_that_sees_another_folder_or_has_other_code_refuses(
    manifest, settings, here, monkeypatch
):
    monkeypatch.setattr(worker, "code_digest", lambda: "other")
    answer = here(manifest, settings(settings=SMALL))["a"]
    assert answer["kind"] == worker.WORKER and "another version" in answer["reason"]
    monkeypatch.setattr(worker, "code_digest", code_digest)
    monkeypatch.setattr(worker, "COHORT", "lost.json")  # as where the folder isn't shared
    answer = here(manifest, settings(settings=SMALL))["a"]
    assert answer["kind"] == worker.WORKER and "doesn't see" in answer["reason"]


def test_a_damaged_record_is_made_anew(manifest, settings, here, tmp_path):
    wanted = settings(settings=SMALL)
    here(manifest, wanted)
    (tmp_path / "out" / case_record.record_file("a")).write_text('{"schema": 1, "id": "a"')
    assert here(manifest, wanted)["a"]["made"] is True


def test_scans_and_results_may_lie_in_a_store(tmp_path, settings, here):
    import fsspec

    store = fsspec.filesystem("memory")
    local = write_cohort(tmp_path / "scans", {"a": AIR_HU})
    wanted = settings(settings=SMALL, keep="figures")
    there = here(local, wanted)["a"]["record"]
    store.put(str(tmp_path / "scans") + "/", "/small-cohort/in/", recursive=True)
    url = "memory://small-cohort"
    answer = here(f"{url}/in/manifest.csv", wanted, f"{url}/out")["a"]
    assert answer["kind"] == worker.RECORD, answer
    values = answer["record"]["parts"]["result"]["values"]
    assert values == there["parts"]["result"]["values"]
    assert {name.rpartition("/")[2] for name in store.ls("/small-cohort/out/cases/a", False)} == {
        "result.json", "figure.png", "chunks.csv",
    }  # fmt: skip
    record = json.loads(store.cat("/small-cohort/out/cases/a/result.json"))
    assert record["input"]["path"] == f"{url}/in/a.nrrd"
    assert here(f"{url}/in/manifest.csv", wanted, f"{url}/out")["a"]["made"] is False
    store.rm("/small-cohort", recursive=True)
