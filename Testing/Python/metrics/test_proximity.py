"""How near a counterfactual stays: answers known by hand, and scikit-image's where it is there."""

import numpy as np
import pytest

from CTCounterfactualLib.metrics.proximity import proximity, ssim_map

BODY = np.zeros((4, 40, 40), bool)
BODY[:, 4:36, 4:36] = True


def scan():
    rng = np.random.default_rng(3)
    return rng.normal(0, 100, BODY.shape).astype(np.float32)


def test_the_scan_itself_is_at_no_distance():
    assert proximity(scan(), scan(), BODY) == {"mae_hu": 0.0, "ssim": 1.0}


def test_mean_error_counts_the_body_alone():
    changed = scan()
    changed[:, 4:36, 4:20] += 10  # half of the body
    changed[:, 0] -= 500  # air
    assert proximity(scan(), changed, BODY)["mae_hu"] == pytest.approx(5.0, abs=1e-4)


def test_two_even_pictures_differ_by_their_means_alone():
    # Without any structure the index is (2 ab + C1) / (a^2 + b^2 + C1).
    a, b, c1 = 0.4, 0.6, 0.01**2
    found = ssim_map(np.full((30, 30), a), np.full((30, 30), b))
    assert found == pytest.approx((2 * a * b + c1) / (a * a + b * b + c1), abs=1e-9)


def test_a_picture_against_its_negative_has_a_negative_index():
    x = np.random.default_rng(0).random((40, 40))
    assert ssim_map(x, 1 - x).mean() < -0.8


def test_parts_that_did_not_change_count_as_alike_to_the_last_digit():
    """The whole picture at once gives the same as the changed part alone."""
    x = scan()
    changed = x.copy()
    changed[1, 10:14, 12:18] += 300
    unit = (np.clip(np.stack([x, changed]), -1000, 1000) + 1000) / 2000
    whole = np.stack([ssim_map(a, b) for a, b in zip(*unit, strict=True)])[BODY].mean()
    assert proximity(x, changed, BODY)["ssim"] == pytest.approx(whole, abs=1e-9)


def test_no_body_no_number():
    assert proximity(scan(), scan(), np.zeros_like(BODY)) == {}
