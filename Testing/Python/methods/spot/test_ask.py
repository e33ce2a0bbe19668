"""Ask a spot: known answers on a small body, its controls, and points that can't be asked."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from CTCounterfactualLib.counterfactual.settings import ExplainSettings
from CTCounterfactualLib.errors import Cancelled, ScanError, SettingsError
from CTCounterfactualLib.events import CancelToken
from CTCounterfactualLib.methods.attribute import attribute
from CTCounterfactualLib.methods.spot.answer import (
    Replacement,
    SpotAnswer,
    percentile_of,
    sentence_of,
)
from CTCounterfactualLib.methods.spot.ask import ask_spot
from CTCounterfactualLib.methods.spot.mirror import find_plane, mirrored
from CTCounterfactualLib.methods.spot.place import (
    asked_spot,
    control_spots,
    index_of,
    inpainted,
    point_of,
    spot_at,
)
from CTCounterfactualLib.scans.grid import prepare
from toy_body import GRID, LEFT, LUNG_HU, RIGHT, SIZE, BlackBox, Blocks, TissueIn, body_scan

# Of the left lesion's middle (K, J, I) = (5.5, 19.5, 12.5), R, A, S mm: the scan's axes are RAS.
LESION = (12.5 * 3, 19.5 * 3, 5.5 * 3)
RADIUS = 12.0
SETTINGS = ExplainSettings(step="gradient", slice_smoothing=0.0)


def asked(classifier=None, at=LESION, **options) -> SpotAnswer:
    options = {"radius_mm": RADIUS, "controls": 8, "settings": SETTINGS, **options}
    return ask_spot(
        body_scan(), at, classifier=classifier or TissueIn(LEFT), autoencoder=Blocks(), **options
    )


def by_kind(answer: SpotAnswer):
    return {one.kind: one for one in answer.replacements}


@pytest.fixture(scope="module")
def prepared():
    return prepare(body_scan(), GRID)


@pytest.fixture(scope="module")
def answer():
    return asked()


def test_a_spot_that_the_score_hangs_on_is_told_from_random_ones(answer):
    kinds = by_kind(answer)
    assert list(kinds) == ["counterfactual", "surroundings", "mirror"]
    for kind in ("counterfactual", "surroundings"):
        assert kinds[kind].effect > 0.2 and kinds[kind].percentile == 100
        assert kinds[kind].effect == pytest.approx(answer.score - kinds[kind].score)
        assert len(kinds[kind].controls) == 8
    assert len(answer.control_spots) == 8
    assert "lowers the score" in answer.sentence
    assert "100 % of 8 random spots do; that is too few to tell" in answer.sentence


def test_the_mirrored_side_with_the_same_lesion_changes_nothing(answer):
    mirror = by_kind(answer)["mirror"]
    assert abs(mirror.effect) < 0.02
    assert answer.mirror_r == pytest.approx((SIZE[2] - 1) / 2 * 3, abs=1.6)


def test_the_mirrored_side_without_it_takes_the_lesion_away():
    scan = body_scan()
    hu = scan.array.copy()
    hu[RIGHT] = LUNG_HU
    found = ask_spot(
        type(scan)(scan.with_array(hu)), LESION, RADIUS, BlackBox(LEFT), controls=4,
        settings=SETTINGS,
    )  # fmt: skip
    kinds = by_kind(found)
    assert list(kinds) == ["surroundings", "mirror"]  # a black box has no counterfactual
    # The ball of 12 mm, faded over 3 mm, covers most of the 12 x 24 x 18 mm of the lesion.
    assert kinds["mirror"].effect > 0.4 * found.score


def test_a_spot_that_the_score_doesn_t_see_is_like_any_other():
    found = asked(at=(34.5 * 3, 28 * 3, 5 * 3))
    assert all(abs(one.effect) < 0.01 for one in found.replacements if one.effect is not None)


def test_control_spots_are_drawn_by_the_seed_and_keep_away_from_the_spot(answer):
    again, other = asked(), asked(settings=ExplainSettings(seed=3, step="gradient"))
    assert again == answer and other.control_spots != answer.control_spots
    for spot in answer.control_spots:
        assert np.linalg.norm(np.subtract(spot, LESION)) >= 2 * RADIUS


def test_controls_lie_in_the_body(prepared):
    allowed = prepared.body.astype(np.float32)
    spot = asked_spot(prepared, allowed, LESION, RADIUS)
    found = control_spots(prepared, allowed, spot, RADIUS, 5, np.random.default_rng(0))
    ball = spot_at(prepared, np.ones_like(allowed), np.array([6.0, 20, 24]), RADIUS).weight.sum()
    assert len(found) == 5
    for one in found:
        assert one.weight.sum() >= 0.85 * ball
        assert not one.on_grid(SIZE)[~prepared.body].any()


def test_places_go_there_and_back(prepared):
    index = np.array([3.25, 17.5, 8.0])
    assert index_of(prepared, point_of(prepared, index)) == pytest.approx(index)
    assert index_of(prepared, LESION) == pytest.approx([5.5, 19.5, 12.5])


def test_a_spot_changes_nothing_beyond_its_radius(prepared):
    spot = spot_at(prepared, np.ones(SIZE, np.float32), np.array([5.0, 20, 20]), RADIUS)
    k, j, i = np.indices(SIZE)
    distance = 3 * np.sqrt((k - 5.0) ** 2 + (j - 20.0) ** 2 + (i - 20.0) ** 2)
    whole = spot.on_grid(SIZE)
    assert not whole[distance >= RADIUS].any() and (whole[distance <= RADIUS - 3] == 1).all()


def test_surroundings_go_on_into_the_spot():
    """Of a slope the middle stays what it is; a block in the spot leaves nothing behind."""
    prepared = prepare(body_scan(), GRID)
    slope = np.broadcast_to(np.linspace(0, 1, SIZE[2]), SIZE).astype(np.float32).copy()
    spot = spot_at(prepared, np.ones(SIZE, np.float32), np.array([6.0, 20, 24]), RADIUS)
    before = slope.copy()
    slope[spot.box][spot.weight > 0] = 5.0
    filled = inpainted(slope, spot, RADIUS, GRID.spacing)
    inside = spot.weight > 0
    assert filled[inside].max() < 1 and filled[inside].min() > 0
    assert filled[inside].mean() == pytest.approx(before[spot.box][inside].mean(), abs=0.02)


def test_the_mirror_has_its_limits(prepared):
    allowed = prepared.body.astype(np.float32)
    at = asked_spot(prepared, allowed, LESION, RADIUS)
    plane = find_plane(prepared, at)
    assert plane.twice == SIZE[2] - 1
    middle = spot_at(prepared, allowed, np.array([6.0, 20, 23.0]), RADIUS)
    assert mirrored(prepared.volume, allowed, middle, plane) == (
        None, "the spot lies on the mirror plane",
    )  # fmt: skip
    shown, _ = mirrored(prepared.volume, allowed, at, plane)
    k, j, i = at.box
    opposite = prepared.volume[k, j, plane.twice - i.stop + 1 : plane.twice - i.start + 1]
    assert np.array_equal(shown, opposite[..., ::-1])


def test_percentiles_by_hand():
    assert percentile_of(0.5, (0.1, -0.2, 0.9, -0.5)) == pytest.approx(100 * 2.5 / 4)
    assert percentile_of(-1.0, (0.1, 0.2)) == 100
    assert percentile_of(1.0, ()) is None


@pytest.mark.parametrize(
    ("effect", "said"),
    [
        (2.0, "lowers the score by 2 logit, more than 100 % of 20 random spots do: the place matt"),
        (-2.0, "raises the score by 2 logit, more than 100 % of 20 random spots do: the place mat"),
        (0.9, "more than 88 % of 20 random spots do."),
        (0.05, "more than 2 % of 20 random spots do: the place is like any other."),
        (0.0, "Replacing the spot doesn't move the score"),
    ],
)
def test_the_sentence_says_what_the_percentile_means(effect, said):
    controls = tuple(0.05 * n for n in range(1, 21))
    percentile = percentile_of(effect, controls)
    one = Replacement("surroundings", 1.0, effect, percentile, controls)
    assert said in sentence_of((one, Replacement("mirror", reason="none")), "logit")


@pytest.mark.parametrize(
    ("at", "radius", "said"),
    [
        ((500, 0, 0), 10, r"lies outside the scan, which covers R 0 to 141, A 0 to 117, S 0 to 33"),
        ((1, 1, 16), 10, r"lies outside the patient's body"),
        ((37.5, 58.5, 16.5), 0.1, r"holds no voxel of the prepared grid.*larger radius"),
    ],
)
def test_points_that_cannot_be_asked_are_told_in_one_line(at, radius, said):
    with pytest.raises(ScanError, match=said) as told:
        asked(at=at, radius_mm=radius)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("text", ["", "1,2", "1,2,x", "1,2,nan", "1,2,inf"])
def test_what_is_no_point_is_refused(text):
    with pytest.raises(SettingsError, match="R,A,S in mm"):
        attribute(body_scan(), "spot", BlackBox(LEFT), options={"at": text})


def test_without_a_place_nothing_is_asked():
    with pytest.raises(SettingsError, match="needs a place"):
        attribute(body_scan(), "spot", BlackBox(LEFT))


def test_a_cancel_ends_it():
    cancel = CancelToken()

    def stop(event):
        if event.step == "spot":
            cancel.cancel()

    with pytest.raises(Cancelled):
        asked(cancel=cancel, progress=stop)


def test_the_map_shows_the_spots_and_the_facts_give_the_answer_back():
    options = {"at": ",".join(map(str, LESION)), "radius_mm": RADIUS, "controls": 3}
    found = attribute(
        body_scan(), "spot", TissueIn(LEFT), options=options, autoencoder=Blocks(),
        settings=SETTINGS,
    )  # fmt: skip
    told = SpotAnswer.from_facts(found.facts["spot"])
    assert told.to_facts() == found.facts["spot"] and len(told.control_spots) == 3
    assert found.values[5, 19, 12] == pytest.approx(by_kind(told)["counterfactual"].effect)
    assert found.parts["spot"][5, 19, 12] and found.autoencoder.name == "blocks"


def test_a_spot_s_counterfactual_takes_away_most_of_what_it_holds(prepared):
    """A search that stopped at the first step to the scan's limit would take a tenth."""
    classifier = TissueIn(LEFT)
    found = by_kind(asked(classifier))["counterfactual"]
    ball = spot_at(prepared, np.ones(SIZE, np.float32), index_of(prepared, LESION), RADIUS)
    whole = float(classifier.score(torch.from_numpy(prepared.volume)[None, None]))
    assert found.effect > 0.7 * ball.on_grid(SIZE)[LEFT].mean() * whole
