"""A session against `explain`: the same at any lambda; only what is shown is decoded."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from users import GRID, Halves, Judge, small_scan

from CTCounterfactualLib import Cancelled, CancelToken, SettingsError, explain, prepare_session
from CTCounterfactualLib.counterfactual.region import Region
from CTCounterfactualLib.models.classifier import Target
from CTCounterfactualLib.scans.scan import Scan

OBLIQUE = (0.9397, -0.3420, 0, 0.3420, 0.9397, 0, 0, 0, 1)  # 20 degrees about S
SAGITTAL = (0, 0, 1, 1, 0, 0, 0, -1, 0)  # J runs down, slices run to the left
SETTINGS = {"mode": "whole", "frames": 0, "max_change": 0.1, "within": "volume"}
FROM_ONE_SLICE = 9  # with a smoothing of 2 slices: itself and four to either side


class Counting(Halves):
    """Counts the slices that it decodes."""

    def __init__(self):
        super().__init__()
        self.decoded = 0

    def decode(self, z, size):
        self.decoded += len(z)
        return super().decode(z, size)


class Decides(Judge):
    """A user's classifier with a decision threshold."""

    def __init__(self, threshold):
        super().__init__()
        self.targets = (Target("finding", threshold=threshold),)


def long_scan(direction=(1, 0, 0, 0, 1, 0, 0, 0, 1), slices=30):
    hu = np.random.default_rng(7).integers(-900, 300, (slices, 16, 20))
    hu = np.round((hu + np.roll(hu, 1, 1) + np.roll(hu, 1, 2)) / 3).astype(np.int16)
    return Scan.from_array(hu, GRID.spacing, (3.0, -2.0, 10.0), direction, name="long")


@pytest.fixture(scope="module")
def scan():
    return long_scan()


@pytest.fixture(scope="module", params=["decrease", "increase"])
def explained(request, scan):
    return explain(scan, Judge(), autoencoder=Halves(), direction=request.param, **SETTINGS)


def ready(scan, classifier=None, autoencoder=None, **options):
    given = {**SETTINGS, **options}
    return prepare_session(
        scan, classifier or Judge(), autoencoder=autoencoder or Halves(), **given
    )


def test_what_is_kept_is_what_explain_gives_at_that_lambda(scan, explained):
    """Of either direction, whichever the session began with."""
    lam = explained.whole.lam
    assert lam != 0
    with ready(scan) as session:
        kept = session.keep(lam)
    assert kept.whole.score_after == pytest.approx(explained.whole.score_after, rel=1e-6)
    assert kept.whole.change == pytest.approx(explained.whole.change, rel=1e-5)
    assert kept.scores.counterfactual == pytest.approx(explained.scores.counterfactual, rel=1e-6)
    assert kept.settings.direction == explained.settings.direction
    assert kept.whole.stop_reason == "chosen by hand"
    assert np.array_equal(kept.counterfactual, explained.counterfactual)
    assert np.array_equal(kept.heatmap, explained.heatmap)
    assert {f.name for f in kept.flags} == {f.name for f in explained.flags}


@pytest.mark.parametrize("direction", [(1, 0, 0, 0, 1, 0, 0, 0, 1), OBLIQUE, SAGITTAL])
def test_every_plane_is_that_of_the_written_counterfactual(direction):
    scan = long_scan(direction)
    with ready(scan) as session:
        lam = session.limit("decrease").lam
        written = session.keep(lam).counterfactual
        assert (written != scan.array).any()
        session.at(-lam).score  # so that nothing is left of it  # noqa: B018
        position = session.at(lam)
        sagittal_slices = direction == SAGITTAL
        along = (
            {"axial": 1, "coronal": 2, "sagittal": 0}
            if sagittal_slices
            else {
                "axial": 0,
                "coronal": 1,
                "sagittal": 2,
            }
        )
        for name, axis in along.items():
            for number in (0, written.shape[axis] // 2, written.shape[axis] - 1):
                found = position.plane(name, number)
                assert found.dtype == scan.array.dtype
                assert np.array_equal(found, written.take(number, axis)), (name, number)


def test_an_axial_plane_decodes_its_slice_and_the_neighbours_that_smooth_it(scan):
    draws = Counting()
    with ready(scan, autoencoder=draws) as session:
        lam = session.limit("decrease").lam
        position = session.at(lam)
        draws.decoded = 0
        middle = position.axial(15)
        assert 1 <= draws.decoded <= FROM_ONE_SLICE
        before = draws.decoded
        assert np.array_equal(position.axial(15), middle)
        assert draws.decoded == before  # nothing twice
        position.axial(16)
        assert draws.decoded == before + 1
        assert position.score < session.original_score
        assert draws.decoded == len(scan.array)  # all, each once
        position.coronal(3)
        assert position.change_percent > 0
        assert draws.decoded == len(scan.array)


def test_fifty_moves_take_no_more_memory_than_one(scan):
    with ready(scan) as session:
        lam = session.limit("decrease").lam
        session.at(-lam).axial(0)  # both directions are made
        session.at(lam).axial(0)
        before = session.memory_mb
        buffer = session._drawn.change
        for step in range(50):
            session.at(lam * (step + 1) / 50).axial(step % 30)
        assert session.memory_mb == before
        assert session._drawn.change is buffer


def test_the_change_limit_is_where_a_search_finds_it(scan):
    found = explain(scan, Judge(), autoencoder=Halves(), goal="limit", **SETTINGS)
    with ready(scan) as session:
        guess = session.limit("decrease")
        assert not guess.measured
        _, limit = session.find_marks("decrease")
        assert limit.measured
        assert limit.lam == pytest.approx(found.whole.lam, rel=0.03)
        assert session.at(limit.lam).change == pytest.approx(0.1, rel=0.03)


def test_the_decision_changes_where_the_mark_says(scan):
    with ready(scan) as session:
        lowest = session.at(session.find_marks("decrease")[1].lam).score
        threshold = (session.original_score + 2 * lowest) / 3
    with ready(scan, Decides(threshold), goal="limit") as session:
        flip, limit = session.find_marks("decrease")
        assert flip is not None, session.points("decrease")
        assert 0 < abs(flip.lam) < abs(limit.lam)
        way = session.original_score - threshold
        assert session.at(flip.lam).score == pytest.approx(threshold, abs=0.05 * way)
        assert session.find_marks("increase")[0] is None


def test_beyond_the_limit_a_flag_says_so(scan):
    with ready(scan) as session:
        _, limit = session.find_marks("decrease")
        within, beyond = session.keep(0.5 * limit.lam), session.keep(1.3 * limit.lam)
    assert "beyond-change-limit" not in [flag.name for flag in within.flags]
    assert "beyond-change-limit" in [flag.name for flag in beyond.flags]
    assert beyond.whole.path[0].lam == 0 and beyond.whole.path[-1].lam == beyond.whole.lam


def test_lambda_zero_is_the_scan(scan):
    with ready(scan) as session:
        position = session.at(0)
        assert np.array_equal(position.axial(3), scan.array[3])
        assert position.score == session.original_score
        assert position.change == 0
        assert np.array_equal(session.keep(0).counterfactual, scan.array)


def test_the_papers_baseline_shows_the_reconstruction_at_zero():
    scan = small_scan()
    paper = {"search": "reference", "baseline": "reconstruction", "change_scope": "volume"}
    with ready(scan, **paper) as session:
        assert not np.array_equal(session.at(0).axial(2), scan.array[2])
        written = session.keep(-1.0).counterfactual
        assert np.array_equal(session.at(-1.0).axial(2), written[2])


def test_outside_a_region_planes_are_the_scans(scan):
    inside = np.zeros(scan.array.shape, np.uint8)
    inside[10:20, 4:12, 5:15] = 1
    region = Region(scan.with_array(inside), "box")
    with ready(scan, region=region) as session:
        position = session.at(session.limit("decrease").lam)
        plane = position.coronal(8)
        assert (plane != scan.array[:, 8]).any()
        assert np.array_equal(plane[inside[:, 8] == 0], scan.array[:, 8][inside[:, 8] == 0])


def test_a_cancel_ends_a_piece_of_work_and_not_the_session(scan):
    cancel = CancelToken()
    with ready(scan) as session:
        lam = session.limit("decrease").lam
        cancel.cancel()
        with pytest.raises(Cancelled):
            session.keep(lam, cancel=cancel)
        assert session.at(lam).score < session.original_score


def test_what_was_decoded_before_an_interruption_is_kept(scan):
    """A newer wish interrupts; the slices that were there needn't be decoded again."""
    draws = Counting()
    cancel = CancelToken()
    with prepare_session(scan, Judge(), autoencoder=draws, cancel=cancel, **SETTINGS) as session:
        lam = session.limit("decrease").lam
        draws.decoded = 0
        session.draw(lam, [0])
        known = draws.decoded
        assert session.draw(lam, [0])[0]
        assert session.missing(lam, near=[29])[0] == 29
        assert draws.decoded == known


def test_models_come_back_as_they_were(scan):
    judge = Judge()
    judge.network.train()
    with ready(scan, judge) as session:
        assert not judge.network.training
        session.at(-1.0).axial(0)
    assert judge.network.training
    session.close()
    with pytest.raises(SettingsError, match="closed"):
        session.at(-1.0)


def test_the_callers_random_numbers_go_on(scan):
    judge, draws = Judge(), Halves()
    torch.manual_seed(5)
    wanted = torch.rand(2)
    torch.manual_seed(5)
    with ready(scan, judge, draws) as session:
        first = torch.rand(1)
        session.at(-1.0).score  # noqa: B018
        second = torch.rand(1)
    assert torch.equal(torch.cat([first, second]), wanted)


@pytest.mark.parametrize("lam", [math.nan, math.inf, "1", None, True])
def test_what_is_no_number_is_refused(scan, lam):
    with ready(scan) as session, pytest.raises(SettingsError, match="number"):
        session.at(lam)


def test_what_only_a_search_can_do_and_planes_that_are_not_there_are_refused(scan):
    with pytest.raises(SettingsError, match="region"):
        ready(scan, region="auto")
    with ready(scan) as session:
        with pytest.raises(SettingsError, match="has 30"):
            session.at(-1.0).axial(30)
        with pytest.raises(SettingsError, match="axial"):
            session.at(-1.0).plane("oblique", 0)
