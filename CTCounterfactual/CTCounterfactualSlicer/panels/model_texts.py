"""What is said of models: in lists, in the details of one, and in questions before a download."""

from __future__ import annotations

from collections.abc import Iterable

from slicer.i18n import tr as _

from CTCounterfactualLib.models.entry import READY, CatalogueEntry
from CTCounterfactualLib.storage.sizes import BYTES_PER_MB

from . import texts
from .choice_box import Item


def headers() -> list[str]:
    """Return the headers of the table of models."""
    return [_("Model"), _("Status"), _("Size"), _("Licence"), _("Trained on")]


def cells(entry: CatalogueEntry) -> tuple[str, ...]:
    """Return a model's row in the table."""
    return title(entry), status(entry), size(entry), entry.licence, entry.trained_on


def title(entry: CatalogueEntry) -> str:
    """Return a model's name as lists show it."""
    return entry.title or entry.name


def status(entry: CatalogueEntry) -> str:
    """Return whether a model is ready, or what is missing."""
    return _("Ready") if entry.status == READY else entry.status


def size(entry: CatalogueEntry) -> str:
    """Return the size of a model's files; nothing if it has none, or it isn't known."""
    return texts.megabytes(entry.size_bytes / BYTES_PER_MB) if entry.size_bytes else ""


def item(entry: CatalogueEntry) -> Item:
    """Return a model as an item of a combo box; one that isn't ready says so in the list."""
    text = title(entry)
    if entry.status != READY:
        text = f"{text} ({entry.status})"
    return entry.name, text, entry.description


def summary(entry: CatalogueEntry | None) -> str:
    """Return a model's description and status in one line each."""
    if entry is None:
        return _("This classifier isn't available here; choose another, or add its card (Models).")
    facts = ", ".join(fact for fact in (status(entry), size(entry), entry.licence) if fact)
    text = f"{sentence(entry.description)}\n{facts}."
    if entry.status != READY and entry.files:
        text += " " + _("Apply offers to fetch it; or see Models.")
    return text.strip()


def details(entry: CatalogueEntry) -> str:
    """Return all that is known of a model, line by line."""
    lines = [sentence(entry.description)]
    if entry.licence:
        lines.append(_("Licence: {what}.").format(what=entry.licence))
    if entry.trained_on:
        lines.append(_("Trained on: {what}.").format(what=entry.trained_on))
    if entry.title:
        lines.append(_("Card: {path}").format(path=entry.name))
    lines += [_("From: {url}").format(url=file.url) for file in entry.files]
    return "\n".join(line for line in lines if line)


def licence_question(entries: Iterable[CatalogueEntry]) -> str:
    """Return what has to be agreed to before a fetch; nothing if all licences are permissive."""
    asking = [entry for entry in entries if entry.files and not entry.permissive]
    if not asking:
        return ""
    lines = [
        _("{name}: licence {licence}. Publisher: {url}").format(
            name=title(entry), licence=entry.licence, url=entry.files[0].url
        )
        for entry in asking
    ]
    return "\n".join(
        [
            _("These files come from their publisher, whose terms of use hold:"),
            "",
            *lines,
            "",
            _("OK: I have read and accept these terms."),
        ]
    )


def fetch_question(entries: Iterable[CatalogueEntry]) -> str:
    """Return the offer to fetch what a run needs, with the licences to agree to."""
    entries = tuple(entries)
    lines = [f"- {title(entry)}: {entry.status}" for entry in entries]
    parts = [_("Before this can run, files have to be downloaded:"), *lines, ""]
    licence = licence_question(entries)
    parts.append(licence or _("Fetch them now?"))
    return "\n".join(parts)


def remove_question(entry: CatalogueEntry, all_models: Iterable[CatalogueEntry]) -> str:
    """Return whether a model's files shall go, and which other models need them, too."""
    text = _("Delete the files of {name} from this computer?").format(name=title(entry))
    sharing = [
        title(other)
        for other in all_models
        if other.name != entry.name and set(other.files) & set(entry.files)
    ]
    if sharing:
        text += " " + _("They are also those of {names}.").format(names=", ".join(sharing))
    return text


def sentence(text: str) -> str:
    """Return a text with a full stop at its end, if it isn't empty."""
    text = text.strip()
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
