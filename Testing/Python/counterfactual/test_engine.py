"""The one verb from end to end, on a slab of a generated chest with the embedded models."""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.counterfactual.engine import explain
from CTCounterfactualLib.errors import Cancelled, ModelError, ScanError, SettingsError
from CTCounterfactualLib.events import WORKING, CancelToken
from CTCounterfactualLib.models.catalogue import load_autoencoder
from CTCounterfactualLib.scans.checks import check_scan
from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest
from CTCounterfactualLib.scans.scan import Scan

LIMIT = 0.05


@pytest.fixture(scope="module")
def autoencoder():
    return load_autoencoder("ct-vqgan-small")


@pytest.fixture(scope="module")
def slab():
    """A 72 mm slab through the lungs, 12 slices of 6 mm, on a coarse grid."""
    chest = generate_chest(ChestSettings(spacing=(2.5, 2.5, 6.0), size=(144, 112, 12), seed=3))
    return Scan.from_array(chest.hu, chest.spacing, chest.origin, name="slab")


@pytest.fixture(scope="module")
def explained(slab, autoencoder):
    events = []
    result = explain(slab, autoencoder=autoencoder, chunk=8, progress=events.append)
    return result, events


def test_the_score_falls_within_the_change_limit(explained):
    result, _ = explained
    assert result.scores.counterfactual < 0.97 * result.scores.original
    assert 0 < result.whole.change <= LIMIT
    for outcome in (result.whole, *result.chunks):
        assert outcome.change <= LIMIT
        assert outcome.score_after <= outcome.score_before == result.scores.original
        assert outcome.lam <= 0


def test_the_written_volume_scores_what_the_search_found(explained):
    """Up to what the scan's grid, coarser here than the prepared one, cannot hold."""
    result, _ = explained
    lost = 0.15 * result.whole.gain
    assert result.scores.counterfactual == pytest.approx(result.whole.score_after, abs=lost)
    assert "written-score-differs" not in [flag.name for flag in result.flags]


def test_outputs_lie_on_the_scans_own_grid(explained, slab):
    result, _ = explained
    for voxels in (result.counterfactual, result.difference, result.heatmap):
        assert voxels.shape == slab.array.shape
    assert result.counterfactual.dtype == result.difference.dtype == np.int16
    assert result.heatmap.dtype == np.uint8


def test_unchanged_voxels_are_the_scans_bit_for_bit(explained, slab):
    result, _ = explained
    assert np.array_equal(result.counterfactual - result.difference, slab.array)
    unchanged = result.difference == 0
    assert 0.05 < unchanged.mean() < 1
    assert np.array_equal(result.counterfactual[unchanged], slab.array[unchanged])


def test_chunks_cover_all_slices_once(explained):
    result, _ = explained
    covered = [k for outcome in result.chunks for k in range(outcome.start, outcome.stop)]
    assert covered == list(range(result.prepared.slices))
    assert len(result.chunk_heatmaps) == len(result.chunks)


def test_events_come_in_order_and_progress_never_falls(explained):
    result, everything = explained
    events = [event for event in everything if event.step != WORKING]
    steps = [event.step for event in events]
    assert steps[:5] == ["read", "prepared", "encoded", "gradient", "whole"]
    chunks = len(result.chunks)
    assert steps[5:] == ["chunk"] * chunks + ["frame"] * 3 + ["scored"]
    fractions = [event.fraction for event in everything]
    assert fractions == sorted(fractions)
    assert events[5].data["number"] == 1
    assert events[4 + chunks].data["number"] == events[4 + chunks].data["of"] == chunks


def test_each_step_is_told_of_before_it_is_done(explained):
    """What is said is what goes on, not what ended last; each search is named."""
    result, everything = explained
    said = [(event.step == WORKING, event.message.partition(":")[0]) for event in everything]
    begun = [message for working, message in said if working]
    for words in ("Encoding", "Asking the classifier", "Carrying that over", "Scoring the count"):
        assert any(message.startswith(words) for message in begun), words
    of = len(result.chunks)
    for number, chunk in enumerate(result.chunks, start=1):
        done = (False, f"Chunk {number} of {of}, slices {chunk.start}-{chunk.stop}")
        searching = (True, f"Searching chunk {number} of {of}")
        at = said.index(done)
        assert searching in said[:at]
        assert searching not in said[at:]


def test_flipping_the_scans_axes_changes_nothing_but_their_order(explained, slab, autoencoder):
    result, _ = explained
    flipped = Scan(sitk.DICOMOrient(slab.image, "RAI"), "flipped")
    again = explain(flipped, autoencoder=autoencoder, mode="whole", frames=0)
    assert again.scores.original == pytest.approx(result.scores.original, rel=1e-5)
    assert again.whole.score_after == pytest.approx(result.whole.score_after, rel=1e-3)
    back = sitk.DICOMOrient(flipped.with_array(again.difference), "LPS")
    assert np.abs(sitk.GetArrayFromImage(back) - result.difference).mean() < 1.0  # HU


def test_increase_raises_the_score(slab, autoencoder):
    events = []
    result = explain(
        slab,
        autoencoder=autoencoder,
        chunk=8,
        frames=0,
        direction="increase",
        progress=events.append,
    )
    assert result.scores.counterfactual > result.scores.original
    assert result.whole.lam > 0
    assert result.gain == result.scores.counterfactual - result.scores.original > 0
    best = max(result.chunks, key=lambda outcome: outcome.gain)
    assert best.score_after == max(outcome.score_after for outcome in result.chunks)
    assert best.gain > 0 and best.direction == "increase"
    told = [event.data["direction"] for event in events if event.step in ("whole", "chunk")]
    assert told == ["increase"] * (1 + len(result.chunks))


def test_the_papers_baseline_starts_from_the_reconstruction(slab, autoencoder):
    result = explain(
        slab, autoencoder=autoencoder, mode="whole", baseline="reconstruction", frames=0
    )
    assert result.whole.score_before == pytest.approx(result.scores.reconstruction, rel=1e-6)
    assert result.whole.score_after < result.whole.score_before


def test_a_target_score_is_reached_without_overshooting(slab, autoencoder, explained):
    original = explained[0].scores.original
    wanted = 0.98 * original
    result = explain(slab, autoencoder=autoencoder, mode="whole", frames=0, target_score=wanted)
    assert result.whole.stop_reason == "target reached"
    assert explained[0].whole.score_after < result.whole.score_after <= wanted


def test_mode_chunks_writes_the_chunks_together(slab, autoencoder, explained):
    result = explain(slab, autoencoder=autoencoder, mode="chunks", frames=0, chunk=8)
    assert result.whole is None
    # Within the limit's tolerance: a chunk's first step learns from the searches before it.
    after_whole = [o.lam for o in explained[0].chunks]
    assert [o.lam for o in result.chunks] == pytest.approx(after_whole, rel=0.03)
    best = min(o.score_after for o in result.chunks)
    assert result.scores.counterfactual < best


def test_the_same_seed_gives_the_same_result(slab, autoencoder, explained):
    again = explain(slab, autoencoder=autoencoder, chunk=8, frames=0)
    assert np.array_equal(again.counterfactual, explained[0].counterfactual)


@pytest.mark.parametrize("step", ["prepared", "encoded", "gradient", "whole"])
def test_cancel_stops_after_the_next_step(slab, autoencoder, step):
    token = CancelToken()
    seen = []

    def watch(event):
        seen.append(event.step)
        if event.step == step:
            token.cancel()

    with pytest.raises(Cancelled):
        explain(slab, autoencoder=autoencoder, progress=watch, cancel=token)
    assert seen[-1] == step


def test_wrong_names_are_answered_with_the_right_ones(slab, autoencoder):
    with pytest.raises(SettingsError, match=r"no setting 'chunks'.*chunk"):
        explain(slab, autoencoder=autoencoder, chunks=3)
    with pytest.raises(ModelError, match=r"no classifier named 'lung'.*lung-volume"):
        explain(slab, "lung", autoencoder=autoencoder)
    with pytest.raises(SettingsError, match=r"no target 'heart'.*aerated lung volume"):
        explain(slab, target="heart", autoencoder=autoencoder)
    with pytest.raises(ModelError, match=r"no autoencoder named 'vqgan'.*ct-vqgan-small"):
        explain(slab, autoencoder="vqgan")


def test_a_scan_without_lung_is_refused(slab, autoencoder):
    solid = replace(slab, image=slab.with_array(np.maximum(slab.array, 0).astype(np.int16)))
    with pytest.raises(ScanError, match="No lung found"):
        explain(check_scan(solid, assume_hu=True), autoencoder=autoencoder)


def test_two_slices_are_enough(slab, autoencoder):
    thin = Scan(slab.image[:, :, 4:6], "thin")
    result = explain(thin, autoencoder=autoencoder)
    assert result.counterfactual.shape[0] == 2
    assert "lung-cut-by-field-of-view" in [flag.name for flag in result.flags]
