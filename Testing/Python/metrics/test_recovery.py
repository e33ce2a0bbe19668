"""What is recovered of a planted finding: answers known by hand."""

import numpy as np
import pytest

from CTCounterfactualLib.metrics.recovery import recovery

FINDING = np.zeros((2, 3, 4), bool)
FINDING[:, 1, 1:3] = True
CLEAN = np.full(FINDING.shape, -800, np.int16)
SCAN = np.where(FINDING, np.int16(0), CLEAN)


def changed(hu):
    """Return the scan with the finding at so many HU, and with much changed elsewhere."""
    volume = np.where(FINDING, np.int16(hu), CLEAN)
    volume[:, 0] = 900  # no part of the finding
    return volume


@pytest.mark.parametrize(
    ("hu", "recovered", "direction", "overshoot"),
    [
        (-800, 1.0, 1.0, 0.0),  # the true counterfactual
        (-600, 0.75, 1.0, 0.0),
        (200, -0.25, 0.0, 0.0),  # denser: the wrong way
        (-1000, 0.75, 1.0, 0.25),  # 200 of 800 HU too far
        (-10, 0.0125, None, 0.0),  # not visible
    ],
)
def test_one_density(hu, recovered, direction, overshoot):
    found = recovery(SCAN, CLEAN, changed(hu), FINDING)
    assert found["recovered"] == pytest.approx(recovered)
    assert found["overshoot"] == pytest.approx(overshoot)
    assert found.get("direction") == direction


def test_doing_nothing_recovers_nothing_and_has_no_direction():
    assert recovery(SCAN, CLEAN, SCAN, FINDING) == {"recovered": 0.0, "overshoot": 0.0}


def test_direction_counts_voxels_and_recovered_weighs_them():
    half = SCAN.copy()
    half[0, 1, 1:3] = -800  # two voxels of four wholly,
    half[1, 1, 1] = 100  # one the wrong way, one not at all
    found = recovery(SCAN, CLEAN, half, FINDING)
    assert found["direction"] == pytest.approx(2 / 3)
    assert found["recovered"] == pytest.approx(1 - (900 + 800) / (4 * 800))


def test_a_change_where_the_clean_scan_has_none_is_no_step_towards_it():
    clean = CLEAN.copy()
    clean[1, 1, 2] = 0  # planted fluid over a vessel of the same density
    moved = SCAN.copy()
    moved[1, 1, 2] = -500
    assert recovery(SCAN, clean, moved, FINDING)["direction"] == 0.0


def test_a_finding_that_is_in_both_scans_has_no_recovery():
    assert recovery(SCAN, SCAN, changed(-500), FINDING) == {}
    assert recovery(SCAN, CLEAN, changed(-500), np.zeros_like(FINDING)) == {}


def test_integers_do_not_overflow():
    low, high = np.full((1, 1, 1), -32000, np.int16), np.full((1, 1, 1), 32000, np.int16)
    assert recovery(high, low, low, np.ones((1, 1, 1), bool))["recovered"] == 1.0
