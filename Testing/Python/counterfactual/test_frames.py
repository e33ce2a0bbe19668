"""Frames: their fractions and scores, and a cut-out that lies where it says."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from CTCounterfactualLib.counterfactual.encoded import Models
from CTCounterfactualLib.counterfactual.engine import explain
from CTCounterfactualLib.counterfactual.evidence import collect_evidence
from CTCounterfactualLib.counterfactual.frames import cut_around, make_frames, take
from CTCounterfactualLib.counterfactual.run import Run
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.counterfactual.write_back import change_on_scan, write_back
from CTCounterfactualLib.errors import Cancelled
from CTCounterfactualLib.events import CancelToken, Reporter
from CTCounterfactualLib.models.catalogue import load_autoencoder, load_classifier
from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest
from CTCounterfactualLib.scans.grid import prepare
from CTCounterfactualLib.scans.scan import Scan

OBLIQUE = (0.9397, -0.3420, 0, 0.3420, 0.9397, 0, 0, 0, 1)  # 20 degrees about S


@pytest.fixture(scope="module")
def scan():
    chest = generate_chest(ChestSettings(spacing=(3.0, 2.5, 6.0), size=(120, 112, 6), seed=5))
    return Scan.from_array(chest.hu, chest.spacing, chest.origin, OBLIQUE, "slab")


@pytest.fixture(scope="module", params=["whole", "chunks"])
def run(request, scan):
    """A run whose searches are done, in a mode; with what it found."""
    settings = ExplainSettings(mode=request.param, chunk=4, frames=3)
    classifier = load_classifier("lung-volume")
    prepared = prepare(scan, classifier.grid)
    models = Models(
        load_autoencoder("ct-vqgan-small"),
        classifier.for_scan(prepared),
        "aerated lung volume",
        torch.device("cpu"),
    )
    run = Run.begin(models, settings, prepared.volume, Reporter())
    evidence = collect_evidence(run, prepared)
    written = write_back(prepared, evidence.change, evidence.heatmaps, settings.level_edges)
    return run, prepared, evidence, written


@pytest.fixture(scope="module")
def frames(run):
    run, prepared, evidence, written = run
    return make_frames(run, prepared, evidence.shown, written.difference)


def on_grid(image: sitk.Image, frame) -> np.ndarray:
    """Return the voxels of an image on the scan's grid where a frame has its own."""
    there = sitk.Resample(image, frame.image, sitk.Transform(), sitk.sitkNearestNeighbor)
    return sitk.GetArrayFromImage(there)


def test_fractions_divide_the_way_evenly_without_its_ends(frames):
    assert [frame.fraction for frame in frames] == [0.25, 0.5, 0.75]


def test_a_frame_is_the_change_at_its_share_of_lambda(run, frames):
    """From the latents anew: D(z + 0.25 lambda g) and so on, not another share of the way."""
    run, prepared, evidence, _ = run
    for share, frame in zip((0.25, 0.5, 0.75), frames, strict=True):
        volume = prepared.volume.copy()
        for outcome in evidence.shown:
            part = slice(outcome.start, outcome.stop)
            changed = run.workspace.changed(share * outcome.lam, outcome.start, outcome.stop)
            volume[part] = changed[:, 0].numpy()
        assert frame.score == pytest.approx(run.score(volume), rel=1e-6)
        change = prepared.scan.with_array(change_on_scan(prepared, volume - prepared.volume))
        start = on_grid(prepared.scan.image, frame).astype(int)
        moved = sitk.GetArrayFromImage(frame.image) - start
        free = np.abs(start) < 900  # far from what a scanner can store
        assert np.array_equal(moved[free], on_grid(change, frame)[free])


def test_scores_lie_on_the_way_in_order(run, frames):
    run, prepared, evidence, _ = run
    end = run.score(prepared.volume + evidence.change)
    scores = [run.encoded.original_score, *(frame.score for frame in frames), end]
    assert scores == sorted(scores, reverse=True)
    assert len(set(scores)) == 5


def test_frames_are_whole_hu_on_a_part_of_the_scans_grid(run, frames):
    _, prepared, _, written = run
    scan = prepared.scan
    changed = np.abs(written.difference) >= 10
    for frame in frames:
        image = frame.image
        assert image.GetPixelID() == sitk.sitkInt16
        assert image.GetDirection() == pytest.approx(scan.image.GetDirection())
        assert image.GetSpacing() == pytest.approx(scan.spacing)
        corner = scan.image.TransformPhysicalPointToContinuousIndex(image.GetOrigin())
        assert corner == pytest.approx([round(c) for c in corner], abs=1e-6)
        i, j, k = (round(c) for c in corner)
        width, height, depth = image.GetSize()
        box = (slice(k, k + depth), slice(j, j + height), slice(i, i + width))
        assert changed[box].sum() == changed.sum()  # nothing that changed is cut away
        same = written.difference[box] == 0
        assert np.mean(sitk.GetArrayFromImage(image)[same] == scan.array[box][same]) > 0.99


def test_each_frame_is_further_from_the_scan(run, frames):
    _, prepared, _, written = run
    start = on_grid(prepared.scan.image, frames[0]).astype(int)
    gaps = [np.abs(sitk.GetArrayFromImage(frame.image) - start).sum() for frame in frames]
    assert 0 < gaps[0] < gaps[1] < gaps[2] < np.abs(written.difference.astype(int)).sum()


def test_the_whole_lambda_would_show_the_counterfactual(run, frames, monkeypatch):
    run, prepared, evidence, written = run
    monkeypatch.setattr(run, "change_of", lambda outcomes, fraction: evidence.change)
    last = make_frames(run, prepared, evidence.shown, written.difference)[-1]
    expected = on_grid(prepared.scan.with_array(written.counterfactual), last)
    assert np.array_equal(sitk.GetArrayFromImage(last.image), expected)


def test_there_are_none_where_none_are_asked_for_or_nothing_changed(run):
    run, prepared, evidence, written = run
    nothing = np.zeros_like(written.difference)
    assert make_frames(run, prepared, evidence.shown, nothing) == ()
    run.settings, asked = ExplainSettings(frames=0), run.settings
    assert make_frames(run, prepared, evidence.shown, written.difference) == ()
    run.settings = asked


def test_a_run_can_be_cancelled_between_frames(scan):
    token, seen = CancelToken(), []

    def watch(event):
        seen.append(event)
        if event.step == "frame":
            token.cancel()

    with pytest.raises(Cancelled):
        explain(scan, mode="whole", max_evaluations=3, progress=watch, cancel=token)
    assert seen[-1].step == "frame"
    assert seen[-1].data["number"] == 1
    assert seen[-1].data["of"] == 3
    assert seen[-1].data["of_lambda"] == 0.25
    assert seen[-1].to_dict()["fraction"] < 1  # of the run, not of lambda


# --- The cut-out ----------------------------------------------------------------------------------


def marked(*voxels) -> np.ndarray:
    difference = np.full((20, 30, 40), 9, np.int16)  # less than what counts
    for number, voxel in enumerate(voxels):
        difference[voxel] = 10 * (-1) ** number
    return difference


def test_the_box_is_one_voxel_wider_and_stays_inside():
    assert cut_around(marked((5, 0, 39), (7, 12, 30)), 10.0, 3) == (
        slice(4, 9, 1),
        slice(0, 14, 1),
        slice(29, 40, 1),
    )
    assert cut_around(marked(), 10.0, 3) is None


@pytest.mark.parametrize(
    ("limit", "step", "size"),
    [
        (3 * 2 * 20 * 30 * 40, 1, (40, 30, 20)),
        (3 * 2 * 20 * 30 * 40 - 1, 2, (20, 15, 20)),
        (3 * 2 * 20 * 15 * 20 - 1, 3, (14, 10, 20)),
        (1, 40, (1, 1, 20)),  # every slice keeps a voxel at least
    ],
)
def test_a_step_in_plane_keeps_all_frames_within_the_limit(limit, step, size):
    cut = cut_around(marked((0, 0, 0), (19, 29, 39)), 10.0, 3, limit)
    assert [part.step for part in cut] == [1, step, step]
    image = sitk.Image(40, 30, 20, sitk.sitkInt16)
    image.SetSpacing((0.5, 0.6, 2.0))
    cut_out = take(image, cut)
    assert cut_out.GetSize() == size
    assert cut_out.GetSpacing() == pytest.approx((0.5 * step, 0.6 * step, 2.0))


def test_wider_voxels_leave_room_for_fewer():
    difference = marked((0, 0, 0), (19, 29, 39))
    limit = 3 * 2 * 20 * 30 * 40
    assert [part.step for part in cut_around(difference, 10.0, 3, limit, 2)] == [1, 1, 1]
    assert [part.step for part in cut_around(difference, 10.0, 3, limit, 4)] == [1, 2, 2]


def test_a_stepped_cut_out_takes_the_scans_own_voxels():
    values = np.arange(20 * 30 * 40, dtype=np.int16).reshape(20, 30, 40)
    scan = Scan.from_array(values, (0.5, 0.6, 2.0), (3.0, 4.0, 5.0), OBLIQUE)
    cut = (slice(4, 9, 1), slice(3, 14, 2), slice(29, 40, 2))
    image = take(scan.image, cut)
    assert np.array_equal(sitk.GetArrayFromImage(image), values[cut])
    for index in ((0, 0, 0), (5, 5, 4)):
        there = (29 + 2 * index[0], 3 + 2 * index[1], 4 + index[2])
        assert image.TransformIndexToPhysicalPoint(index) == pytest.approx(
            scan.image.TransformIndexToPhysicalPoint(there)
        )
