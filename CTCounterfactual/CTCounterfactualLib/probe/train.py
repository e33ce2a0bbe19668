"""The verb `probe`: from a list of scans and labels to a classifier with a card."""

from __future__ import annotations

import csv
import io
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from ..counterfactual.environment import choose_device
from ..events import CancelToken, ProgressCallback, Reporter
from ..metrics.auc import Auc, auc_by_patient
from ..models.backbones.backbone import Backbone
from ..models.catalogue import is_card, load_backbone
from ..models.files.cards import CARD_SCHEMA
from ..storage.atomic import write_text
from ..training.files import claim_training, write_model
from .features import features_of
from .manifest import Manifest, read_manifest
from .probe_settings import ProbeSettings
from .validation import check_label, cross_validated, fitted

if TYPE_CHECKING:
    from ..models.own.consent import Consent

SCORES = "cross_validated.csv"
_DIGITS = 6


@dataclass(frozen=True)
class Label:
    """What was found for one label.

    Parameters
    ----------
    name : str
        The manifest's column.
    rows : numpy.ndarray
        (n,), int: the scans whose label is known.
    labels, logits : numpy.ndarray
        (n,): bool; logits of fits that had seen none of the patient's scans.
    auc : Auc
        Of these.
    strength : float
        Of the fit to all.
    weight, offset
        That fit.
    """

    name: str
    rows: np.ndarray
    labels: np.ndarray
    logits: np.ndarray
    auc: Auc
    strength: float
    weight: np.ndarray
    offset: float


def train_probe(
    manifest: str | Path,
    backbone: str | Path,
    output: str | Path,
    name: str = "my-probe",
    settings: ProbeSettings | None = None,
    layer: str | None = None,
    licence: str = "not stated",
    device: str = "auto",
    force: bool = False,
    progress: ProgressCallback | None = None,
    cancel: CancelToken | None = None,
    consent: Consent | None = None,
) -> tuple[Path, tuple[Label, ...]]:
    """Train a linear probe for each label of a list, and write it as a classifier with a card.

    Parameters
    ----------
    manifest : str or Path
        See `probe.manifest`.
    backbone : str or Path
        As for `load_backbone`.
    output : str or Path
        Folder: gets `NAME.json`, `NAME.safetensors`, `cross_validated.csv` and the features.
    name, licence : str
        Of the model.
    settings : ProbeSettings, optional
        How.
    layer : str, optional
        As for `load_backbone`.
    force : bool
        Replace a model of that name that is there.

    Returns
    -------
    Path
        The card's.
    tuple of Label
        What each label came to.

    Raises
    ------
    SettingsError, ScanError, ModelError, OutputError
        With what is wrong and what to do; features that were computed stay for the next attempt.
    Cancelled
        If `cancel` was set.
    """
    settings = settings or ProbeSettings()
    listed = read_manifest(manifest)
    for column, values in listed.labels.items():
        rows = _known(values)
        check_label(
            column,
            np.array([values[row] for row in rows], bool),
            [listed.patients[row] for row in rows],
        )
    reporter = Reporter(progress, cancel)
    with claim_training(output, name, force) as folder:
        source = load_backbone(backbone, layer, consent)
        chosen = choose_device(device)
        features = features_of(listed.scans, source, settings.pooling, folder, chosen, reporter)
        labels = tuple(_label(column, listed, features, settings) for column in listed.labels)
        card = _card(name, source, backbone, settings, licence, listed, labels)
        tensors = {
            "weight": torch.from_numpy(np.stack([label.weight for label in labels])).float(),
            "bias": torch.tensor([label.offset for label in labels]).float(),
        }
        write_text(folder / SCORES, _table(listed, labels))
        path = write_model(folder, name, tensors, card, force)
    for label in labels:
        reporter.report("label", f"{label.name}: {in_words(label.auc)}", 1.0, **asdict(label.auc))
    return path, labels


def in_words(auc: Auc) -> str:
    """Say an area with its interval and what it is of."""
    return (
        f"cross-validated AUC {auc.value:.2f} (95 % interval {auc.low:.2f} to {auc.high:.2f}; "
        f"{auc.positives} scans with, {auc.negatives} without, {auc.patients} patients)"
    )


def _known(values: tuple[bool | None, ...]) -> list[int]:
    return [row for row, value in enumerate(values) if value is not None]


def _label(name: str, listed: Manifest, features: np.ndarray, settings: ProbeSettings) -> Label:
    rows = _known(listed.labels[name])
    labels = np.array([listed.labels[name][row] for row in rows], bool)
    patients = [listed.patients[row] for row in rows]
    logits = cross_validated(features[rows], labels, patients, settings)
    auc = auc_by_patient(logits, labels, patients, settings.seed)
    found, strength = fitted(features[rows], labels, patients, settings)
    return Label(name, np.array(rows), labels, logits, auc, strength, found.weight, found.offset)


def _card(
    name: str,
    source: Backbone,
    given: str | Path,
    settings: ProbeSettings,
    licence: str,
    listed: Manifest,
    labels: tuple[Label, ...],
) -> dict[str, Any]:
    # A card may lie anywhere; where the probe's own lies it must still be found.
    backbone = str(Path(given).absolute()) if is_card(given) else str(given)
    return {
        "schema": CARD_SCHEMA,
        "kind": "classifier",
        "name": name,
        "description": f"Linear probe of {', '.join(listed.labels)} on features of {source.name}",
        "licence": licence,
        "backbone": {
            "name": backbone,
            "sha256": source.sha256,
            "layer": getattr(source, "layer", None),
            "pooling": settings.pooling,
        },
        "targets": [_target(label) for label in labels],
        "trained": {
            "settings": asdict(settings),
            "scans": len(listed.scans),
            "labels": {
                label.name: {**_rounded(asdict(label.auc)), "strength": label.strength}
                for label in labels
            },
        },
    }


def _target(label: Label) -> dict[str, Any]:
    """Return the target: present from even odds; negatives only if they lie below."""
    median = round(float(np.median(label.logits[~label.labels])), 3)
    target = {"name": label.name, "threshold": 0.0}
    return {**target, "negatives": median} if median < 0 else target


def _rounded(values: dict[str, Any]) -> dict[str, Any]:
    return {k: round(v, _DIGITS) if isinstance(v, float) else v for k, v in values.items()}


def _table(listed: Manifest, labels: tuple[Label, ...]) -> str:
    """Return the cross-validated logits as CSV: one row a scan and label."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("scan", "patient", "label", "value", "logit"))
    for label in labels:
        for row, value, logit in zip(label.rows, label.labels, label.logits, strict=True):
            writer.writerow(
                (
                    listed.scans[row].name,
                    listed.patients[row],
                    label.name,
                    int(value),
                    round(float(logit), _DIGITS),
                )
            )
    return text.getvalue()
