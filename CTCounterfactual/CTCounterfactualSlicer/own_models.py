"""Models of the user's own: which cards were added, and what the worker said they are.

Slicer's process has no torch and opens no model. So what lists need to know of a card is what the
worker told when it opened it, remembered in Slicer's settings with the card's digest.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

from CTCounterfactualLib.errors import ModelError
from CTCounterfactualLib.models.entry import READY, CatalogueEntry, list_models
from CTCounterfactualLib.models.files.cards import MOST_CARD_BYTES
from CTCounterfactualLib.models.own.consent import Consent, ConsentNeeded
from CTCounterfactualLib.models.store.cache import FOLDER_VARIABLE, ModelCache
from CTCounterfactualLib.models.targets import Target, decision_fault
from CTCounterfactualLib.storage.bounded import read_bytes

from .listed_targets import read_listed
from .model_files import model_cache
from .python_slicer import application

logger = logging.getLogger(__name__)
SETTING = "CTCounterfactual/OwnModels"
GONE = "its card isn't there any more"
EDITED = "its card was edited: check it by Verify"
NO_GRADIENT = "gives no gradient, which counterfactuals need"
CONSENT_NEEDED = ConsentNeeded.__name__
# Outside Slicer nothing is remembered beyond the process.
_session: dict[str, str] = {}


def list_all(cache: ModelCache | None = None) -> tuple[CatalogueEntry, ...]:
    """Return the catalogue's models and the user's own, with their status."""
    own = tuple(_entry(path, about) for path, about in _read().items())
    return (*list_models(cache=cache), *own)


def is_own(entry: CatalogueEntry) -> bool:
    """Tell an own model, whose name is its card's path, from those of the catalogue."""
    return entry.name in _read()


def remember(card: Path, about: dict[str, Any]) -> str:
    """Add a card with what the worker said of it; return the model's name in lists: its path."""
    name = str(Path(card).resolve())
    _write({**_read(), name: about})
    return name


def forget(name: str) -> None:
    """Take a card out of the lists; its files stay where they are."""
    cards = _read()
    cards.pop(name, None)
    _write(cards)


def consent(wanted: dict[str, str], ask: Callable[[str], bool], folder: Path | None = None) -> bool:
    """Ask whether code may run, and remember a yes where the worker looks for it.

    Parameters
    ----------
    wanted : dict
        `outcome.data` of a worker that failed with `CONSENT_NEEDED`.
    ask : callable
        Shows the question, returns whether the user agrees.

    Returns
    -------
    bool
        Whether it may.

    Raises
    ------
    ModelError
        If a yes can't be remembered: the worker, a process of its own, wouldn't know of it.
    """
    asking = Consent(model_cache(folder).folder, ask)
    try:
        asking.require(wanted["name"], wanted["sha256"], wanted["why"])
    except ConsentNeeded:
        return False
    if not asking.knows(wanted["sha256"]):
        raise ModelError(
            f"The folder {asking.folder}, where the worker looks for your consent, can't be "
            f"written. Make it writable, or set {FOLDER_VARIABLE} to another before Slicer starts."
        )
    return True


def _entry(path: str, about: dict[str, Any]) -> CatalogueEntry:
    return CatalogueEntry(
        name=path,
        kind=str(about.get("kind", "")),
        description=str(about.get("description", "")),
        status=_status(Path(path), about),
        targets=tuple(map(_target, about.get("targets", ()))),
        licence=str(about.get("licence", "")),
        title=str(about.get("name", "")),
    )


def _target(told: Any) -> Target:
    """Return a target from what was remembered of it: its fields, or in earlier versions a text."""
    if not isinstance(told, dict):
        return read_listed(str(told))
    name, unit, code = (str(told.get(part, "")) for part in ("name", "unit", "code"))
    threshold, negatives = told.get("threshold"), told.get("negatives")
    if decision_fault(unit, threshold, negatives):  # a damaged memory; the worker reads the card
        threshold = negatives = None
    return Target(name, unit, code, threshold, negatives)


def _status(path: Path, about: dict[str, Any]) -> str:
    try:
        digest = hashlib.sha256(read_bytes(path, MOST_CARD_BYTES)).hexdigest()
    except OSError:
        return GONE
    if digest != about.get("sha256"):
        return EDITED
    return READY if about.get("differentiable", True) else NO_GRADIENT


def _settings():
    """Return Slicer's settings of this user, or None outside Slicer."""
    app = application()
    return app.userSettings() if hasattr(app, "userSettings") else None


def _read() -> dict[str, dict[str, Any]]:
    """Return what is known of each card, by its path; nothing if the setting is damaged."""
    settings = _settings()
    text = _session.get(SETTING) if settings is None else settings.value(SETTING)
    try:
        cards = json.loads(text or "{}")
        return {str(path): dict(about) for path, about in cards.items()}
    except (TypeError, ValueError, AttributeError):
        logger.warning("The setting %s is damaged; the own models have to be added anew.", SETTING)
        return {}


def _write(cards: dict[str, dict[str, Any]]) -> None:
    settings, text = _settings(), json.dumps(cards)
    if settings is None:
        _session[SETTING] = text
    else:
        settings.setValue(SETTING, text)
