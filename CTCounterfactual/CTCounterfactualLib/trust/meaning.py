"""Which targets of which embedded classifiers mean the same finding."""

from __future__ import annotations

from ..bench.models import OF_FINDING
from ..errors import ModelError
from ..models.entry import list_models
from ..models.targets import Target, meant

# A finding's score has these forms; they mean the same.
_FORMS = (" probability", " logit")


def finding_of(classifier: str, target: str) -> str | None:
    """Return what a target of a classifier looks for: a finding, "expiration", or None if unknown.

    Known of the classifiers that the bench knows; of any other, if its target is called so.
    """
    plain = _plain(target)
    for finding, sees in OF_FINDING.items():
        for name, own in sees:
            if name == classifier and plain in (finding, _plain(own or _first(name))):
                return finding
    return plain if plain in OF_FINDING else None


def others_of(classifier: str, finding: str) -> list[tuple[str, str | None]]:
    """Return the embedded classifiers, but for one, that see a finding, with their targets."""
    ready = {entry.name for entry in list_models() if entry.embedded}
    found = []
    for name, target in OF_FINDING.get(finding, ()):
        if name != classifier and name in ready:
            found.append((name, target))
    return found


def decided(target: Target) -> tuple[float, float] | None:
    """Return threshold and the score without the finding, or None where no decision is known."""
    if target.threshold is None:
        return None
    return target.threshold, target.threshold if target.negatives is None else target.negatives


def target_for(classifier, finding: str, target: str | None) -> Target:
    """Return a classifier's target that means a finding; raise `ModelError` if it has none."""
    if target is None and meant(classifier.targets, finding):
        target = finding
    if target is None and finding not in OF_FINDING:
        raise ModelError(f"{classifier.name} has no target {finding!r}: name the one to ask.")
    return classifier.find_target(target)


def _plain(target: str) -> str:
    name = target.casefold()
    for form in _FORMS:
        name = name.removesuffix(form)
    return name


def _first(name: str) -> str:
    """Return the first target of an embedded classifier."""
    for entry in list_models():
        if entry.name == name and entry.targets:
            return entry.targets[0].name
    return ""
