"""How few places change: answers known by hand."""

import numpy as np
import pytest

from CTCounterfactualLib.metrics.sparsity import gini, sparsity


def test_one_voxel_of_many_is_as_sparse_as_can_be_and_an_even_change_as_little():
    one = np.zeros(100)
    one[7] = 50
    assert gini(one) == pytest.approx(0.99)  # 1 - 1/n
    assert gini(np.full(100, 3.0)) == pytest.approx(0.0, abs=1e-12)


def test_gini_of_1_2_3_4_is_a_quarter():
    assert gini(np.array([4.0, 1.0, 3.0, 2.0])) == pytest.approx(0.25)


def test_share_volume_and_the_limit_of_what_is_visible():
    body = np.zeros((2, 10, 10), bool)
    body[:, :5] = True  # 100 voxels
    change = np.zeros(body.shape)
    change[0, 0, :10] = -11  # visible
    change[1, 0, :10] = 10  # not
    change[1, 9, :5] = 30  # outside the body
    found = sparsity(change, body, (2.0, 2.0, 5.0))
    assert found["changed_share"] == pytest.approx(0.1)
    assert found["changed_ml"] == pytest.approx(15 * 20 / 1000)


def test_without_any_change_there_is_no_gini():
    body = np.ones((2, 4, 4), bool)
    assert sparsity(np.zeros(body.shape), body, (1, 1, 1)) == {
        "changed_ml": 0.0,
        "changed_share": 0.0,
    }
