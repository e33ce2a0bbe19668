"""The embedded models on real chest CT: a smaller lung, not noise in it; geometry kept."""

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage

from CTCounterfactualLib import Scan, explain, write_result
from CTCounterfactualLib.metrics.autoencoder import component_ml, speckle_share
from CTCounterfactualLib.scans.grid import prepare

# A lung that shrinks changes at its borders and at its hilum, in pieces of many millilitres.
VISIBLE_HU = 100.0
NEAR_BORDER_MM = 12.0


@pytest.fixture(scope="module")
def chest(shared_ct):
    return explain(shared_ct("chest_lidc0314_2mm.nii.gz"), mode="whole", frames=0)


@pytest.fixture(scope="module")
def both(chest):
    """The scan and its counterfactual, each prepared anew."""
    return prepare(chest.scan), prepare(Scan(chest.scan.with_array(chest.counterfactual)))


def test_lung_volume_falls_by_a_tenth_within_the_limit(chest):
    assert chest.scores.counterfactual < 0.9 * chest.scores.original
    assert chest.whole.change <= 0.05
    assert chest.whole.stop_reason == "change limit"
    assert chest.scores.reconstruction == pytest.approx(chest.scores.original, rel=0.03)


def test_the_lung_itself_got_smaller(both):
    """Found anew in the counterfactual, the lung region has shrunk like the score."""
    before, after = (prepared.lungs for prepared in both)
    assert after.sum() < 0.93 * before.sum()
    assert (after & ~before).sum() < 0.01 * before.sum()


def test_the_change_is_a_rim_and_not_speckle(both):
    scan, counterfactual = both
    spacing = scan.spec.spacing
    change = (counterfactual.volume - scan.volume) * 2000
    assert speckle_share(change, spacing) < 0.1
    assert component_ml(change, spacing) > 100
    lungs, sampling = scan.lungs, spacing[::-1]
    to_border = np.where(
        lungs,
        ndimage.distance_transform_edt(lungs, sampling=sampling),
        ndimage.distance_transform_edt(~lungs, sampling=sampling),
    )
    visible = np.abs(change) > VISIBLE_HU
    assert (to_border[visible] < NEAR_BORDER_MM).mean() > 0.6


def test_an_oblique_scan_keeps_its_geometry(shared_ct, tmp_path):
    path = shared_ct("chest_cip64_rot20.nrrd")
    result = explain(path, chunk=35, frames=1)
    out = write_result(result, tmp_path / "out", scene=False)
    scan = sitk.ReadImage(str(path))
    voxels = sitk.GetArrayFromImage(scan)
    for name in ("counterfactual", "difference", "heatmap"):
        image = sitk.ReadImage(str(out / f"{name}.nrrd"))
        assert image.GetSize() == scan.GetSize()
        assert image.GetDirection() == pytest.approx(scan.GetDirection(), abs=1e-6)
        assert image.GetOrigin() == pytest.approx(scan.GetOrigin(), abs=1e-3)
    changed = sitk.GetArrayFromImage(sitk.ReadImage(str(out / "counterfactual.nrrd")))
    assert np.array_equal(changed[result.difference == 0], voxels[result.difference == 0])
    assert result.scores.counterfactual < 0.95 * result.scores.original
