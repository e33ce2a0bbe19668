"""Chunks cover every slice once, and a search over a range moves nothing but that range."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from CTCounterfactualLib.counterfactual.chunks import chunk_ranges, search_range
from CTCounterfactualLib.counterfactual.encoded import Encoded, Models
from CTCounterfactualLib.counterfactual.evidence import as_outcome
from CTCounterfactualLib.counterfactual.result import Outcome
from CTCounterfactualLib.counterfactual.search import stopping
from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.counterfactual.workspace import Workspace
from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.events import Reporter
from CTCounterfactualLib.models.classifier import Classifier, Target
from CTCounterfactualLib.scans.grid import GridSpec, PreparedScan
from CTCounterfactualLib.scans.scan import Scan
from oracle_problems import SIDE, SmallAutoencoder

SLICES = 12


@pytest.mark.parametrize(
    ("slices", "chunk", "expected"),
    [
        (30, 10, [(0, 10), (10, 20), (20, 30)]),
        (25, 10, [(0, 10), (10, 20), (20, 25)]),  # half a chunk stands alone
        (24, 10, [(0, 10), (10, 24)]),  # less joins
        (11, 10, [(0, 11)]),
        (10, 10, [(0, 10)]),
        (3, 10, [(0, 3)]),  # nothing to join
        (1, 10, [(0, 1)]),
        (3, 1, [(0, 1), (1, 2), (2, 3)]),
        (5, 3, [(0, 3), (3, 5)]),
        (4, 3, [(0, 4)]),
    ],
)
def test_ranges(slices, chunk, expected):
    assert chunk_ranges(slices, chunk) == expected


@settings(deadline=None, derandomize=True)
@given(slices=st.integers(1, 2000), chunk=st.integers(1, 300))
def test_ranges_cover_all_slices_once(slices, chunk):
    ranges = chunk_ranges(slices, chunk)
    assert ranges[0][0] == 0
    assert ranges[-1][1] == slices
    assert all(a[1] == b[0] for a, b in pairwise(ranges))
    sizes = [stop - start for start, stop in ranges]
    assert all(size == chunk for size in sizes[:-1])
    assert len(sizes) == 1 or chunk / 2 <= sizes[-1] < 1.5 * chunk


class SumOfSlices(Classifier):
    """The weighted sum of all voxels: what a slice adds is known, and most weigh nothing."""

    name = "sum"
    description = "for tests"
    grid = GridSpec()
    targets = (Target("sum"),)

    def __init__(self, weights):
        self.weights = torch.tensor(weights, dtype=torch.float64)
        self.seen: list[torch.Tensor] = []

    def score(self, x, target=None):
        self.seen.append(x.clone())
        return (x.mean(dim=(1, 3, 4)) * self.weights).sum(1)


@pytest.fixture
def build():
    """Return a function that builds workspace and prepared scan for given settings."""

    def make(weights, **options):
        settings = ExplainSettings(**options)
        autoencoder, classifier = SmallAutoencoder(), SumOfSlices(weights)
        shape = (SLICES, 1, 2 * SIDE, 2 * SIDE)
        x = torch.from_numpy(np.random.default_rng(1).uniform(0.2, 0.8, shape))
        latents = autoencoder.encode(x)
        decoded = autoencoder.decode(latents)
        z = latents.clone().requires_grad_(True)
        image = classifier.score(autoencoder.decode(z).transpose(0, 1)[None])[0]
        (gradient,) = torch.autograd.grad(image, z)
        models = Models(autoencoder, classifier, "sum", x.device)
        encoded = Encoded(x, decoded, latents, gradient, models.score(x), models.score(decoded))
        classifier.seen.clear()
        workspace = Workspace(models, encoded, settings, Reporter())
        array = x[:, 0].numpy().astype(np.float32)
        scan = Scan.from_array(array, GridSpec().spacing)
        prepared = PreparedScan(
            array, np.ones(array.shape, bool), GridSpec(), scan, (0.0, 0.0, 30.0)
        )
        return workspace, prepared

    return make


def search(workspace: Workspace, prepared: PreparedScan, start: int, stop: int) -> Outcome:
    """Search slices [start, stop) and put what was found in its place."""
    found = search_range(workspace, start, stop)
    return as_outcome(found, prepared, start, stop, workspace.settings.direction)


WEIGHTS = [0, 0, 0, 0, 1, 2, 3, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("baseline", ["scan", "reconstruction"])
@pytest.mark.parametrize("direction", ["decrease", "increase"])
def test_search_moves_its_range_only(build, baseline, direction):
    workspace, prepared = build(WEIGHTS, direction=direction, baseline=baseline)
    outcome = search(workspace, prepared, 4, 8)
    assert outcome.stop_reason == stopping.CHANGE_LIMIT
    assert (outcome.lam < 0) == (direction == "decrease")
    assert (outcome.score_after < outcome.score_before) == (direction == "decrease")
    assert outcome.score_before == workspace.score
    assert outcome.evaluations <= 6
    assert 0.9 * 0.05 < outcome.change <= 0.05
    for seen in workspace.models.classifier.seen:
        fixed = seen[0, 0]
        assert torch.equal(fixed[:4], workspace.start_volume[:4, 0])
        assert torch.equal(fixed[8:], workspace.start_volume[8:, 0])
        assert not torch.equal(fixed[4:8], workspace.start_volume[4:8, 0])


def test_slab_is_in_millimetres(build):
    workspace, prepared = build(WEIGHTS)
    # first slice centred at S = 30 mm, 3 mm thick: slices 4..7 reach from 40.5 to 52.5 mm
    assert search(workspace, prepared, 4, 8).slab_mm == (40.5, 52.5)


@pytest.mark.parametrize("kind", ["adaptive", "reference"])
def test_a_range_without_gradient_says_so(build, kind):
    workspace, prepared = build(WEIGHTS, search=kind)
    outcome = search(workspace, prepared, 8, 12)
    assert outcome.stop_reason == stopping.NO_GRADIENT
    assert (outcome.lam, outcome.change, outcome.evaluations) == (0.0, 0.0, 1)
    assert outcome.score_after == outcome.score_before


def test_no_gradient_at_all(build):
    workspace, prepared = build([0] * SLICES)
    assert search(workspace, prepared, 0, SLICES).stop_reason == stopping.NO_GRADIENT


def test_outcome_is_the_score_of_its_lambda(build):
    """Repeating an evaluation after other searches gives the same numbers: nothing lingers."""
    workspace, prepared = build(WEIGHTS)
    outcome = search(workspace, prepared, 4, 8)
    search(workspace, prepared, 0, SLICES)
    point = workspace.evaluator(4, 8)(outcome.lam)
    assert (point.score, point.change) == (outcome.score_after, outcome.change)


def test_scopes_differ_by_their_mass(build):
    region, _ = build(WEIGHTS, change_scope="region")
    volume, _ = build(WEIGHTS, change_scope="volume")
    lam = region.first_step(4, 8) / 2
    mass = region.start_volume.abs().sum((1, 2, 3))
    share = float(mass[4:8].sum() / mass.sum())
    inside, whole = (w.evaluator(4, 8)(-lam).change for w in (region, volume))
    assert whole == pytest.approx(inside * share, rel=1e-12)
    assert volume.first_step(4, 8) == pytest.approx(region.first_step(4, 8) / share, rel=1e-12)


def test_first_step_is_about_where_the_limit_lies(build):
    workspace, _ = build(WEIGHTS, max_change=0.01, composite="residual", slice_smoothing=0.0)
    step = workspace.first_step(4, 8)
    assert workspace.evaluator(4, 8)(-step).change == pytest.approx(0.01, rel=0.25)


@pytest.mark.parametrize("composite", ["bounded", "residual"])
@pytest.mark.parametrize("max_change", [0.002, 0.01, 0.05])
def test_noise_threshold_is_not_taken_for_a_missing_gradient(build, composite, max_change):
    """`bounded` shows nothing of a step within CT noise; the search must still get beyond it."""
    workspace, prepared = build(WEIGHTS, composite=composite, max_change=max_change)
    outcome = search(workspace, prepared, 4, 8)
    assert outcome.stop_reason == stopping.CHANGE_LIMIT
    assert 0.9 * max_change < outcome.change <= max_change
    assert outcome.score_after < outcome.score_before


def test_a_score_that_is_no_number_ends_the_search_in_words(build):
    """A logarithm of a sum that the change takes below 0: finite at the start, NaN further on."""
    workspace, prepared = build(WEIGHTS)
    classifier = workspace.models.classifier
    score = classifier.score
    limit = 0.999 * workspace.score
    classifier.score = lambda x, target=None: torch.log(score(x, target) - limit)
    with pytest.raises(ModelError, match="sum gives nan where a finite score was expected"):
        search(workspace, prepared, 4, 8)
