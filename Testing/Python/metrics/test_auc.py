"""Area under the curve: by hand, with ties, and an interval that draws patients."""

import numpy as np
import pytest

from CTCounterfactualLib.metrics.auc import area, auc_by_patient


def test_pairs_counted_by_hand():
    labels = np.array([True, True, False, False])
    assert area(np.array([3.0, 1.0, 2.0, 0.0]), labels) == 3 / 4
    assert area(np.array([1.0, 1.0, 1.0, 0.0]), labels) == (0.5 + 0.5 + 1 + 1) / 4
    assert area(np.array([5.0, 4.0, 2.0, 0.0]), labels) == 1
    assert np.isnan(area(np.array([1.0, 2.0]), np.array([True, True])))


def test_scans_of_one_patient_do_not_narrow_the_interval():
    rng = np.random.default_rng(3)
    labels = np.arange(12) % 2 == 0
    scores = labels + rng.normal(size=12)
    each = auc_by_patient(scores, labels, [str(i) for i in range(12)])
    copied = auc_by_patient(
        np.repeat(scores, 9), np.repeat(labels, 9), [str(i) for i in np.repeat(range(12), 9)]
    )
    assert copied.value == pytest.approx(each.value)
    assert copied.high - copied.low == pytest.approx(each.high - each.low, abs=0.03)
    assert each.low < each.value < each.high
    assert (copied.patients, copied.positives) == (12, 54)
