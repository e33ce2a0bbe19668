"""What is looked at before the workers begin: models, targets, their units, consent, GPUs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..errors import CTCounterfactualError, ModelError, SettingsError
from .cohort_settings import CohortSettings
from .manifest import Case
from .work import Models

if TYPE_CHECKING:
    from ..models.classifier import Classifier
    from ..models.own.consent import Consent

MOST_LISTED = 10


@dataclass(frozen=True)
class Ready:
    """What is known before the first case.

    Parameters
    ----------
    models : Models
        By their digests.
    gpus : int
        That this computer's workers can have one each.
    about : dict
        Plain JSON values for `cohort.json`.
    """

    models: Models
    gpus: int
    about: dict[str, Any]


def make_ready(
    cases: tuple[Case, ...], wanted: CohortSettings, consent: Consent | None = None
) -> Ready:
    """Load the models once here, so that what is wrong with them is said before workers start.

    Raises
    ------
    ModelError, SettingsError, MissingExtraError
        If a model can't be had, the method can't explain it, or it lacks a target that the manifest
        names; targets of unlike units are told row by row.
    """
    import torch

    from ..counterfactual.environment import choose_device, versions
    from ..counterfactual.result import ModelInfo
    from ..methods.needs import check_needs
    from ..methods.registry import find_method
    from ..models.catalogue import load_autoencoder, load_classifier
    from ..models.classifier import NO_GRADIENT
    from ..models.guarded.classifier import guarded_classifier
    from .loaded import digest_of

    device = choose_device(wanted.settings.device)
    classifier = load_classifier(wanted.classifier, consent)
    guarded = guarded_classifier(classifier)
    if not wanted.counterfactual:
        check_needs(find_method(wanted.method), guarded)
    elif not guarded.differentiable:
        raise ModelError(NO_GRADIENT.format(name=classifier.name))
    _check_targets(cases, wanted, classifier)
    autoencoder = load_autoencoder(wanted.autoencoder, consent)
    models = Models(
        digest_of(wanted.classifier, classifier), digest_of(wanted.autoencoder, autoencoder)
    )
    about = {
        kind: asdict(ModelInfo(model.name, model.sha256, model.description))
        for kind, model in (("classifier", classifier), ("autoencoder", autoencoder))
    }
    gpus = torch.cuda.device_count() if device.type == "cuda" else 0
    return Ready(models, gpus, {**about, "versions": versions()})


def _check_targets(cases: tuple[Case, ...], wanted: CohortSettings, classifier: Classifier) -> None:
    """Raise `SettingsError` for targets that the classifier lacks, or of more than one unit."""
    units: dict[str, str] = {}
    faults = []
    for case in cases:
        name = case.target or wanted.target
        try:
            unit = classifier.find_target(name).unit
        except CTCounterfactualError as error:
            faults.append(f"{case.id}: {error.text}")
            continue
        first = next(iter(units), unit)
        units.setdefault(unit, case.id)
        if unit != first:
            faults.append(
                f"{case.id}: its target {name!r} is in {unit or 'no unit'}, that of {units[first]} "
                f"in {first or 'no unit'}"
            )
    if faults:
        more = len(faults) - MOST_LISTED
        listed = "; ".join(faults[:MOST_LISTED]) + (f"; and {more} more" if more > 0 else "")
        refused = SettingsError(f"{len(faults)} case(s) can't be explained together: {listed}")
        refused.data = {"faults": faults}
        raise refused
