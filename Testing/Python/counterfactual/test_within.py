"""Where a run may change the scan: nothing outside the body, to the bit, on any grid."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage
from stacks import OBLIQUE

from CTCounterfactualLib.counterfactual.engine import explain
from CTCounterfactualLib.counterfactual.region import PreparedRegion
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.counterfactual.within import confine, on_scan_grid
from CTCounterfactualLib.errors import ScanError
from CTCounterfactualLib.scans.generated import ChestSettings, generate_chest
from CTCounterfactualLib.scans.grid import prepare
from CTCounterfactualLib.scans.scan import Scan

SPACING = (1.9, 2.3, 3.7)  # no voxel lies on a face between two prepared ones


def bodies(direction=(1, 0, 0, 0, 1, 0, 0, 0, 1)) -> Scan:
    """A cylinder of soft tissue, 120 mm across, in air."""
    _, j, i = np.indices((10, 80, 100))
    round_ = np.hypot((j - 40) * SPACING[1], (i - 50) * SPACING[0]) < 60
    hu = np.where(round_, 40, -1000).astype(np.int16)
    return Scan.from_array(hu, SPACING, (0, 0, 0), direction)


def nearest(prepared, mask: np.ndarray) -> np.ndarray:
    """The mask at each of the scan's voxels: of the prepared voxel that holds its centre."""
    image, scan = prepared.as_image(mask.astype(np.uint8)), prepared.scan.image
    found = np.zeros(scan.GetSize()[::-1], bool)
    for k, j, i in np.ndindex(found.shape):
        point = scan.TransformIndexToPhysicalPoint((i, j, k))
        index = image.TransformPhysicalPointToIndex(point)
        if all(0 <= n < size for n, size in zip(index, image.GetSize(), strict=True)):
            found[k, j, i] = mask[index[::-1]]
    return found


@pytest.mark.parametrize("direction", [(1, 0, 0, 0, 1, 0, 0, 0, 1), OBLIQUE])
def test_the_scan_s_voxels_take_the_nearest_prepared_voxel_s_word(direction):
    prepared = prepare(bodies(direction))
    mask = np.random.default_rng(1).random(prepared.volume.shape) < 0.5
    assert np.mean(on_scan_grid(prepared, mask) != nearest(prepared, mask)) < 0.001


def test_the_body_is_where_a_scan_may_change():
    prepared = prepare(bodies())
    where = confine(prepared, ExplainSettings())
    assert where.name == ""
    assert set(np.unique(where.weight)) == {0.0, 1.0}
    soft = prepared.volume > 0.4
    around = ndimage.binary_dilation(soft, iterations=2)  # skin is mixed with air
    assert not (soft & (where.weight == 0)).any() and not (where.weight > 0)[~around].any()
    tissue = prepared.scan.array > 0
    assert not (ndimage.binary_erosion(tissue) & ~where.inside).any()
    assert not (where.inside & ~ndimage.binary_dilation(tissue, iterations=2)).any()


def test_a_region_is_cut_to_the_body():
    prepared = prepare(bodies())
    weight = np.zeros(prepared.volume.shape, np.float32)
    weight[:, :, : weight.shape[2] // 2] = 0.25
    inside = np.zeros(prepared.scan.array.shape, bool)
    inside[:, :, 50:] = True
    region = PreparedRegion("left", inside, weight)
    alone = confine(prepared, ExplainSettings())
    where = confine(prepared, ExplainSettings(), region)
    assert where.name == "left"
    np.testing.assert_array_equal(where.weight, alone.weight * weight)
    np.testing.assert_array_equal(where.inside, alone.inside & inside)
    assert inside.any() and alone.inside.any()
    assert 0 < where.inside.sum() < min(inside.sum(), alone.inside.sum())


def test_a_region_of_air_is_refused():
    prepared = prepare(bodies())
    weight = np.zeros(prepared.volume.shape, np.float32)
    weight[:, :3, :3] = 1
    region = PreparedRegion("corner", np.ones(prepared.scan.array.shape, bool), weight)
    told = r"'corner' lies outside the patient's body.*within='volume'"
    with pytest.raises(ScanError, match=told):
        confine(prepared, ExplainSettings(), region)


@pytest.mark.parametrize("settings", [{"within": "volume"}, {"baseline": "reconstruction"}])
def test_everywhere_means_what_the_region_says(settings):
    prepared = prepare(bodies())
    assert confine(prepared, ExplainSettings(**settings)) is None
    region = PreparedRegion("r", np.ones((1, 1, 1), bool), np.ones((1, 1, 1), np.float32))
    assert confine(prepared, ExplainSettings(**settings), region) is region


def test_of_a_scan_without_a_body_anything_may_change():
    air = Scan.from_array(np.full((6, 30, 30), -1000, np.int16), (3, 3, 3))
    assert confine(prepare(air), ExplainSettings()) is None


@pytest.mark.parametrize("direction", [(1, 0, 0, 0, 1, 0, 0, 0, 1), OBLIQUE])
def test_outside_the_body_every_bit_is_the_scan_s(direction):
    chest = generate_chest(ChestSettings(spacing=(2.5, 3.0, 6.0), size=(144, 92, 5), seed=5))
    scan = Scan.from_array(chest.hu, chest.spacing, chest.origin, direction)
    prepared = prepare(scan)
    outside = ~on_scan_grid(prepared, prepared.body)
    assert 0.1 < outside.mean() < 0.9
    options = {"chunk": 3, "frames": 1, "max_change": 0.2}
    result = explain(scan, **options)
    assert np.array_equal(result.counterfactual[outside], scan.array[outside])
    assert not result.difference[outside].any()
    assert not result.heatmap[outside].any()
    assert np.abs(result.difference[~outside]).max() > 100
    grid = (result.frames[0].image, sitk.Transform(), sitk.sitkNearestNeighbor)
    shown = sitk.GetArrayFromImage(result.frames[0].image)
    there = (
        sitk.GetArrayFromImage(sitk.Resample(scan.with_array(outside.astype(np.uint8)), *grid)) == 1
    )
    before = sitk.GetArrayFromImage(sitk.Resample(scan.image, *grid))
    assert there.any() and np.array_equal(shown[there], before[there])
