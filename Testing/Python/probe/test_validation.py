"""Logistic regression and its validation: known answers, and no patient on both sides."""

import numpy as np
import pytest

from CTCounterfactualLib.errors import SettingsError
from CTCounterfactualLib.metrics.auc import area
from CTCounterfactualLib.probe.logistic import fit, log_loss
from CTCounterfactualLib.probe.probe_settings import ProbeSettings
from CTCounterfactualLib.probe.validation import check_label, cross_validated, folds_of

SETTINGS = ProbeSettings(strength=0.1)


@pytest.fixture
def rng():
    return np.random.default_rng(6)


def test_a_fit_has_no_slope_left_to_go_down(rng):
    x, labels = rng.normal(size=(40, 3)), rng.random(40) < 0.4
    strength = 0.05
    found = fit(x, labels, strength)
    chance = 1 / (1 + np.exp(-found.logits(x)))
    scale = x.std(0) * np.sqrt(3)  # the weights that are punished are those of scaled features
    slope = ((chance - labels)[:, None] * (x - x.mean(0)) / scale).mean(0)
    assert slope + strength * found.weight * scale == pytest.approx(np.zeros(3), abs=1e-4)
    assert chance.mean() == pytest.approx(labels.mean(), abs=1e-4)


def test_more_features_than_scans_and_some_that_never_vary(rng):
    x = rng.normal(size=(20, 300))
    labels = x[:, 7] > 0
    x[:, 100:] = 5.0
    found = fit(x, labels, 1e-3)
    assert (found.weight[100:] == 0).all()
    assert ((found.logits(x) > 0) == labels).all()
    assert log_loss(found.logits(x), labels) < log_loss(fit(x, labels, 10).logits(x), labels)


def test_no_patient_is_in_two_parts_and_both_labels_are_spread(rng):
    patients = [f"p{i // 3}" for i in range(30)]
    labels = np.array([i // 3 in (0, 1, 2) for i in range(30)])
    parts = folds_of(labels, patients, 3, 0)
    assert sorted(np.concatenate(parts)) == list(range(30))
    owners = [{patients[row] for row in part} for part in parts]
    assert all(not (a & b) for n, a in enumerate(owners) for b in owners[n + 1 :])
    assert [int(labels[part].sum()) for part in parts] == [3, 3, 3]


def test_labels_that_only_tell_patients_apart_are_not_learned(rng):
    """Each patient's scans are alike and labels are by chance: by scan it would seem learned."""
    who = np.repeat(rng.normal(size=(20, 50)), 4, axis=0)
    x = who + 0.01 * rng.normal(size=(80, 50))
    labels = np.repeat(np.arange(20) % 2 == 0, 4)
    patients = [f"p{i // 4}" for i in range(80)]
    right = area(cross_validated(x, labels, patients, SETTINGS), labels)
    wrong = area(cross_validated(x, labels, [str(i) for i in range(80)], SETTINGS), labels)
    assert wrong > 0.95 and right < 0.75


def test_what_can_be_learned_is_learned_and_the_strength_is_chosen(rng):
    x = rng.normal(size=(60, 200))
    labels = x[:, 0] + 0.1 * rng.normal(size=60) > 0
    x[:, :10] += 3 * labels[:, None]
    logits = cross_validated(x, labels, [str(i) for i in range(60)], ProbeSettings())
    assert area(logits, labels) > 0.95


def test_a_label_needs_two_patients_of_each():
    labels = np.array([True, True, False, False])
    with pytest.raises(SettingsError, match=r"label fluid has 1 patient\(s\) with it"):
        check_label("fluid", labels, ["a", "a", "b", "c"])
    check_label("fluid", labels, ["a", "b", "b", "c"])
