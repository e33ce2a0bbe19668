"""Which classifier explains a case: the finding's own, the user's, or the ideal one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..errors import ModelError, SettingsError
from ..models.autoencoder import AutoencoderLike
from ..models.catalogue import load_autoencoder, load_classifier
from ..models.entry import list_models
from ..models.targets import Target, meant
from ..scans.read import read_file
from ..scans.scan import Scan
from .ideal import IDEAL, TARGET, IdealClassifier
from .layout import EXPIRATION, BenchCase

if TYPE_CHECKING:
    from ..models.own.consent import Consent

# Finding -> the embedded classifiers that see it, the best first; a target is looked for by the
# finding's name, or is this one.
OF_FINDING: dict[str, tuple[tuple[str, str | None], ...]] = {
    "effusion": (("findings-demo", "effusion"), ("effusion-demo", "pleural effusion logit")),
    "consolidation": (("findings-demo", "consolidation"),),
    "nodule": (("findings-demo", "nodule"),),
    "pneumothorax": (("findings-demo", "pneumothorax"),),
    EXPIRATION: (("lung-size-demo", None), ("lung-volume", None)),
}
# Log odds of an even decision, where a card names no threshold.
EVEN_LOGIT = 0.0


class Models:
    """Loads each model of a run once.

    Parameters
    ----------
    classifier, target : str or None
        As the user gave them; None: the finding's own.
    autoencoder : str
        Catalogue name or card.
    consent : Consent, optional
        Whether code of own models may run.
    """

    def __init__(
        self,
        classifier: str | None,
        target: str | None,
        autoencoder: str,
        consent: Consent | None = None,
    ):
        self._classifier = classifier
        self._target = target
        self._consent = consent
        self._loaded: dict[str, Any] = {}
        self._autoencoder_name = autoencoder
        self._autoencoder: AutoencoderLike | None = None

    @property
    def autoencoder(self) -> AutoencoderLike:
        """The autoencoder, loaded at the first use."""
        if self._autoencoder is None:
            self._autoencoder = load_autoencoder(self._autoencoder_name, self._consent)
        return self._autoencoder

    def of(self, case: BenchCase, scan: Scan, clean: Scan) -> tuple[Any, Target]:
        """Return the classifier of a case and its target.

        Raises
        ------
        ModelError, SettingsError, ScanError
            If there is none for this finding, or it can't be loaded or has no such target.
        """
        if self._classifier == IDEAL:
            return self._ideal(case, scan, clean)
        name, target = self._named(case.finding)
        if name not in self._loaded:
            self._loaded[name] = load_classifier(name, self._consent)
        classifier = self._loaded[name]
        if target is None and meant(classifier.targets, case.finding):
            target = case.finding
        return classifier, classifier.find_target(target)

    def _ideal(self, case: BenchCase, scan: Scan, clean: Scan) -> tuple[IdealClassifier, Target]:
        if self._target is not None:
            raise SettingsError(
                f"The ideal classifier has one target, {TARGET!r}: leave the target out."
            )
        ideal = IdealClassifier.of(scan, clean, read_file(case.mask))
        return ideal, ideal.targets[0]

    def _named(self, finding: str) -> tuple[str, str | None]:
        if self._classifier is not None:
            return self._classifier, self._target
        here = {entry.name for entry in list_models()}
        for name, target in OF_FINDING.get(finding, ()):
            if name in here:
                return name, self._target or target
        raise ModelError(
            f"No embedded classifier sees the finding {finding!r}: name a classifier that does."
        )


def threshold_of(target: Target) -> float | None:
    """Return the score at or above which a target is present: the card's, or even odds of a logit.

    None where neither is known: then nothing can flip.
    """
    if target.threshold is not None:
        return target.threshold
    return EVEN_LOGIT if target.unit == "logit" else None
