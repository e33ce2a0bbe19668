"""A region on all grids, refusals, and the gradient through the restricted change."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
import torch

from CTCounterfactualLib.counterfactual import region as region_module
from CTCounterfactualLib.counterfactual.chunks import search_range
from CTCounterfactualLib.counterfactual.encoded import Encoded, Models
from CTCounterfactualLib.counterfactual.evidence import as_outcome
from CTCounterfactualLib.counterfactual.gradient import (
    as_batch,
    decode_slices,
    encode_slices,
    latent_gradient,
    volume_gradient,
)
from CTCounterfactualLib.counterfactual.region import (
    Region,
    check_region,
    latent_cells,
    prepare_region,
    read_region,
)
from CTCounterfactualLib.counterfactual.search import stopping
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.counterfactual.workspace import Workspace
from CTCounterfactualLib.errors import ScanError, SettingsError
from CTCounterfactualLib.events import Reporter
from CTCounterfactualLib.models.classifier import Classifier, Target
from CTCounterfactualLib.scans.grid import GridSpec, prepare
from CTCounterfactualLib.scans.scan import Scan
from oracle_problems import SIDE, SLICES, SmallAutoencoder

GRID = (1.5, 1.5, 3.0)  # the prepared one: nothing is resampled
OBLIQUE = (0.9397, -0.3420, 0, 0.3420, 0.9397, 0, 0, 0, 1)  # 20 degrees about S


def scan_of(size, spacing=GRID, direction=(1, 0, 0, 0, 1, 0, 0, 0, 1)) -> Scan:
    """Return a scan of `size` (K, J, I) voxels of 40 HU."""
    return Scan.from_array(np.full(size, 40, np.int16), spacing, (7.0, -3.0, 20.0), direction)


def region_of(scan: Scan, inside: np.ndarray, name: str = "segment") -> Region:
    return Region(scan.with_array(inside.astype(np.uint8)), name)


# --- Grids ----------------------------------------------------------------------------------------


def test_weight_rises_from_the_border_as_worked_out_by_hand():
    """Ten columns, the first five outside: 1.5, 3.0, 4.5 mm from the nearest outside voxel."""
    scan = scan_of((6, 8, 10))
    inside = np.zeros((6, 8, 10), bool)
    inside[:, :, 5:] = True
    prepared = prepare_region(region_of(scan, inside), prepare(scan))
    assert np.array_equal(prepared.inside, inside)
    # The prepared grid counts I to the right and J to the front, both against this scan (LPS).
    expected = [1, 1, 1, 2 / 3, 1 / 3, 0, 0, 0, 0, 0]
    assert prepared.weight.dtype == np.float32
    assert prepared.weight == pytest.approx(np.broadcast_to(expected, (6, 8, 10)), abs=1e-6)


@pytest.mark.parametrize("spacing", [GRID, (0.8, 0.7, 1.0), (2.2, 2.2, 7.0)])
@pytest.mark.parametrize("direction", [(1, 0, 0, 0, 1, 0, 0, 0, 1), OBLIQUE])
def test_a_region_of_everything_weighs_one_wherever_the_scan_is(spacing, direction):
    scan = scan_of((12, 40, 36), spacing, direction)
    prepared = prepare(scan)
    weight = prepare_region(region_of(scan, np.ones((12, 40, 36), bool)), prepared).weight
    assert (weight[prepared.inside] == 1).all()


def test_the_weight_is_no_wider_than_the_region_by_more_than_a_prepared_voxel():
    scan = scan_of((40, 80, 80), (0.7, 0.7, 1.0), OBLIQUE)
    inside = np.zeros((40, 80, 80), bool)
    inside[12:28, 30:60, 20:50] = True
    prepared = prepare(scan)
    weight = prepare_region(region_of(scan, inside), prepared).weight
    k, j, i = np.nonzero(weight)
    as_image = prepared.as_image(weight)
    image_index = np.array(
        [
            scan.image.TransformPhysicalPointToContinuousIndex(
                as_image.TransformIndexToPhysicalPoint((int(c), int(b), int(a)))
            )
            for a, b, c in zip(k, j, i, strict=True)
        ]
    )
    margin = np.array([1.5 / 0.7, 1.5 / 0.7, 3.0]) + 0.5  # (I, J, K), scan voxels
    assert (image_index >= np.array([20, 30, 12]) - margin).all()
    assert (image_index <= np.array([49, 59, 27]) + margin).all()
    assert weight.max() == pytest.approx(1, abs=1e-3)


def test_a_region_of_one_voxel_is_not_lost():
    scan = scan_of((40, 80, 80), (0.7, 0.7, 1.0))
    inside = np.zeros((40, 80, 80), bool)
    inside[20, 41, 40] = True
    weight = prepare_region(region_of(scan, inside), prepare(scan)).weight
    assert 0 < weight.max() < 0.5
    assert 0 < (weight > 0).sum() <= 27


def test_cells_are_pooled_and_one_wider():
    weight = np.zeros((3, 9, 16), np.float32)
    weight[1, 8, 15] = 0.2  # the last row and column: cell (2, 3) of ceil(9 / 4) x 4
    cells = latent_cells(weight, 4)
    expected = np.zeros((3, 3, 4), bool)
    expected[1, 1:3, 2:4] = True
    assert np.array_equal(cells, expected)


# --- Refusals -------------------------------------------------------------------------------------


def test_a_mask_on_another_grid_is_refused_with_both_geometries():
    scan = scan_of((6, 8, 10))
    smaller = region_of(scan_of((6, 8, 9)), np.ones((6, 8, 9)))
    with pytest.raises(ScanError) as caught:
        prepare_region(smaller, prepare(scan))
    assert str(caught.value) == (
        "The region 'segment' is not on the scan's grid: it has 9 x 8 x 6 voxels of 1.5, 1.5, 3 "
        "mm, origin (7, -3, 20), direction (1, 0, 0, 0, 1, 0, 0, 0, 1), the scan has 10 x 8 x 6 "
        "voxels of 1.5, 1.5, 3 mm, origin (7, -3, 20), direction (1, 0, 0, 0, 1, 0, 0, 0, 1). "
        "Resample the region to the scan."
    )


@pytest.mark.parametrize(("shift_mm", "fits"), [(0.0, True), (0.02, True), (0.1, False)])
def test_a_grid_is_the_same_up_to_what_a_file_format_loses(shift_mm, fits):
    scan = scan_of((6, 8, 10))
    region = region_of(scan, np.ones((6, 8, 10)))
    region.image.SetOrigin((7.0 + shift_mm, -3.0, 20.0))
    if fits:
        prepare_region(region, prepare(scan))
    else:
        with pytest.raises(ScanError, match="not on the scan's grid"):
            prepare_region(region, prepare(scan))


def test_an_empty_mask_is_refused():
    scan = scan_of((6, 8, 10))
    with pytest.raises(ScanError, match=r"'segment' is empty.*Paint it"):
        prepare_region(region_of(scan, np.zeros((6, 8, 10))), prepare(scan))


def test_a_mask_that_the_classifiers_crop_cuts_away_is_refused():
    scan = scan_of((6, 40, 40))
    inside = np.zeros((6, 40, 40), bool)
    inside[:, :4, :4] = True
    with pytest.raises(ScanError, match=r"outside the part of the scan that the classifier sees"):
        prepare_region(region_of(scan, inside), prepare(scan, GridSpec(crop=(10, 10))))


def test_the_papers_baseline_is_refused():
    region = region_of(scan_of((6, 8, 10)), np.ones((6, 8, 10)))
    with pytest.raises(SettingsError, match=r"baseline is 'reconstruction'.*baseline='scan'"):
        check_region(region, ExplainSettings(baseline="reconstruction"))
    check_region(None, ExplainSettings(baseline="reconstruction"))
    check_region(region, ExplainSettings())


def test_a_region_needs_no_torch():
    """Slicer's own process makes and checks it, without torch installed."""
    code = (
        "import sys; import CTCounterfactualLib.counterfactual.region as r; "
        "import CTCounterfactualLib.counterfactual.result; "
        "from CTCounterfactualLib.counterfactual.settings import ExplainSettings; "
        "r.check_region(None, ExplainSettings()); print('torch' in sys.modules)"
    )
    library = Path(region_module.__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=library, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"


def test_a_mask_is_read_from_a_file_under_its_own_name(tmp_path):
    scan = scan_of((6, 8, 10))
    inside = np.zeros((6, 8, 10), np.uint8)
    inside[2, 3, 4] = 1
    sitk.WriteImage(scan.with_array(inside), str(tmp_path / "left lung.nrrd"))
    region = read_region(tmp_path / "left lung.nrrd")
    assert region.name == "left lung"
    assert np.array_equal(sitk.GetArrayFromImage(region.image), inside)
    assert read_region(tmp_path / "left lung.nrrd", "Segment_1").name == "Segment_1"
    with pytest.raises(ScanError, match=r"no file .*right\.nrrd to take a region from"):
        read_region(tmp_path / "right.nrrd")


# --- The restricted change ------------------------------------------------------------------------


class Bumpy(Classifier):
    """A smooth score that depends on every voxel in its own way; float64."""

    name = "bumpy"
    description = "for tests"
    grid = GridSpec()
    targets = (Target("bump"),)

    def __init__(self):
        shape = (SLICES, 2 * SIDE, 2 * SIDE)
        self.weights = torch.from_numpy(np.random.default_rng(2).standard_normal(shape))

    def score(self, x, target=None):
        return torch.sin(3 * x[:, 0] * self.weights).mean(dim=(1, 2, 3))


def workspace_of(weight: torch.Tensor | None, cells: torch.Tensor | None, **options) -> Workspace:
    """Return a workspace of five slices of 16 x 16, restricted or not."""
    settings = ExplainSettings(slice_smoothing=0.0, **options)
    autoencoder, classifier, reporter = SmallAutoencoder(), Bumpy(), Reporter()
    shape = (SLICES, 1, 2 * SIDE, 2 * SIDE)
    x = torch.from_numpy(np.random.default_rng(1).uniform(0.3, 0.7, shape))
    latents = encode_slices(autoencoder, x)
    decoded = decode_slices(autoencoder, latents, shape[-2:])
    score, image_gradient = volume_gradient(classifier, "bump", x)
    gradient = latent_gradient(autoencoder, latents, image_gradient, weight=weight, cells=cells)
    models = Models(autoencoder, classifier, "bump", x.device)
    encoded = Encoded(x, decoded, latents, gradient, score, models.score(decoded), weight)
    return Workspace(models, encoded, settings, reporter)


@pytest.fixture
def restriction():
    """Weights of 1 and 1/2 in slices 1 and 2, and the latent cells (f = 2) that they touch."""
    weight = np.zeros((SLICES, 2 * SIDE, 2 * SIDE), np.float32)
    weight[1:3, 4:10, 4:10] = 0.5
    weight[1:3, 5:9, 5:9] = 1.0
    cells = latent_cells(weight, 2)
    return torch.from_numpy(weight)[:, None].double(), torch.from_numpy(cells)[:, None]


def test_lambda_0_shows_the_scan(restriction):
    for composite in ("bounded", "residual"):
        workspace = workspace_of(*restriction, composite=composite)
        assert torch.equal(workspace.changed(0.0, 0, SLICES), workspace.start_volume)


def test_the_gradient_goes_through_the_restricted_change(restriction):
    """d f(x + w (D(z + lambda g) - D(z))) / d lambda = |g|^2, as g = m J^T (w df/dx), m^2 = m."""
    workspace = workspace_of(*restriction, composite="residual")
    step = 1e-5
    ahead, behind = (
        float(workspace.models.classifier.score(as_batch(workspace.changed(lam, 0, SLICES)))[0])
        for lam in (step, -step)
    )
    expected = float(workspace.encoded.gradient.square().sum())
    assert expected > 0
    assert (ahead - behind) / (2 * step) == pytest.approx(expected, rel=1e-6)


def test_nothing_moves_where_the_weight_is_0_and_half_where_it_is_half(restriction):
    weight, cells = restriction
    lam = -0.5 * workspace_of(*restriction).first_step(0, SLICES)
    restricted = workspace_of(weight, cells, composite="residual")
    changed = restricted.changed(lam, 0, SLICES)
    still = weight == 0
    assert torch.equal(changed[still], restricted.start_volume[still])
    move = changed - restricted.start_volume
    moved = restricted.decode(lam, range(SLICES)) - restricted.encoded.decoded
    torch.testing.assert_close(move[weight == 1], moved[weight == 1])
    torch.testing.assert_close(move[weight == 0.5], moved[weight == 0.5] / 2)
    assert move.abs().max() > 0


def test_the_change_is_relative_to_the_region_within_the_edited_slices(restriction):
    weight, cells = restriction
    workspace = workspace_of(weight, cells, composite="residual")
    lam = -workspace.first_step(1, 2) / 2
    changed = workspace.changed(lam, 1, 2)
    size = float((changed - workspace.start_volume[1:2]).abs().sum())
    mass = float((weight[1:2] * workspace.start_volume[1:2]).sum())
    assert workspace.evaluator(1, 2)(lam).change == pytest.approx(size / mass, rel=1e-12)
    of_volume = workspace_of(weight, cells, composite="residual", change_scope="volume")
    total = float(workspace.start_volume.sum())
    assert of_volume.evaluator(1, 2)(lam).change == pytest.approx(size / total, rel=1e-12)


def test_a_weight_of_one_is_no_restriction():
    shape = (SLICES, 1, 2 * SIDE, 2 * SIDE)
    free = workspace_of(None, None)
    restricted = workspace_of(torch.ones(shape, dtype=torch.float64), None)
    lam = -free.first_step(0, SLICES)
    assert restricted.first_step(0, SLICES) == pytest.approx(-lam, rel=1e-12)
    assert torch.equal(restricted.changed(lam, 0, SLICES), free.changed(lam, 0, SLICES))


@pytest.mark.parametrize("search", ["adaptive", "reference"])
def test_slices_outside_the_region_are_not_searched(restriction, search):
    workspace = workspace_of(*restriction, search=search)
    scored = []
    workspace.models.classifier.score = lambda *args: scored.append(args)
    prepared = prepare(scan_of((SLICES, 2 * SIDE, 2 * SIDE)))
    found = search_range(workspace, 3, SLICES)
    outcome = as_outcome(found, prepared, 3, SLICES, workspace.settings.direction)
    assert outcome.stop_reason == stopping.OUTSIDE_REGION == "outside region"
    assert (outcome.lam, outcome.change, outcome.reduction) == (0.0, 0.0, 0.0)
    assert outcome.score_before == workspace.score
    assert not scored


def test_a_mask_of_what_is_no_number_or_no_region_is_refused():
    scan = Scan.from_array(np.zeros((4, 8, 8), np.int16), GRID)
    mask = np.ones((4, 8, 8), np.float32)
    mask[0, 0, 0] = np.nan
    with pytest.raises(ScanError, match="holds values that are no numbers"):
        prepare_region(Region(scan.with_array(mask), "liver"), prepare(scan))
    with pytest.raises(SettingsError, match=r"is a str; a Region is expected, as read_region"):
        check_region("mask.nrrd", ExplainSettings())
