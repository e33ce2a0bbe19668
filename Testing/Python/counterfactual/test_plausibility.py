"""What became of how many mL, on a chest made of boxes: every volume is known by hand."""

import numpy as np
import pytest

from CTCounterfactualLib.counterfactual.aim import Aim
from CTCounterfactualLib.counterfactual.plausibility import plausibility
from CTCounterfactualLib.counterfactual.plausibility_flags import plausibility_flags
from CTCounterfactualLib.counterfactual.plausible import Plausibility
from CTCounterfactualLib.counterfactual.result import Scores
from CTCounterfactualLib.scans.grid import GridSpec

SPEC = GridSpec(spacing=(3.0, 3.0, 3.0))
ML = 0.027  # of a voxel
AIR, LUNG, FLUID, MUSCLE, BONE = -1000.0, -850.0, 10.0, 50.0, 600.0
# (K, J, I): a body of muscle, 40 slices; in it a ring of bone, then lung with fluid at the back.
SHAPE = (40, 60, 80)
BODY = (slice(None), slice(2, 55), slice(5, 75))
CAGE = (slice(None), slice(13, 47), slice(13, 67))
CHEST = (slice(None), slice(15, 45), slice(15, 65))
EFFUSION = (slice(8, 28), slice(15, 27), slice(20, 60))
IN_FLUID = (slice(12, 24), slice(18, 24), slice(26, 54))
BACK_WALL = (slice(10, 20), slice(4, 10), slice(30, 50))
DEEP = (slice(14, 24), slice(33, 39), slice(30, 40))


def box(where, value=True, base=None):
    made = np.zeros(SHAPE, bool) if base is None else base.copy()
    made[where] = value
    return made


def chest(fluid=FLUID, noise=0.0):
    hu = np.full(SHAPE, AIR)
    for where, value in (
        (BODY, MUSCLE),
        (CAGE, BONE),
        (CHEST, LUNG),
        (EFFUSION, fluid),
    ):
        hu[where] = value
    return hu + noise * np.random.default_rng(3).normal(size=SHAPE)


LUNGS, THE_BODY = box(CHEST) & ~box(EFFUSION), box(BODY)


def measured(after, before=None, lungs=LUNGS, body=THE_BODY):
    before = chest() if before is None else before
    x, to = (SPEC.window.to_unit(hu).clip(0, 1).astype(np.float32) for hu in (before, after))
    return plausibility(x, to, SPEC, lungs, body)


def names(found, decided=True):
    scores = Scores(4.0, 4.0, -4.0 if decided else 3.0)
    return [flag.name for flag in plausibility_flags(found, scores, Aim("flip", -4.0, 0.0))]


def ml(where):
    return float(box(where).sum()) * ML


def test_an_unchanged_scan_has_nothing():
    assert measured(chest()) == Plausibility() and names(Plausibility()) == []


@pytest.mark.parametrize("noise", [0.0, 60.0])
def test_fluid_that_became_lung_is_what_could_be(noise):
    found = measured(chest(fluid=LUNG, noise=noise), chest(noise=noise))
    # Smoothed, a change of 860 HU reaches a little beyond it.
    assert ml(EFFUSION) < found.changed < 1.4 * ml(EFFUSION)
    assert found.strongly == pytest.approx(ml(EFFUSION), rel=0.05)
    assert found.lowered == pytest.approx(ml(EFFUSION), rel=0.2)
    assert found.thinned == pytest.approx(ml(EFFUSION), rel=0.2)
    assert found.emptied > 0.95 * found.thinned
    assert names(found) == []
    assert found.raised == found.brightened == found.denser_tissue == found.outside == 0


@pytest.mark.parametrize(
    ("where", "carved"),
    [
        (BACK_WALL, True),
        (EFFUSION, False),
        ((slice(10, 20), slice(13, 15), slice(30, 50)), True),
    ],
    ids=["wall", "fluid", "bone"],
)
def test_wall_and_bone_that_became_air(where, carved):
    found = measured(box(where, AIR, chest()))
    assert found.wall_to_air == pytest.approx(ml(where) if carved else 0.0, rel=1e-6)
    assert ("wall-carved" in names(found)) is carved


def test_without_a_body_bone_alone_tells_of_the_wall():
    rib = (slice(10, 20), slice(13, 15), slice(30, 50))
    found = measured(box(rib, AIR, box(BACK_WALL, AIR, chest())), body=None)
    assert found.wall_to_air == pytest.approx(ml(rib), rel=1e-6)
    assert found.outside == 0


def test_where_the_ribs_are_out_of_sight_the_wall_is_not_judged():
    """A field of view without ribs: what is beyond them nobody can tell."""
    before = chest()
    before[before == BONE] = MUSCLE
    assert measured(box(BACK_WALL, AIR, before), before).wall_to_air == 0


def test_fluid_that_became_denser():
    found = measured(box(EFFUSION, FLUID + 110, chest()))
    # But for its border to the lung, which smoothing has mixed.
    assert found.denser_tissue == pytest.approx(ml(EFFUSION), rel=0.4)
    assert found.brightened == 0
    assert "denser-tissue" in names(found)
    slightly = measured(box(EFFUSION, FLUID + 40, chest()))
    assert slightly.denser_tissue == 0


def test_a_bone_bright_place_where_no_bone_was():
    found = measured(box(IN_FLUID, 300.0, chest()))
    assert found.brightened == pytest.approx(ml(IN_FLUID), rel=0.3)
    assert "too-bright" in names(found)


def test_haze_deep_in_the_lung_but_none_at_its_border():
    found = measured(box(DEEP, LUNG + 300, chest()))
    assert found.haze == pytest.approx(ml(DEEP), rel=0.5)
    assert "haze" in names(found)
    # The lung's front border moves 9 mm inwards: a smaller lung.
    moved = measured(box((slice(None), slice(42, 45), slice(15, 65)), MUSCLE, chest()))
    assert moved.haze == 0 and "haze" not in names(moved)
    assert measured(box(DEEP, LUNG + 300, chest()), lungs=None).haze == 0


def test_gas_that_becomes_lung_beside_pressed_lung_is_no_haze():
    """Not even at its border, where gas and lung are mixed."""
    pressed = box(CHEST, -700.0, np.full(SHAPE, AIR))
    for where, value in ((BODY, MUSCLE), (CAGE, BONE), (CHEST, -700.0), (DEEP, AIR)):
        pressed[where] = value
    expanded = box(CHEST, -780.0, pressed)
    found = measured(expanded, pressed, lungs=box(CHEST))
    assert found.haze == 0 and "haze" not in names(found)
    hazy = measured(box(DEEP, -400.0, expanded), pressed, lungs=box(CHEST))
    assert hazy.haze > 0


def test_a_lung_that_became_denser_evenly_has_no_haze():
    """As in breathing out."""
    after = chest()
    after[LUNGS] += 150
    assert "haze" not in names(measured(after))


def test_one_half_denser_one_half_less_dense():
    after = box((slice(8, 18), *EFFUSION[1:]), LUNG, chest())
    after[18:28, EFFUSION[1], EFFUSION[2]] = FLUID + 200
    assert "both-ways" in names(measured(after))
    assert "both-ways" not in names(measured(box(EFFUSION, LUNG, chest())))


@pytest.mark.parametrize(("density", "named"), [(-60.0, True), (-300.0, True), (-700.0, False)])
def test_a_decision_that_changed_although_the_fluid_stayed(density, named):
    found = measured(box(EFFUSION, density, chest()))
    assert ("satisfied-without-removal" in names(found)) is named
    assert "satisfied-without-removal" not in names(found, decided=False)


def test_a_decision_that_changed_by_a_change_that_nobody_sees():
    found = measured(box(DEEP, LUNG + 60, chest()))
    assert "satisfied-without-removal" in names(found)
    assert found.changed > 0 == found.plainly


def test_ground_glass_that_became_lung_was_no_tissue():
    glass = box(DEEP, -600.0, chest())
    found = measured(chest(), glass)
    assert found.plainly > 0.5 * found.changed > 0 and names(found) == []


def test_air_outside_that_changed():
    place = (slice(10, 30), slice(56, 60), slice(10, 70))
    found = measured(box(place, -800.0, chest()))
    assert found.outside == pytest.approx(ml((place[0], slice(57, 60), place[2])), rel=0.1)
    assert "air-changed" in names(found)


def test_pieces_give_what_the_whole_gives(monkeypatch):
    """A volume of more slices than a piece has, cut at other places."""
    after = box(DEEP, LUNG + 300, box(BACK_WALL, AIR, chest(fluid=-100.0, noise=20.0)))
    whole = measured(after, chest(noise=20.0))
    monkeypatch.setattr("CTCounterfactualLib.counterfactual.plausibility.PIECE_SLICES", 7)
    parts = measured(after, chest(noise=20.0))
    for name in vars(whole):
        assert getattr(parts, name) == pytest.approx(getattr(whole, name), rel=0.02, abs=0.1)


@pytest.mark.parametrize(("changed", "limit"), [(1.0, 0.5), (100.0, 1.0), (1000.0, 5.0)])
def test_limits_are_shares_with_a_floor_and_a_ceiling(changed, limit):
    """A tenth more than the limit is named with its numbers, a tenth less isn't."""
    over = Plausibility(wall_to_air=1.1 * limit, changed=changed, plainly=changed)
    under = Plausibility(wall_to_air=0.9 * limit, changed=changed, plainly=changed)
    (flag,) = plausibility_flags(over, Scores(1, 1, 1), Aim("limit"))
    assert flag.name == "wall-carved" and f"limit {limit:g} mL" in flag.message
    assert names(under) == []
