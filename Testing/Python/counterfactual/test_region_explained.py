"""`explain` with a region, end to end: outside it nothing changes by one bit."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk

from CTCounterfactualLib.counterfactual.engine import explain
from CTCounterfactualLib.counterfactual.region import Region
from CTCounterfactualLib.errors import ScanError, SettingsError
from CTCounterfactualLib.events import WORKING
from CTCounterfactualLib.models.catalogue import load_autoencoder
from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest
from CTCounterfactualLib.scans.scan import Scan

OBLIQUE = (0.9397, -0.3420, 0, 0.3420, 0.9397, 0, 0, 0, 1)  # 20 degrees about S
SPACING, SIZE = (2.5, 3.0, 6.0), (144, 92, 8)  # I, J, K


@pytest.fixture(scope="module")
def autoencoder():
    return load_autoencoder("ct-vqgan-small")


@pytest.fixture(scope="module")
def chest():
    return generate_chest(ChestSettings(spacing=SPACING, size=SIZE, seed=5))


@pytest.fixture(scope="module")
def straight(chest):
    return Scan.from_array(chest.hu, chest.spacing, chest.origin, name="slab")


def half(scan: Scan) -> tuple[Region, np.ndarray]:
    """Return a region that holds half of one lung, five of eight slices; and its voxels."""
    inside = np.zeros(scan.array.shape, bool)
    inside[2:7, 25:70, 15:65] = True
    return Region(scan.with_array(inside.astype(np.uint8)), "left half"), inside


@pytest.fixture(scope="module", params=["anisotropic", "oblique"])
def restricted(request, chest, straight, autoencoder):
    scan = straight
    if request.param == "oblique":
        scan = Scan.from_array(chest.hu, chest.spacing, chest.origin, OBLIQUE, "oblique")
    region, inside = half(scan)
    seen = []
    result = explain(
        scan,
        autoencoder=autoencoder,
        chunk=4,
        region=region,
        frames=2,
        on_chunk=lambda outcome, heatmap: seen.append((outcome, heatmap)),
        progress=lambda event: seen.append(event.step),
    )
    return result, inside, seen


def test_outside_the_region_every_bit_is_the_scans(restricted):
    result, inside, _ = restricted
    assert np.array_equal(result.counterfactual[~inside], result.scan.array[~inside])
    assert not result.difference[~inside].any()
    assert not result.heatmap[~inside].any()
    assert np.abs(result.difference[inside]).max() > 50
    for heatmap in result.chunk_heatmaps:
        mask = sitk.Resample(
            result.scan.with_array(inside.astype(np.uint8)),
            heatmap.image,
            sitk.Transform(),
            sitk.sitkNearestNeighbor,
        )
        labels = sitk.GetArrayFromImage(heatmap.image)
        assert not labels[sitk.GetArrayFromImage(mask) == 0].any()


def test_the_score_falls_by_what_the_region_can_do(restricted):
    result, _, _ = restricted
    assert result.whole.score_after < result.whole.score_before
    assert result.scores.counterfactual < result.scores.original
    assert 0 < result.whole.change <= 0.05
    assert result.region_name == "left half"


def test_frames_keep_the_outside_too(restricted):
    result, inside, _ = restricted
    assert len(result.frames) == 2
    for frame in result.frames:
        grid = (frame.image, sitk.Transform(), sitk.sitkNearestNeighbor)
        scan = sitk.GetArrayFromImage(sitk.Resample(result.scan.image, *grid))
        mask = result.scan.with_array(inside.astype(np.uint8))
        outside = sitk.GetArrayFromImage(sitk.Resample(mask, *grid)) == 0
        shown = sitk.GetArrayFromImage(frame.image)
        assert outside.any()
        assert np.array_equal(shown[outside], scan[outside])
        assert not np.array_equal(shown, scan)


def test_each_chunk_is_told_of_before_its_event(restricted):
    result, _, seen = restricted
    told = [item for item in seen if not isinstance(item, str)]
    assert [outcome for outcome, _ in told] == list(result.chunks)
    assert [heatmap for _, heatmap in told] == list(result.chunk_heatmaps)
    kinds = [item if isinstance(item, str) else "told" for item in seen if item != WORKING]
    chunks = ["told", "chunk"] * len(result.chunks)
    assert kinds == [
        "read",
        "prepared",
        "encoded",
        "gradient",
        "whole",
        *chunks,
        "frame",
        "frame",
        "scored",
    ]


def test_chunks_that_do_not_meet_the_region_say_so(straight, autoencoder):
    inside = np.zeros(straight.array.shape, bool)
    inside[4:6, 25:70, 15:65] = True  # 12 mm of 48: prepared slices 8 to 11 of 16
    region = Region(straight.with_array(inside.astype(np.uint8)))
    result = explain(
        straight, autoencoder=autoencoder, mode="chunks", chunk=4, region=region, frames=0
    )
    reasons = [outcome.stop_reason for outcome in result.chunks]
    assert reasons[0] == "outside region"
    assert reasons[2] == "change limit"
    for outcome, heatmap in zip(result.chunks, result.chunk_heatmaps, strict=True):
        if outcome.stop_reason == "outside region":
            assert outcome.score_after == outcome.score_before
            assert outcome.lam == 0
            assert not sitk.GetArrayViewFromImage(heatmap.image).any()
    assert np.array_equal(result.counterfactual[~inside], straight.array[~inside])


def test_a_region_of_everything_is_no_region(straight, autoencoder):
    everything = Region(straight.with_array(np.ones(straight.array.shape, np.uint8)))
    options = {"autoencoder": autoencoder, "mode": "whole", "frames": 0}
    free = explain(straight, **options)
    restricted = explain(straight, region=everything, **options)
    assert restricted.whole.lam == pytest.approx(free.whole.lam, rel=1e-3)
    assert restricted.scores.counterfactual == pytest.approx(free.scores.counterfactual, rel=1e-4)
    gap = np.abs(restricted.difference.astype(int) - free.difference)
    assert gap.mean() < 0.1  # HU


def test_a_region_that_the_classifier_does_not_look_at_changes_nothing(straight, autoencoder):
    inside = np.zeros(straight.array.shape, bool)
    inside[:, :6, :6] = True  # air in front of the shoulder
    region = Region(straight.with_array(inside.astype(np.uint8)))
    result = explain(
        straight, autoencoder=autoencoder, mode="whole", region=region, within="volume"
    )
    assert result.whole.stop_reason == "no gradient"
    assert np.array_equal(result.counterfactual, straight.array)
    assert result.frames == ()
    assert "score-did-not-move" in [flag.name for flag in result.flags]


def test_what_cannot_be_is_refused_before_any_work(straight, autoencoder):
    region, _ = half(straight)
    events = []
    with pytest.raises(SettingsError, match="use baseline='scan'"):
        explain(
            straight,
            autoencoder=autoencoder,
            region=region,
            baseline="reconstruction",
            progress=events.append,
        )
    assert not events
    flat = Region(straight.image[:, :, :4])
    with pytest.raises(ScanError, match=r"144 x 92 x 4 voxels.*144 x 92 x 8 voxels"):
        explain(straight, autoencoder=autoencoder, region=flat, progress=events.append)
    assert [event.step for event in events if event.step != WORKING] == ["read"]
