"""Cross-validation by patient: nobody is in training and test at once, at no level."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import SettingsError
from .logistic import Logistic, fit, log_loss
from .probe_settings import ProbeSettings

# Tried where the strength isn't given: from nearly free weights to nearly none.
STRENGTHS = (1e-3, 1e-2, 1e-1, 1.0)
# Where there are too few patients to choose.
USUAL_STRENGTH = 1e-2
LEAST_PATIENTS = 2


def check_label(name: str, labels: np.ndarray, patients: Sequence[str]) -> None:
    """Raise `SettingsError` unless a label is there and absent in two patients at least."""
    for present, words in ((True, "with"), (False, "without")):
        found = {p for p, label in zip(patients, labels, strict=True) if bool(label) is present}
        if len(found) < LEAST_PATIENTS:
            raise SettingsError(
                f"The label {name} has {len(found)} patient(s) {words} it; at least "
                f"{LEAST_PATIENTS} are needed, one to learn from and one to test on."
            )


def folds_of(
    labels: np.ndarray, patients: Sequence[str], folds: int, seed: int
) -> list[np.ndarray]:
    """Return the rows of each part, (n,) int: whole patients, labels spread over the parts.

    Patients go one by one, the most seldom label first, to the part that has the fewest rows of
    that label; parts without a row are left out.
    """
    owners = np.asarray(patients)
    names = np.random.default_rng(seed).permutation(sorted(set(patients)))
    rows_of = {name: np.flatnonzero(owners == name) for name in names}
    rare = bool(labels.mean() <= 0.5)
    ordered = sorted(names, key=lambda name: -int((labels[rows_of[name]] == rare).sum()))
    parts: list[list[int]] = [[] for _ in range(min(folds, len(names)))]
    for name in ordered:
        rows = rows_of[name]

        def load(part: list[int], rows: np.ndarray = rows) -> tuple[int, int]:
            has = bool((labels[rows] == rare).any())
            same = sum(bool(labels[row]) == rare for row in part)
            return (same, len(part)) if has else (len(part), same)

        min(parts, key=load).extend(int(row) for row in rows)
    return [np.array(sorted(part)) for part in parts if part]


def cross_validated(
    features: np.ndarray, labels: np.ndarray, patients: Sequence[str], settings: ProbeSettings
) -> np.ndarray:
    """Return the logit (N,) of each scan from a fit that has seen none of its patient's scans.

    The strength, if it isn't given, is chosen anew within each part's training patients.

    Raises
    ------
    SettingsError
        If a part's training scans lack one of the labels.
    """
    logits = np.full(len(labels), np.nan)
    for test in folds_of(labels, patients, settings.folds, settings.seed):
        train = np.setdiff1d(np.arange(len(labels)), test)
        if len(set(labels[train].tolist())) < 2:
            raise SettingsError(
                f"With {settings.folds} parts one is left without a scan of each label: take more "
                f"parts, or add patients."
            )
        owners = [patients[row] for row in train]
        found, _ = fitted(features[train], labels[train], owners, settings)
        logits[test] = found.logits(features[test])
    return logits


def fitted(
    features: np.ndarray, labels: np.ndarray, patients: Sequence[str], settings: ProbeSettings
) -> tuple[Logistic, float]:
    """Return the fit to all rows, and the strength that it has."""
    strength = settings.strength or _chosen(features, labels, patients, settings)
    return fit(features, labels, strength), strength


def _chosen(
    features: np.ndarray, labels: np.ndarray, patients: Sequence[str], settings: ProbeSettings
) -> float:
    """Return the strength of the least log-loss on patients that weren't trained on."""
    parts = folds_of(labels, patients, settings.folds, settings.seed)
    rows = np.arange(len(labels))
    trains = [(np.setdiff1d(rows, test), test) for test in parts]
    usable = [(train, test) for train, test in trains if len(set(labels[train].tolist())) == 2]
    if not usable:
        return USUAL_STRENGTH

    def lost(strength: float) -> float:
        return sum(
            len(test)
            * log_loss(
                fit(features[train], labels[train], strength).logits(features[test]), labels[test]
            )
            for train, test in usable
        )

    return min(STRENGTHS, key=lost)
